/** Numbers, dates and places in the browser's language, three significant digits at most. */
export const locale = (): string => navigator.language || "en";

const cache = new Map<string, Intl.NumberFormat>();
function formatter(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const found = cache.get(key + locale());
  if (found) return found;
  const made = new Intl.NumberFormat(locale(), options);
  cache.set(key + locale(), made);
  return made;
}

export const number = (value: number | null | undefined): string =>
  value === null || value === undefined || !Number.isFinite(value)
    ? "–"
    : formatter("number", { maximumSignificantDigits: 3 }).format(value);
export const score = (value: number | null | undefined): string =>
  value === null || value === undefined || !Number.isFinite(value)
    ? "–"
    : formatter("score", { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);
export const count = (value: number): string => formatter("count", { maximumFractionDigits: 0 }).format(value);
export const percent = (share: number): string => {
  const digits = share > 0 && share < 0.01 ? 1 : 0;
  return formatter(`percent${digits}`, { style: "percent", maximumFractionDigits: digits }).format(share);
};
export const bytes = (size: number): string =>
  size >= 1e6
    ? formatter("mb", { style: "unit", unit: "megabyte", maximumSignificantDigits: 3 }).format(size / 1e6)
    : formatter("kb", { style: "unit", unit: "kilobyte", maximumSignificantDigits: 3 }).format(size / 1e3);
/** An area, large ones in words: 5.57 million km². */
export const area = (km2: number): string =>
  `${formatter(km2 >= 1e6 ? "areas" : "area", { maximumSignificantDigits: 3, notation: km2 >= 1e6 ? "compact" : "standard", compactDisplay: "long" }).format(km2)} km²`;
export const kilometres = (km: number): string =>
  formatter("km", { style: "unit", unit: "kilometer", maximumSignificantDigits: 3 }).format(km);

/** A place as people write it: 39.1° N, 84.5° W. */
export function place(lon: number, lat: number, digits = 2): string {
  const part = (degrees: number, positive: string, negative: string): string =>
    `${formatter(`deg${digits}`, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(Math.abs(degrees))}° ${degrees < 0 ? negative : positive}`;
  return `${part(lat, "N", "S")}, ${part(((((lon + 180) % 360) + 360) % 360) - 180, "E", "W")}`;
}

const O_IS_WEST = /^(fr|es|it|pt|ca|gl)\b/; // ouest, oeste, ovest; in German and Dutch it is east

/** Coordinates as people type or paste them: "39.1, -84.5", "39.1 N 84.5 W", "39°6'N 84°30'W", "39,1; -84,5". Latitude first. */
export function readPlace(typed: string): [lon: number, lat: number] | null {
  // Two numbers with decimal commas have no comma between them.
  const text = typed.replace(/[’]/g, "'").replace(/[”]/g, '"').replace(/^(\s*-?\d+),(\d+[°\s]*[NS]?)(?:\s*;\s*|\s+)(-?\d+),(\d+[°\s]*[EWO]?\s*)$/i, "$1.$2 $3.$4");
  const found = [...text.trim().matchAll(/(-?\d+(?:\.\d+)?)\s*(?:°|deg)?\s*(?:(\d+(?:\.\d+)?)\s*['′]\s*(?:(\d+(?:\.\d+)?)\s*["″]\s*)?)?([NSEWO])?/gi)];
  if (found.length !== 2) return null;
  const rest = found.reduce((left, [whole]) => left.replace(whole, ""), text).replace(/[\s,;]/g, "");
  if (rest !== "") return null;
  const read = found.map(([, degrees = "", minutes, seconds, side]) => {
    const base = Number(degrees);
    const size = Math.abs(base) + Number(minutes ?? 0) / 60 + Number(seconds ?? 0) / 3600;
    const letter = (side ?? "").toUpperCase();
    return { value: (base < 0 || letter === "S" || letter === "W" || (letter === "O" && O_IS_WEST.test(locale())) ? -1 : 1) * size, letter };
  });
  const [first, second] = read as [(typeof read)[number], (typeof read)[number]];
  const turned = "EWO".includes(first.letter) && first.letter !== "";
  const [lat, lon] = turned ? [second.value, first.value] : [first.value, second.value];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 360 ? [lon, lat] : null;
}

/** The names of the twelve months. */
export function months(style: "long" | "short" | "narrow"): string[] {
  const format = new Intl.DateTimeFormat(locale(), { month: style, timeZone: "UTC" });
  return Array.from({ length: 12 }, (_, month) => format.format(Date.UTC(2001, month, 15)));
}

export const day = (iso: string): string => {
  const date = new Date(iso.length === 10 ? `${iso}T12:00:00Z` : iso);
  return Number.isNaN(date.getTime())
    ? iso
    : new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeZone: "UTC" }).format(date);
};
