/** The map: land, cells, coasts, records. MapLibre draws it; what is shown is told by `show`. */
import maplibre from "maplibre-gl/dist/maplibre-gl-csp";
import type { GeoJSONSource, Map as MapLibre, Marker, StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-csp-worker?url";
import { getBlob, tileAddress, withToken } from "../api";
import type { Records, Tiles } from "../records";
import type { Bounds } from "./cells";
import { CellLayer, EarthLayer } from "./cell_layer";
import { graticule, loadEarth, nothing } from "./earth";
import { Labels } from "./labels";
import styles from "./map.module.css";

maplibre.setWorkerUrl(new URL(workerUrl, document.baseURI).href);

export interface Ground {
  readonly base: string;
  readonly raster: Tiles | null; // in place of either ground
  readonly globe: boolean;
  readonly names: boolean;
  readonly borders: boolean;
  readonly graticule: boolean;
  readonly dark: boolean;
}

export interface Pointed {
  readonly lon: number;
  readonly lat: number;
  readonly x: number;
  readonly y: number;
}

export interface Told {
  moved?(camera: { lon: number; lat: number; zoom: number }, bounds: Bounds, byHand: boolean): void;
  pointed?(at: Pointed | null): void;
  clicked?(at: Pointed): void;
}

/** Colours of the page's tokens, for what CSS cannot reach. */
export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function style(): StyleSpecification {
  const line = (id: string, source: string, width: number | unknown[]): StyleSpecification["layers"][number] =>
    ({ id, type: "line", source, paint: { "line-color": "#888", "line-width": width } }) as StyleSpecification["layers"][number];
  const source = (data: GeoJSON.GeoJSON): StyleSpecification["sources"][string] => ({ type: "geojson", data, tolerance: 0.3 });
  return {
    version: 8,
    sources: { land: source(nothing), coast: source(nothing), borders: source(nothing), graticule: source(graticule()), records: { type: "geojson", data: nothing } },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": "#dde8ee" } },
      { id: "land", type: "fill", source: "land", paint: { "fill-color": "#f6f5f1", "fill-antialias": false } },
      line("graticule", "graticule", 0.6),
      line("coast", "coast", ["interpolate", ["linear"], ["zoom"], 0, 0.5, 4, 0.9, 8, 1.4]),
      line("borders", "borders", ["interpolate", ["linear"], ["zoom"], 0, 0.4, 5, 0.9]),
      {
        id: "records", type: "circle", source: "records",
        paint: {
          "circle-radius": ["interpolate", ["linear"], ["zoom"], 1, 2, 5, 3.5, 9, 6],
          "circle-color": "#d9480f", "circle-opacity": 0.85, "circle-stroke-color": "#ffffff", "circle-stroke-width": 0.8,
        },
      },
    ],
  };
}

export class MapView {
  readonly map: MapLibre;
  readonly cells = new CellLayer("cells");
  private readonly earth = new EarthLayer("earth");
  private labels: Labels | null = null;
  private pin: Marker | null = null;
  private ground: Ground | null = null;
  private marbleAsked = false;
  private byHand = false;
  private ended = false;
  readonly ready: Promise<void>;

  constructor(
    readonly box: HTMLElement,
    label: string,
    told: Told,
    camera: { lon: number; lat: number; zoom: number } | null,
    bounds: Bounds | null,
  ) {
    box.classList.add(styles["map"] ?? "map");
    this.map = new maplibre.Map({
      container: box, style: style(), attributionControl: false, dragRotate: false, pitchWithRotate: false, maxZoom: 10, minZoom: 0,
      fadeDuration: 0, transformRequest: withToken, renderWorldCopies: true, locale: { "Map.Title": label },
      center: camera ? [camera.lon, camera.lat] : [0, 20], zoom: camera?.zoom ?? 1.4,
      canvasContextAttributes: { antialias: true },
    });
    const { map } = this;
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    this.ready = new Promise((resolve) => {
      map.on("style.load", () => {
        map.addLayer(this.earth, "land");
        map.addLayer(this.cells, "graticule");
        if (this.ground) this.setGround(this.ground, true);
        if (!camera && bounds) this.frame(bounds, false);
        resolve();
      });
    });
    void loadEarth().then(async (earth) => {
      await this.ready;
      if (this.ended) return; // the page went another way meanwhile
      (map.getSource("land") as GeoJSONSource).setData(earth.land);
      (map.getSource("coast") as GeoJSONSource).setData(earth.coast);
      (map.getSource("borders") as GeoJSONSource).setData(earth.borders);
      this.labels = new Labels(map, earth.names);
      this.labels.show(this.ground?.names ?? true);
    });
    const tell = (): void => {
      const { lng, lat } = map.getCenter();
      told.moved?.({ lon: ((((lng + 180) % 360) + 360) % 360) - 180, lat, zoom: map.getZoom() }, this.bounds(), this.byHand);
    };
    map.on("movestart", (event) => (this.byHand ||= Boolean((event as { originalEvent?: Event }).originalEvent)));
    map.on("moveend", () => {
      tell();
      this.byHand = false;
    });
    map.on("mousemove", (event) => told.pointed?.({ lon: event.lngLat.lng, lat: event.lngLat.lat, x: event.point.x, y: event.point.y }));
    map.on("mouseout", () => told.pointed?.(null));
    map.on("movestart", () => told.pointed?.(null));
    map.on("click", (event) => told.clicked?.({ lon: event.lngLat.wrap().lng, lat: event.lngLat.lat, x: event.point.x, y: event.point.y }));
    void this.ready.then(tell);
  }

  bounds(): Bounds {
    const found = this.map.getBounds();
    return { west: found.getWest(), south: found.getSouth(), east: found.getEast(), north: found.getNorth() };
  }

  /** Show a box of degrees, beside the panel and above the time. */
  frame(bounds: Bounds, smoothly: boolean): void {
    const camera = this.map.cameraForBounds([[bounds.west, Math.max(-75, bounds.south)], [bounds.east, Math.min(82, bounds.north)]], { padding: 16, maxZoom: 6 });
    if (camera) this.map.easeTo({ ...camera, duration: smoothly && !this.still() ? 500 : 0 });
  }

  /** Whether a place is in what the panel, the legend and the time leave free. */
  sees(lon: number, lat: number): boolean {
    const { x, y } = this.map.project([lon, lat]);
    const { top, left, right, bottom } = this.map.getPadding();
    const { clientWidth, clientHeight } = this.box;
    return x > (left ?? 0) && y > (top ?? 0) && x < clientWidth - (right ?? 0) && y < clientHeight - (bottom ?? 0);
  }

  fly(lon: number, lat: number, zoom: number): void {
    this.map.easeTo({ center: [lon, lat], zoom, duration: this.still() ? 0 : 500 });
  }

  pad(padding: { top: number; left: number; right: number; bottom: number }): void {
    this.map.setPadding(padding);
  }

  private still(): boolean {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  setGround(ground: Ground, force = false): void {
    const before = this.ground;
    this.ground = ground;
    const { map } = this;
    if (!map.getLayer("cells")) return;
    const changed = <K extends keyof Ground>(key: K): boolean => force || before?.[key] !== ground[key];
    if (changed("globe")) map.setProjection({ type: ground.globe ? "globe" : "mercator" });
    if (changed("names")) this.labels?.show(ground.names);
    if (changed("borders")) map.setLayoutProperty("borders", "visibility", ground.borders ? "visible" : "none");
    if (changed("graticule")) map.setLayoutProperty("graticule", "visibility", ground.graticule ? "visible" : "none");
    if (changed("raster")) this.setRaster(ground.raster);
    if (changed("base") || changed("dark")) {
      const marble = ground.base === "marble";
      this.box.classList.toggle(styles["marble"] ?? "marble", marble);
      map.setLayoutProperty("land", "visibility", marble ? "none" : "visible");
      map.setLayoutProperty("earth", "visibility", marble ? "visible" : "none");
      map.setPaintProperty("sea", "background-color", marble ? "#0a1740" : token("sea"));
      map.setPaintProperty("land", "fill-color", token("land"));
      map.setPaintProperty("coast", "line-color", marble ? "#e6eef2" : token("coast"));
      map.setPaintProperty("borders", "line-color", marble ? "#cfd6d6" : token("border"));
      map.setPaintProperty("borders", "line-opacity", marble ? 0.5 : 1);
      map.setPaintProperty("graticule", "line-color", marble ? "#ffffff" : token("ink"));
      map.setPaintProperty("graticule", "line-opacity", marble ? 0.16 : 0.09);
      this.earth.dim = ground.dark ? 0.75 : 1;
      if (marble && !this.marbleAsked) {
        this.marbleAsked = true;
        getBlob("v1/basemap.jpg")
          .then((blob) => createImageBitmap(blob))
          .then((picture) => this.earth.show(picture), () => (this.marbleAsked = false)); // the sea's blue stands meanwhile
      }
    }
  }

  private setRaster(raster: Tiles | null): void {
    const { map } = this;
    if (map.getLayer("raster")) map.removeLayer("raster");
    if (map.getSource("raster")) map.removeSource("raster");
    if (!raster) return;
    map.addSource("raster", {
      type: "raster", tiles: [tileAddress(raster.url)], tileSize: 256, minzoom: raster.minzoom ?? 0, maxzoom: raster.maxzoom ?? 22,
      ...(raster.bounds ? { bounds: [...raster.bounds] as [number, number, number, number] } : {}),
    });
    map.addLayer({ id: "raster", type: "raster", source: "raster" }, "cells");
  }

  /** Records as points; those of a month where one is chosen, and those of no known month with every one. */
  setRecords(records: Records | null, month: number): void {
    const source = this.map.getSource("records") as GeoJSONSource | undefined;
    if (!source) return;
    const features = (records?.lon ?? []).flatMap((lon, i): GeoJSON.Feature[] => {
      const of = records?.month[i] ?? 0;
      if (month !== 0 && of !== 0 && of !== month) return [];
      return [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [lon, records?.lat[i] ?? 0] } }];
    });
    source.setData({ type: "FeatureCollection", features });
  }

  setPin(place: readonly [number, number] | null): void {
    this.pin?.remove();
    this.pin = null;
    if (!place) return;
    const element = document.createElement("div");
    element.className = styles["pin"] ?? "pin";
    this.pin = new maplibre.Marker({ element }).setLngLat([place[0], place[1]]).addTo(this.map);
    element.setAttribute("aria-hidden", "true");
    element.removeAttribute("role");
    element.removeAttribute("aria-label");
    element.removeAttribute("tabindex");
  }

  end(): void {
    this.ended = true;
    this.map.remove();
  }
}
