/** What is known of the cell under the pointer. */
import { percent, place, score } from "../format";
import { state } from "../state";
import { layerName, type LoadedMap, map, other, rightMonth, threshold } from "../store";
import { strings } from "../strings";
import { cellAt, MISSING, planeOf, valueOf } from "./cells";
import { amount } from "../legend/amount";
import { modeOf } from "./look";
import { sides } from "./swipe";
import s from "./pane.module.css";

export interface Point {
  readonly lon: number;
  readonly lat: number;
  readonly x: number;
  readonly y: number;
}

/** The value of a layer of a map at a place in a month; null where nothing is known. */
export function valueAt(loaded: LoadedMap, name: string, lon: number, lat: number, month: number): number | null {
  const cell = cellAt(loaded.grid, lon, lat);
  const [values, planes] = [loaded.layers.get(name), loaded.planes(name)];
  if (cell < 0 || !values || !planes) return null;
  const byte = planes[planeOf(month, values.months) * loaded.grid.cells.length + cell] ?? MISSING;
  return byte === MISSING ? null : valueOf(values, byte);
}

/** Of two maps both are said: which one is under the pointer is a matter of where the swipe stands. */
function Both({ left, right, point }: { left: LoadedMap; right: LoadedMap; point: Point }) {
  const names = sides();
  const values = [valueAt(left, "suitability", point.lon, point.lat, state.value.month), valueAt(right, "suitability", point.lon, point.lat, rightMonth.value)];
  return <>{names.map((name, i) => <b key={i}>{name} {score(values[i])}</b>)}</>;
}

export function Hover({ point }: { point: Point }) {
  const loaded = map.value;
  if (!loaded) return null;
  void loaded.version.value;
  const cell = cellAt(loaded.grid, point.lon, point.lat);
  if (cell < 0) return null;
  const { month, view } = state.value;
  const mode = modeOf(state.value);
  const read = (name: string): number | null => valueAt(loaded, name, point.lon, point.lat, month);
  const second = other.value;
  const two = view === "compare" && mode !== "truth" && second !== null;
  const name = view === "compare" ? "suitability" : layerName.value;
  const value = read(name);
  const [low, high, fit, known] = [read("low"), read("high"), read("applicable"), mode === "truth" ? read("truth") : null];
  const ofSuitability = name === "suitability" && !two;
  const limit = ofSuitability && (mode === "range" || mode === "truth") ? threshold.value : null;
  const counted = loaded.counts?.get(cell) ?? read("records");
  const right = point.x > innerWidth - 280;
  const t = strings.legend;
  return (
    <div class={s["hover"]} style={{ top: `${Math.min(point.y + 16, innerHeight - 140)}px`, ...(right ? { right: `${innerWidth - point.x + 16}px` } : { left: `${point.x + 16}px` }) }}>
      {two ? <Both left={loaded} right={second} point={point} /> : <b>{value === null ? t.noValue : loaded.model === "" ? strings.photos.asLikely(percent(value / (loaded.layers.get(name)?.max || 1))) : amount(loaded.layers.get(name), name, value)}</b>}
      {limit !== null && value !== null && <div>{value >= limit ? t.within : t.outside}</div>}
      {known !== null && <div>{known > 0 ? t.known : t.unknown}</div>}
      {ofSuitability && low !== null && high !== null && (
        <div>
          {loaded.info.interval ? t.betweenOf(percent(loaded.info.interval)) : t.between}: {score(low)}–{score(high)}
        </div>
      )}
      {fit !== null && <div>{fit > 0 ? t.fits : t.beyond}</div>}
      {counted !== null && counted > 0 && <div>{t.here(counted)}</div>}
      <div>{place(point.lon, point.lat)}</div>
    </div>
  );
}
