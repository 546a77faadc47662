/** Values of the cells of a region: small arrays that are coloured, counted and looked up here, without a request. */
import type { GridInfo, LayerInfo, Records } from "../records";
import { strings } from "../strings";

export const MISSING = 255;

export interface Grid {
  readonly west: number;
  readonly north: number;
  readonly south: number;
  readonly east: number;
  readonly cellDeg: number;
  readonly width: number;
  readonly height: number;
  readonly latEdges: readonly number[] | null; // height + 1, from the north; none: rows of equal degrees
  readonly cells: Int32Array; // flat index, row-major from the north row, rising
}

export interface CellValues {
  readonly bytes: Uint8Array; // (months, n), month-major
  readonly months: number;
  readonly scale: number; // value = scale * byte ** power
  readonly power: number;
  readonly max: number; // highest value that there is, over all months
  readonly unit: string;
  readonly explanation: string;
}

export function makeGrid(info: GridInfo, cells: ArrayBuffer): Grid {
  const edges = info.lat_edges ?? null;
  const numbers = new Int32Array(cells);
  if (numbers.length !== (numbers[0] ?? -1) + 1) throw new Error(strings.errors.broken);
  return {
    west: info.west, north: edges?.[0] ?? info.south + info.height * info.cell_deg, south: edges?.at(-1) ?? info.south,
    east: info.west + info.width * info.cell_deg, cellDeg: info.cell_deg, width: info.width, height: info.height,
    latEdges: edges, cells: numbers.subarray(1),
  };
}

export function makeValues(info: LayerInfo, buffer: ArrayBuffer, cells: number): CellValues {
  const bytes = new Uint8Array(buffer);
  const months = Math.max(1, Math.floor(bytes.length / Math.max(1, cells)));
  const [scale, power] = [info.scale ?? 1 / 254, info.power ?? 1];
  let most = 0;
  for (const byte of bytes) if (byte !== MISSING && byte > most) most = byte;
  return { bytes, months, scale, power, max: info.max ?? scale * most ** power, unit: info.unit ?? "", explanation: info.explanation ?? "" };
}

/** The mean of the months of each cell, beside them: (months + 1, n); the whole year is the last. */
export function withYear(values: CellValues, cells: number): Uint8Array {
  const { bytes, months } = values;
  if (months === 1) return bytes;
  const all = new Uint8Array(cells * (months + 1));
  all.set(bytes.subarray(0, cells * months));
  for (let cell = 0; cell < cells; cell++) {
    let [sum, known] = [0, 0];
    for (let month = 0; month < months; month++) {
      const byte = bytes[month * cells + cell] ?? MISSING;
      if (byte !== MISSING) {
        sum += byte;
        known++;
      }
    }
    all[months * cells + cell] = known ? Math.round(sum / known) : MISSING;
  }
  return all;
}

/** Which plane of `withYear` a month is: 1..12, or 0 for the whole year. Undated maps have one. */
export const planeOf = (month: number, months: number): number => (months === 1 ? 0 : month === 0 ? months : Math.min(month, months) - 1);

export const valueOf = (values: CellValues, byte: number): number => values.scale * byte ** values.power;

/** Row of the grid at a latitude; below 0 or the height and more outside of it. */
export function rowAt(grid: Grid, lat: number): number {
  const edges = grid.latEdges;
  if (!edges) return Math.floor((grid.north - lat) / grid.cellDeg);
  if (lat > grid.north || lat <= grid.south) return -1;
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (lat <= (edges[middle] ?? 0)) low = middle;
    else high = middle;
  }
  return low;
}

export function latOf(grid: Grid, row: number): number {
  const edges = grid.latEdges;
  return edges ? ((edges[row] ?? 0) + (edges[row + 1] ?? 0)) / 2 : grid.north - (row + 0.5) * grid.cellDeg;
}

/** Number of the cell at a place, or -1. Longitudes of any turn are taken. */
export function cellAt(grid: Grid, lon: number, lat: number): number {
  let east = lon;
  while (east < grid.west) east += 360;
  while (east >= grid.west + 360) east -= 360;
  const column = Math.floor((east - grid.west) / grid.cellDeg);
  const row = rowAt(grid, lat);
  if (column < 0 || column >= grid.width || row < 0 || row >= grid.height) return -1;
  const wanted = row * grid.width + column;
  let [low, high] = [0, grid.cells.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = grid.cells[middle] ?? 0;
    if (found === wanted) return middle;
    if (found < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

export const middleOf = (grid: Grid, cell: number): [lon: number, lat: number] => {
  const flat = grid.cells[cell] ?? 0;
  return [grid.west + ((flat % grid.width) + 0.5) * grid.cellDeg, latOf(grid, Math.floor(flat / grid.width))];
};

export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** The box where most records are: all but the outermost fiftieth at each side, and a margin. Across 180 if it is narrower so. */
export function boxOf(lons: readonly number[], lats: readonly number[]): Bounds | null {
  if (lons.length === 0) return null;
  const most = (values: readonly number[]): [number, number] => {
    const all = [...values].sort((a, b) => a - b);
    const cut = Math.floor(all.length / 50);
    return [all[cut] ?? 0, all[all.length - 1 - cut] ?? 0];
  };
  const [south, north] = most(lats);
  const [straight, turned] = [most(lons), most(lons.map((lon) => (lon < 0 ? lon + 360 : lon)))];
  const [west, east] = turned[1] - turned[0] < straight[1] - straight[0] ? turned : straight;
  const margin = Math.max(1, 0.15 * Math.max(east - west, north - south));
  return { west: west - margin, east: Math.min(east + margin, west - margin + 360), south: Math.max(-85, south - margin), north: Math.min(85, north + margin) };
}

/** Numbers of the cells in view, every n-th of more than `most`. */
export function cellsIn(grid: Grid, bounds: Bounds, most = 40_000): Int32Array {
  const found: number[] = [];
  const whole = bounds.east - bounds.west >= 360;
  for (let cell = 0; cell < grid.cells.length; cell++) {
    const flat = grid.cells[cell] ?? 0;
    const lat = latOf(grid, Math.floor(flat / grid.width));
    if (lat > bounds.north) continue;
    if (lat < bounds.south) break; // rows run from the north
    if (!whole) {
      const lon = grid.west + ((flat % grid.width) + 0.5) * grid.cellDeg;
      const turned = bounds.west + ((((lon - bounds.west) % 360) + 360) % 360);
      if (turned > bounds.east) continue;
    }
    found.push(cell);
  }
  if (found.length <= most) return Int32Array.from(found);
  const step = found.length / most;
  return Int32Array.from({ length: most }, (_, i) => found[Math.floor(i * step)] ?? 0);
}

/** How many of the cells have each share of the ramp: counts of `bins` equal steps from 0 to `top`; a value is scale * byte ** power. */
export function histogram(planes: Uint8Array, plane: number, cells: number, which: Int32Array, scale: number, top: number, bins = 40, power = 1): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const cell of which) {
    const byte = planes[plane * cells + cell] ?? MISSING;
    if (byte === MISSING) continue;
    const bin = Math.min(bins - 1, Math.floor(((byte ** power * scale) / (top || 1)) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

/** Mean of the cells in each month, for the course of the year; null where nothing is known. */
export function course(values: CellValues, cells: number, which: Int32Array): (number | null)[] {
  const step = Math.max(1, Math.floor(which.length / 8000));
  return Array.from({ length: values.months }, (_, month) => {
    let [sum, known] = [0, 0];
    for (let i = 0; i < which.length; i += step) {
      const byte = values.bytes[month * cells + (which[i] ?? 0)] ?? MISSING;
      if (byte === MISSING) continue;
      sum += byte;
      known++;
    }
    return known ? valueOf(values, sum / known) : null;
  });
}

const RADIUS_KM = 6371.0088; // of a sphere of the Earth's volume, IUGG

/** Area of the cells, square kilometres: those of equal degrees are smaller towards the poles. */
export function areasOf(grid: Grid): Float64Array {
  const rows = Float64Array.from({ length: grid.height }, (_, row) => {
    const [north, south] = grid.latEdges ? [grid.latEdges[row] ?? 0, grid.latEdges[row + 1] ?? 0] : [grid.north - row * grid.cellDeg, grid.north - (row + 1) * grid.cellDeg];
    const turn = Math.PI / 180;
    return RADIUS_KM ** 2 * grid.cellDeg * turn * (Math.sin(Math.min(90, north) * turn) - Math.sin(Math.max(-90, south) * turn));
  });
  return Float64Array.from(grid.cells, (flat) => rows[Math.floor(flat / grid.width)] ?? 0);
}

/** Square kilometres. */
export interface Against {
  readonly right: number;
  readonly missed: number;
  readonly tooMuch: number;
}

/** The range against the truth, in square kilometres. areas: of the cells. */
export function against(planes: Uint8Array, plane: number, truth: Uint8Array, truthPlane: number, areas: Float64Array, threshold: number, scale: number): Against {
  const cells = areas.length;
  let [right, missed, tooMuch] = [0, 0, 0];
  for (let cell = 0; cell < cells; cell++) {
    const [said, true_] = [planes[plane * cells + cell] ?? MISSING, truth[truthPlane * cells + cell] ?? MISSING];
    if (said === MISSING || true_ === MISSING) continue;
    const [here, there, area] = [said * scale >= threshold, true_ > 0, areas[cell] ?? 0];
    if (here && there) right += area;
    else if (there) missed += area;
    else if (here) tooMuch += area;
  }
  return { right, missed, tooMuch };
}

/** Records in each cell, by its number. */
export function recordsByCell(grid: Grid, records: Records): Map<number, number> {
  const counts = new Map<number, number>();
  records.lon.forEach((lon, i) => {
    const cell = cellAt(grid, lon, records.lat[i] ?? 0);
    if (cell >= 0) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  });
  return counts;
}
