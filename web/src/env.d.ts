/// <reference types="vite/client" />
declare module "maplibre-gl/dist/maplibre-gl-csp" {
  export * from "maplibre-gl";
  import maplibre from "maplibre-gl";
  export default maplibre;
}
