import { describe, expect, test } from "vitest";
import { changeRamp, gradient, oklab, ramp } from "../src/map/ramps";
import { RAMPS } from "../src/state";

const lab = (table: Uint8Array, i: number): readonly [number, number, number] => oklab([table[i * 4] ?? 0, table[i * 4 + 1] ?? 0, table[i * 4 + 2] ?? 0]);

/** What an eye without one kind of cone sees: linear RGB by Viénot, Brettel and Mollon (1999), protan and deutan. */
const BLIND = {
  protan: [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
  deutan: [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
};
const linear = (c: number): number => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
const coded = (c: number): number => 255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);

describe.each(RAMPS.flatMap((name) => [[name, false], [name, true]] as const))("the ramp %s, dark %s", (name, dark) => {
  const table = ramp(name, dark);

  test("lightness goes one way", () => {
    const steps = Array.from({ length: 31 }, (_, i) => lab(table, (i + 1) * 8)[0] - lab(table, i * 8)[0]);
    expect(steps.every((step) => (dark ? step > -0.004 : step < 0.004))).toBe(true);
    expect(Math.abs(lab(table, 255)[0] - lab(table, 0)[0])).toBeGreaterThan(0.4);
  });

  test("equal steps look equally far apart", () => {
    const steps = Array.from({ length: 15 }, (_, i) => {
      const [a, b] = [lab(table, i * 17), lab(table, (i + 1) * 17)];
      return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    });
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    for (const step of steps) expect(Math.abs(step / mean - 1)).toBeLessThan(0.25);
  });

  test.each(Object.entries(BLIND))("its order is seen by %s eyes", (_, matrix) => {
    const seen = Array.from({ length: 9 }, (_, i) => {
      const at = Math.min(255, i * 32) * 4;
      const [r, g, b] = [linear(table[at] ?? 0), linear(table[at + 1] ?? 0), linear(table[at + 2] ?? 0)];
      const mixed = matrix.map(([x = 0, y = 0, z = 0]) => coded(Math.min(1, Math.max(0, x * r + y * g + z * b)))) as [number, number, number];
      return oklab(mixed)[0];
    });
    const steps = seen.slice(1).map((value, i) => value - (seen[i] ?? 0));
    expect(steps.every((step) => (dark ? step > 0.01 : step < -0.01))).toBe(true);
  });
});

test("change is neutral in its middle and as strong at both ends", () => {
  for (const dark of [false, true]) {
    const table = changeRamp(dark);
    const [, a, b] = lab(table, 127);
    expect(Math.hypot(a, b)).toBeLessThan(0.03);
    expect(Math.abs(lab(table, 0)[0] - lab(table, 255)[0])).toBeLessThan(0.12);
  }
});

test("a gradient runs from the first colour to the last", () => {
  const table = ramp("cividis", true);
  expect(gradient(table, 2)).toMatch(/^linear-gradient\(to right, rgb\(0 32 77\) 0\.0%, .* rgb\(254 232 56\) 100\.0%\)$/);
});
