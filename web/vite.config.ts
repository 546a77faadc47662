import { defineConfig } from "vitest/config";

// The page is plain files with relative addresses, so that it works under any folder and from any static server. Names
// carry a hash of the content and nothing else of the machine that built them: the same sources give the same bytes.
export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  css: { modules: { generateScopedName: "[name]-[local]" } },
  build: {
    outDir: "../birdsat/explorer/page",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rollupOptions: { output: { manualChunks: { maplibre: ["maplibre-gl/dist/maplibre-gl-csp"] } } },
  },
  server: { proxy: { "/v1": process.env["BIRDSAT_API"] ?? "http://127.0.0.1:8791" } },
  test: { environment: "jsdom", include: ["test/**/*.test.{ts,tsx}"] },
});
