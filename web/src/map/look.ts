/** How the cells are to be coloured, from the state and what has been read. */
import { against, type Against, planeOf } from "./cells";
import type { Look, Mode } from "./cell_layer";
import { changeRamp, ramp } from "./ramps";
import { ofAllSpecies, type State } from "../state";
import type { LoadedMap } from "../store";

export interface Shown {
  readonly a: Uint8Array | null;
  readonly b: Uint8Array | null;
  readonly applicable: Uint8Array | null;
  readonly ramp: Uint8Array;
  readonly look: Look;
}

export const COLOURS = { right: "#8b8f94", missed: "#2166ac", tooMuch: "#e08214" } as const;

/** Which way of colouring a state asks for. */
export function modeOf(state: State): Mode {
  if (state.view === "compare") return state.pair === "truth" ? "truth" : state.manner === "change" ? "change" : "ramp";
  if (ofAllSpecies(state) || state.view === "photos") return "ramp";
  return state.layer === "interval" ? "interval" : state.layer === "range" ? "range" : state.layer === "truth" ? "truth" : "ramp";
}

/** Value at the upper end of the ramp: of this species over all its months, or 1 for all species. */
export function topOf(state: State, map: LoadedMap, layer: string, other?: LoadedMap | null): number {
  const mode = modeOf(state);
  if (mode === "interval") return 1;
  if (map.model === "") return map.layers.get("suitability")?.max || 1; // chances of a photo's places
  if (layer === "suitability" || layer === "low" || layer === "high") {
    if (state.scale === "all") return 1;
    return Math.max(map.layers.get("suitability")?.max ?? 1, other?.layers.get("suitability")?.max ?? 0, 0.02);
  }
  return map.layers.get(layer)?.max || 1;
}

/** The greatest change of any cell from the left map to the right one: the ends of the ramp of change. */
export function changeTop(state: State, map: LoadedMap, other: LoadedMap | null): number {
  const [first, second] = [map.layers.get("suitability"), other?.layers.get("suitability")];
  const [a, b] = [map.planes("suitability"), other?.planes("suitability")];
  if (!first || !second || !a || !b || !other || !sameCells(map, other)) return 1;
  const n = map.grid.cells.length;
  const from = planeOf(state.month, first.months) * n;
  const to = planeOf(state.pair === "months" ? state.otherMonth : state.month, second.months) * n;
  let most = 0;
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[from + i] ?? 255, b[to + i] ?? 255];
    if (x !== 255 && y !== 255) most = Math.max(most, Math.abs(y * second.scale - x * first.scale));
  }
  return Math.max(0.05, Math.ceil(most * 20) / 20);
}

export const sameCells = (a: LoadedMap, b: LoadedMap): boolean =>
  a.grid === b.grid ||
  (a.grid.cells.length === b.grid.cells.length && a.grid.width === b.grid.width && a.grid.west === b.grid.west && a.grid.north === b.grid.north && a.grid.cells.every((flat, i) => b.grid.cells[i] === flat));

export function show(state: State, map: LoadedMap, layer: string, other: LoadedMap | null, threshold: number | null, dark: boolean, swipe: number): Shown {
  const mode = modeOf(state);
  const comparing = state.view === "compare";
  const names: [string, string | null] = mode === "interval" ? ["low", "high"] : mode === "truth" ? ["suitability", "truth"] : [comparing ? "suitability" : layer, null];
  const a = map.planes(names[0]);
  const first = map.layers.get(names[0]);
  const rightMap = comparing && mode !== "truth" ? other : map;
  const rightLayer = names[1] ?? "suitability";
  const fits = rightMap !== null && (rightMap === map || sameCells(map, rightMap));
  const second = fits ? rightMap.layers.get(rightLayer) : undefined;
  const pairOn = (comparing || names[1] !== null) && fits;
  const top = mode === "change" ? changeTop(state, map, other) : topOf(state, map, comparing ? "suitability" : layer, comparing ? other : null);
  const otherMonth = comparing && mode !== "truth" && state.pair === "months" ? state.otherMonth : state.month;
  return {
    a: mode === "interval" || mode === "truth" || mode === "change" ? (pairOn && second ? a : null) : a,
    b: pairOn && rightMap ? rightMap.planes(rightLayer) : null,
    applicable: state.hatch ? map.planes("applicable") : null,
    ramp: mode === "change" ? changeRamp(dark) : ramp(state.ramp, dark),
    look: {
      mode,
      planeA: planeOf(state.month, first?.months ?? 1),
      planeB: planeOf(otherMonth, second?.months ?? 1),
      low: mode === "change" ? -top : 0,
      high: top,
      scaleA: first?.scale ?? 1 / 254,
      scaleB: second?.scale ?? 1 / 254,
      power: first?.power ?? 1,
      threshold: threshold !== null && (mode !== "ramp" || names[0] === "suitability") && !ofAllSpecies(state) ? threshold : -1,
      opacity: state.opacity,
      hatch: state.hatch,
      swipe: comparing && mode === "ramp" && state.manner === "swipe" ? swipe : -1,
      ink: dark ? [0.93, 0.95, 0.95] : [0.09, 0.13, 0.12],
      colours: [COLOURS.right, COLOURS.missed, COLOURS.tooMuch, dark ? "#6cd3c6" : "#0f6b66"],
    },
  };
}

/** The range against the known one, in square kilometres, where both have come. */
export function truthCounts(state: State, map: LoadedMap, threshold: number): Against | null {
  const [planes, truth, values, known] = [map.planes("suitability"), map.planes("truth"), map.layers.get("suitability"), map.layers.get("truth")];
  if (!planes || !truth || !values || !known) return null;
  return against(planes, planeOf(state.month, values.months), truth, planeOf(state.month, known.months), map.areas, threshold, values.scale);
}
