/** Colour ramps: even steps to the eye, told apart by colour-blind eyes, since lightness alone orders them. */
import type { Ramp } from "../state";

type Rgb = readonly [number, number, number];
type Stops = readonly string[];

// Light pages run from pale to dark, dark ones from dark to bright: little recedes into the page, much stands out.
const LIGHT: Record<Ramp, Stops> = {
  lagoon: ["#f3f1d2", "#c3e3bd", "#79c6bf", "#3a98b9", "#2563a6", "#1c2d78"],
  viridis: ["#fde725", "#7ad151", "#22a884", "#2a788e", "#414487", "#440154"],
  cividis: ["#fee838", "#d1ba58", "#9b9477", "#6c6e72", "#3b496c", "#00204d"],
  ember: ["#fdf0d5", "#fcc58e", "#f58a5f", "#d64c57", "#9a2666", "#4a1259"],
};
const DARK: Record<Ramp, Stops> = {
  lagoon: ["#1b2a52", "#215a94", "#2f8fa8", "#5cbfa9", "#a9dfa6", "#f5f4cf"],
  viridis: [...LIGHT.viridis].reverse(),
  cividis: [...LIGHT.cividis].reverse(),
  ember: [...LIGHT.ember].reverse(),
};
const CHANGE: Record<"light" | "dark", Stops> = {
  light: ["#8c3a06", "#d98032", "#f2c18d", "#f0efec", "#9ac4de", "#3d87bd", "#114a85"],
  dark: ["#f0a35e", "#b8692a", "#6b4223", "#33393c", "#2a5675", "#3d8dc4", "#8fcdf2"],
};

export const rgb = (hex: string): Rgb => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
const linear = (c: number): number => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
const coded = (c: number): number => {
  const clipped = Math.min(1, Math.max(0, c));
  return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055));
};

/** sRGB 0..255 -> OKLab (Ottosson 2020), where equal distances look equal. */
export function oklab([r, g, b]: Rgb): Rgb {
  const [lr, lg, lb] = [linear(r), linear(g), linear(b)];
  const l = Math.cbrt(0.4122214708 * lr + 0.5363325363 * lg + 0.0514459929 * lb);
  const m = Math.cbrt(0.2119034982 * lr + 0.6806995451 * lg + 0.1073969566 * lb);
  const s = Math.cbrt(0.0883024619 * lr + 0.2817188376 * lg + 0.6299787005 * lb);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([L, a, b]: Rgb): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    coded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    coded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    coded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

const between = (a: Rgb, b: Rgb, share: number): Rgb => a.map((x, i) => x + ((b[i] ?? x) - x) * share) as unknown as Rgb;
const apart = (a: Rgb, b: Rgb): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** 256 colours (RGBA bytes) along the stops, at equal steps of what the eye sees. */
export function colours(stops: Stops): Uint8Array {
  const points = stops.map((hex) => oklab(rgb(hex)));
  const along = [0];
  points.slice(1).forEach((point, i) => along.push((along[i] ?? 0) + apart(points[i] ?? point, point)));
  const whole = along.at(-1) ?? 1;
  const table = new Uint8Array(1024);
  for (let i = 0; i < 256; i++) {
    const target = (i / 255) * whole;
    let next = along.findIndex((reach) => reach >= target);
    if (next < 1) next = 1;
    const [from, to] = [along[next - 1] ?? 0, along[next] ?? 1];
    const colour = fromOklab(between(points[next - 1] ?? [0, 0, 0], points[next] ?? [0, 0, 0], (target - from) / (to - from || 1)));
    table.set([...colour, 255], i * 4);
  }
  return table;
}

export function ramp(name: Ramp, dark: boolean): Uint8Array {
  return colours((dark ? DARK : LIGHT)[name]);
}

export const changeRamp = (dark: boolean): Uint8Array => colours(CHANGE[dark ? "dark" : "light"]);

/** A ramp as a CSS gradient, for legends. */
export function gradient(table: Uint8Array, steps = 24): string {
  const parts = Array.from({ length: steps + 1 }, (_, i) => {
    const at = Math.round((i / steps) * 255) * 4;
    return `rgb(${table[at]} ${table[at + 1]} ${table[at + 2]}) ${((i / steps) * 100).toFixed(1)}%`;
  });
  return `linear-gradient(to right, ${parts.join(", ")})`;
}
