import { describe, expect, test } from "vitest";
import { against, areasOf, boxOf, cellAt, cellsIn, course, histogram, latOf, makeGrid, makeValues, middleOf, planeOf, recordsByCell, rowAt, valueOf, withYear } from "../src/map/cells";
import { mesh } from "../src/map/cell_layer";

const INFO = { west: 10, south: 40, cell_deg: 1, width: 4, height: 3, cells: 3 };
const bytes = (...values: number[]): ArrayBuffer => Uint8Array.from(values).buffer;
const grid = makeGrid(INFO, Int32Array.from([3, 0, 5, 11]).buffer);

describe("a grid", () => {
  test("rows run from the north", () => {
    expect(middleOf(grid, 0)).toEqual([10.5, 42.5]);
    expect(middleOf(grid, 1)).toEqual([11.5, 41.5]);
    expect(middleOf(grid, 2)).toEqual([13.5, 40.5]);
  });

  test("a place is in its cell, at any turn of the Earth, and in none where there is none", () => {
    expect(cellAt(grid, 11.2, 41.9)).toBe(1);
    expect(cellAt(grid, 11.2 + 720, 41.9)).toBe(1);
    expect(cellAt(grid, 11.2 - 360, 41.9)).toBe(1);
    expect(cellAt(grid, 12.2, 41.9)).toBe(-1);
    expect(cellAt(grid, 9.9, 42.5)).toBe(-1);
    expect(cellAt(grid, 10.5, 43.1)).toBe(-1);
  });

  test("a grid over the antimeridian has its cells on both sides", () => {
    const pacific = makeGrid({ ...INFO, west: 178, cells: 2 }, Int32Array.from([2, 0, 3]).buffer);
    expect(cellAt(pacific, 178.5, 42.5)).toBe(0);
    expect(cellAt(pacific, -178.5, 42.5)).toBe(1);
  });

  test("rows of uneven height are found by their edges", () => {
    const uneven = makeGrid({ ...INFO, lat_edges: [60, 50, 45, 0] }, Int32Array.from([1, 0]).buffer);
    expect([55, 50, 49.9, 45.1, 44, 0.5].map((lat) => rowAt(uneven, lat))).toEqual([0, 1, 1, 1, 2, 2]);
    expect([61, -1, 0].map((lat) => rowAt(uneven, lat))).toEqual([-1, -1, -1]);
    expect(latOf(uneven, 2)).toBe(22.5);
  });

  test("an array that is cut short is refused in words", () => {
    expect(() => makeGrid(INFO, Int32Array.from([3, 0, 5]).buffer)).toThrow(/not as long as it says/);
  });

  test("the cells in view are those whose middles are", () => {
    expect([...cellsIn(grid, { west: 11, east: 14, south: 40, north: 42 })]).toEqual([1, 2]);
    expect([...cellsIn(grid, { west: -349, east: -346, south: 40, north: 42 })]).toEqual([1, 2]);
    expect(cellsIn(grid, { west: -180, east: 180, south: -90, north: 90 }, 2)).toHaveLength(2);
  });

  test("records are counted in their cells", () => {
    expect([...recordsByCell(grid, { lon: [10.1, 10.9, 13.5, 0], lat: [42.1, 42.9, 40.1, 0], month: [1, 2, 3, 4] })]).toEqual([[0, 2], [2, 1]]);
  });
});

describe("values", () => {
  const values = makeValues({ url: "", scale: 0.01 }, bytes(10, 20, 255, 30, 255, 255), 3);

  test("months come one after another, and the whole year is their mean", () => {
    expect(values.months).toBe(2);
    expect(values.max).toBeCloseTo(0.3);
    expect([...withYear(values, 3)]).toEqual([10, 20, 255, 30, 255, 255, 20, 20, 255]);
    expect([planeOf(0, 12), planeOf(1, 12), planeOf(12, 12), planeOf(7, 1)]).toEqual([12, 0, 11, 0]);
  });

  test("missing cells are in no mean, histogram or comparison", () => {
    expect(course(values, 3, Int32Array.from([0, 1, 2]))).toEqual([expect.closeTo(0.15), expect.closeTo(0.3)]);
    expect(course(values, 3, Int32Array.from([2]))).toEqual([null, null]);
    expect(histogram(values.bytes, 0, 3, Int32Array.from([0, 1, 2]), 0.01, 0.4, 4)).toEqual([0, 1, 1, 0]);
    const truth = Uint8Array.from([0, 1, 1]);
    const areas = Float64Array.from([2, 3, 4]);
    expect(against(values.bytes, 0, truth, 0, areas, 0.05, 0.01)).toEqual({ right: 3, missed: 0, tooMuch: 2 });
    expect(against(values.bytes, 0, truth, 0, areas, 0.5, 0.01)).toEqual({ right: 0, missed: 3, tooMuch: 0 });
  });

  test("a squared scale is undone", () => {
    expect(valueOf(makeValues({ url: "", scale: 0.5, power: 2 }, bytes(4), 1), 4)).toBe(8);
    expect(histogram(Uint8Array.from([0, 2, 4]), 0, 3, Int32Array.from([0, 1, 2]), 0.5, 8, 4, 2)).toEqual([1, 1, 0, 1]);
  });
});

describe("areas", () => {
  test("all cells of the Earth make its surface, however their rows lie", () => {
    const world = { west: -180, south: -90, cell_deg: 10, width: 36, height: 18, cells: 648 };
    const every = Int32Array.from([648, ...Array.from({ length: 648 }, (_, i) => i)]).buffer;
    const sum = (of: Float64Array): number => of.reduce((a, b) => a + b, 0);
    const equal = areasOf(makeGrid(world, every));
    expect(sum(equal) / 1e6).toBeCloseTo(510.07, 1);
    expect(equal[0]).toBeLessThan((equal[9 * 36] ?? 0) / 5); // at the pole and at the equator
    const edges = Array.from({ length: 19 }, (_, i) => (Math.asin(1 - i / 9) * 180) / Math.PI);
    const alike = areasOf(makeGrid({ ...world, lat_edges: edges }, every));
    expect(alike[0]).toBeCloseTo(alike[9 * 36] ?? 0, 3);
  });
});

test("the mesh covers the box and every triangle has its corners", () => {
  const { corners, triangles } = mesh(-180, -90, 180, 90);
  const xs = [...corners].filter((_, i) => i % 2 === 0);
  const ys = [...corners].filter((_, i) => i % 2 === 1);
  expect([Math.min(...xs), Math.max(...xs)]).toEqual([0, 1]);
  expect(Math.min(...ys)).toBeCloseTo(0, 4);
  expect(Math.max(...ys)).toBeCloseTo(1, 4);
  expect(Math.max(...triangles)).toBe(corners.length / 2 - 1);
});

describe("where records are", () => {
  test("is a box without the outermost, with a margin, and across 180 where that is narrower", () => {
    const lons = [...Array.from({ length: 98 }, (_, i) => 10 + i / 98), -120, 100];
    const box = boxOf(lons, lons.map(() => 50));
    expect(box?.west).toBeCloseTo(9, 0);
    expect(box?.east).toBeCloseTo(12, 0);
    const fiji = boxOf([179, -179, 178], [-17, -18, -16]);
    expect(fiji && fiji.east - fiji.west).toBeCloseTo(5);
    expect(boxOf([], [])).toBeNull();
  });
});
