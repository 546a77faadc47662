/** Land, coasts, borders and names of countries: Natural Earth, shipped with the page. */
import type { Feature, FeatureCollection, MultiLineString, MultiPolygon, Position } from "geojson";
import { countryName } from "./countries";
import earthUrl from "../assets/earth.json?url";

interface Stored {
  readonly units: number;
  readonly land: readonly (readonly (readonly number[])[])[];
  readonly borders: readonly (readonly number[])[];
  readonly names: readonly (readonly [name: string, number: string, lon: number, lat: number, area: number])[];
}

export interface Name {
  readonly name: string;
  readonly lon: number;
  readonly lat: number;
  readonly area: number; // square degrees at the equator
}

export interface Earth {
  readonly land: Feature<MultiPolygon>;
  readonly coast: Feature<MultiLineString>;
  readonly borders: Feature<MultiLineString>;
  readonly names: readonly Name[];
}

function walk(steps: readonly number[], units: number): Position[] {
  const line: Position[] = [];
  let [x, y] = [0, 0];
  for (let i = 0; i < steps.length; i += 2) {
    x += steps[i] ?? 0;
    y += steps[i + 1] ?? 0;
    line.push([x / units, y / units]);
  }
  return line;
}

/** A ring without the cuts that only the edge of a flat map makes. */
export function shore(ring: readonly Position[]): Position[][] {
  const edge = ([lon = 0, lat = 0]: Position): boolean => Math.abs(lon) === 180 || lat <= -89.9;
  const lines: Position[][] = [];
  let line: Position[] = [];
  ring.forEach((point, i) => {
    const before = ring[i - 1];
    if (before && edge(before) && edge(point)) {
      if (line.length > 1) lines.push(line);
      line = [];
    }
    line.push(point);
  });
  if (line.length > 1) lines.push(line);
  return lines;
}

export const lines = (coordinates: Position[][]): Feature<MultiLineString> => ({ type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates } });

let loaded: Promise<Earth> | null = null;

export function loadEarth(): Promise<Earth> {
  loaded ??= fetch(new URL(earthUrl, document.baseURI)).then(async (response) => {
    const stored = (await response.json()) as Stored;
    const land = stored.land.map((rings) => rings.map((ring) => walk(ring, stored.units)));
    return {
      land: { type: "Feature", properties: {}, geometry: { type: "MultiPolygon", coordinates: land } },
      coast: lines(land.flatMap((rings) => rings.flatMap(shore))),
      borders: lines(stored.borders.map((line) => walk(line, stored.units))),
      names: stored.names.map(([name, number, lon, lat, area]) => ({ name: countryName(name, number), lon, lat, area })),
    } satisfies Earth;
  });
  return loaded;
}

/** Lines of latitude and longitude, every 15 degrees; bent lines have a point every 3. */
export function graticule(): Feature<MultiLineString> {
  const coordinates: Position[][] = [];
  for (let lon = -180; lon < 180; lon += 15) coordinates.push(Array.from({ length: 55 }, (_, i) => [lon, -81 + i * 3]));
  for (let lat = -75; lat <= 75; lat += 15) coordinates.push(Array.from({ length: 121 }, (_, i) => [-180 + i * 3, lat]));
  return lines(coordinates);
}

export const nothing: FeatureCollection = { type: "FeatureCollection", features: [] };
