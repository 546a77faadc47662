/** What is on the screen, in one object that is the address: every state has its link, and Back works. */
import { signal } from "@preact/signals";

export const VIEWS = ["species", "richness", "taxa", "records", "place", "photos", "data", "compare", "about"] as const;
export const LAYERS = ["suitability", "interval", "low", "high", "range", "effort", "truth", "gaps", "std"] as const;
export const RAMPS = ["lagoon", "viridis", "cividis", "ember"] as const;
export const PAIRS = ["months", "models", "truth"] as const;
export const MANNERS = ["swipe", "side", "change"] as const;

export const TABS = ["browse", "scatter", "card", "confusions"] as const;

export type Tab = (typeof TABS)[number];
export type View = (typeof VIEWS)[number];
export type Layer = (typeof LAYERS)[number];
export type Ramp = (typeof RAMPS)[number];
export type Pair = (typeof PAIRS)[number];
export type Manner = (typeof MANNERS)[number];

export interface Camera {
  readonly lon: number;
  readonly lat: number;
  readonly zoom: number;
}

export interface State {
  readonly view: View;
  readonly model: string; // "" is the first that there is
  readonly taxon: string; // scientific name; "" is none chosen
  readonly month: number; // 1..12; 0 is the whole year
  readonly layer: Layer;
  readonly threshold: string; // "" none, a name, or a number 0..1
  readonly ramp: Ramp;
  readonly opacity: number; // 0..1
  readonly scale: "taxon" | "all"; // ramp to this species' highest value, or one scale for all species
  readonly hatch: boolean;
  readonly records: boolean;
  readonly base: string; // plain, marble, or a raster that the server has
  readonly globe: boolean;
  readonly names: boolean;
  readonly borders: boolean;
  readonly graticule: boolean;
  readonly at: Camera | null; // null: what the model covers
  readonly place: readonly [lon: number, lat: number] | null;
  readonly pair: Pair;
  readonly manner: Manner;
  readonly other: string; // model on the right
  readonly otherMonth: number;
  readonly split: number; // where the swipe stands, 0..100
  readonly sort: string; // column of the table of taxa; "-" before it for falling
  readonly tab: Tab; // of the data view
  readonly row: number; // of the data set, the one that is looked at; -1 is none
  readonly km: number; // side of the picture of a place; 0: what suits the imagery
  readonly rowsMonth: number; // filter of the data view: 1..12, 0 any
  readonly rows: string; // filters of the data view: taxon
  readonly part: string; // filters of the data view: train, val, test
}

export const START: State = {
  view: "species", model: "", taxon: "", month: 0, layer: "suitability", threshold: "", ramp: "lagoon", opacity: 0.9,
  scale: "taxon", hatch: true, records: false, base: "plain", globe: false, names: true, borders: true, graticule: true,
  at: null, place: null, pair: "months", manner: "swipe", other: "", otherMonth: 6, split: 50, sort: "taxon", tab: "browse",
  row: -1, km: 0, rowsMonth: 0, rows: "", part: "",
};

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const oneOf = <T extends string>(allowed: readonly T[], text: string | null, otherwise: T): T =>
  allowed.find((one) => one === text) ?? otherwise;
const flag = (text: string | null, otherwise: boolean): boolean => (text === null ? otherwise : text === "1");
const within = (text: string | null, low: number, high: number, otherwise: number): number => {
  if (text === null || text.trim() === "") return otherwise;
  const value = Number(text);
  return Number.isFinite(value) && value >= low && value <= high ? value : otherwise;
};

function numbers(text: string | null, count: number): number[] | null {
  const parts = (text ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return parts.length === count && parts.every(Number.isFinite) ? parts : null;
}

/** The state that an address stands for. What is missing, or not understood, is as at the start. */
export function parse(search: string): State {
  const query = new URLSearchParams(search);
  const camera = numbers(query.get("at"), 3);
  const place = numbers(query.get("place"), 2);
  const [lon, lat, zoom] = camera ?? [];
  return {
    view: oneOf(VIEWS, query.get("view"), START.view),
    model: query.get("model") ?? "",
    taxon: query.get("taxon") ?? "",
    month: Math.trunc(within(query.get("month"), 0, 12, START.month)),
    layer: oneOf(LAYERS, query.get("layer"), START.layer),
    threshold: query.get("threshold") ?? "",
    ramp: oneOf(RAMPS, query.get("ramp"), START.ramp),
    opacity: within(query.get("opacity"), 0, 1, START.opacity),
    scale: oneOf(["taxon", "all"] as const, query.get("scale"), START.scale),
    hatch: flag(query.get("hatch"), START.hatch),
    records: flag(query.get("records"), START.records),
    base: query.get("base") || START.base,
    globe: flag(query.get("globe"), START.globe),
    names: flag(query.get("names"), START.names),
    borders: flag(query.get("borders"), START.borders),
    graticule: flag(query.get("graticule"), START.graticule),
    at: lon !== undefined && lat !== undefined && zoom !== undefined && Math.abs(lat) <= 90 ? { lon, lat, zoom } : null,
    place: place && Math.abs(place[1] ?? 99) <= 90 ? [place[0] ?? 0, place[1] ?? 0] : null,
    pair: oneOf(PAIRS, query.get("pair"), START.pair),
    manner: oneOf(MANNERS, query.get("manner"), START.manner),
    other: query.get("other") ?? "",
    otherMonth: Math.trunc(within(query.get("othermonth"), 0, 12, START.otherMonth)),
    split: within(query.get("split"), 0, 100, START.split),
    sort: query.get("sort") ?? START.sort,
    tab: oneOf(TABS, query.get("tab"), START.tab),
    row: Math.trunc(within(query.get("row"), 0, 2 ** 40, START.row)),
    km: within(query.get("km"), 1, 40_000, START.km),
    rowsMonth: Math.trunc(within(query.get("rowsmonth"), 0, 12, START.rowsMonth)),
    rows: query.get("rows") ?? "",
    part: query.get("part") ?? "",
  };
}

/** The query of a state's address, the shortest that `parse` reads back to the same. */
export function toSearch(state: State): string {
  const query = new URLSearchParams();
  const put = (key: string, value: string, start: string): void => {
    if (value !== start) query.set(key, value);
  };
  query.set("view", state.view);
  for (const key of ["model", "taxon", "layer", "threshold", "ramp", "scale", "base", "pair", "manner", "other", "sort", "tab", "rows", "part"] as const)
    put(key, state[key], START[key]);
  for (const key of ["row", "km"] as const) put(key, String(state[key]), String(START[key]));
  put("rowsmonth", String(state.rowsMonth), String(START.rowsMonth));
  put("month", String(state.month), String(START.month));
  put("othermonth", String(state.otherMonth), String(START.otherMonth));
  put("opacity", String(round(state.opacity, 2)), String(START.opacity));
  put("split", String(round(state.split, 1)), String(START.split));
  for (const key of ["hatch", "records", "globe", "names", "borders", "graticule"] as const)
    put(key, state[key] ? "1" : "0", START[key] ? "1" : "0");
  if (state.place) query.set("place", state.place.map((degrees) => round(degrees, 4)).join(","));
  if (state.at) query.set("at", [round(state.at.lon, 3), round(state.at.lat, 3), round(state.at.zoom, 2)].join(","));
  return "?" + query.toString().replaceAll("%2C", ",");
}

/** Whether the map is of all species: where that was asked for, and where no species is chosen, so that no map is empty. */
export const ofAllSpecies = ({ view, taxon }: State): boolean =>
  view === "richness" || (taxon === "" && (view === "species" || view === "taxa" || view === "place"));

export const state = signal<State>(parse(location.search));

/** Change the state and its address. A change of what is looked at is a step that Back undoes; a slider's is not. */
export function go(change: Partial<State>): void {
  const before = state.value;
  const after = { ...before, ...change };
  const [old, search] = [toSearch(before), toSearch(after)];
  if (old === search) return;
  state.value = after;
  const step = (["view", "model", "taxon", "place", "pair", "layer", "tab", "row"] as const).some(
    (key) => String(before[key]) !== String(after[key]),
  );
  if (step) history.pushState(null, "", search);
  else replaceSoon();
}

// Browsers refuse more than some hundred changes of the address in half a minute: a slider's are put together.
let waiting: ReturnType<typeof setTimeout> | undefined;
function replaceSoon(): void {
  clearTimeout(waiting);
  waiting = setTimeout(() => history.replaceState(null, "", toSearch(state.value)), 200);
}

export function listenToBack(): void {
  addEventListener("popstate", () => {
    clearTimeout(waiting);
    state.value = parse(location.search);
  });
}

export const linkTo = (change: Partial<State>): string => toSearch({ ...state.value, ...change });
