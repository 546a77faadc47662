/** What is known of the cell under the pointer. */
import { percent, place, score } from "../format";
import { state } from "../state";
import { layerName, map } from "../store";
import { strings } from "../strings";
import { cellAt, MISSING, planeOf, valueOf } from "./cells";
import { amount } from "../legend/amount";
import s from "./pane.module.css";

export interface Point {
  readonly lon: number;
  readonly lat: number;
  readonly x: number;
  readonly y: number;
}

export function Hover({ point }: { point: Point }) {
  const loaded = map.value;
  if (!loaded) return null;
  void loaded.version.value;
  const cell = cellAt(loaded.grid, point.lon, point.lat);
  if (cell < 0) return null;
  const { month } = state.value;
  const read = (name: string): number | null => {
    const [values, planes] = [loaded.layers.get(name), loaded.planes(name)];
    if (!values || !planes) return null;
    const byte = planes[planeOf(month, values.months) * loaded.grid.cells.length + cell] ?? MISSING;
    return byte === MISSING ? null : valueOf(values, byte);
  };
  const name = layerName.value;
  const value = read(name);
  const [low, high, fit] = [read("low"), read("high"), read("applicable")];
  const counted = loaded.counts?.get(cell) ?? read("records");
  const right = point.x > innerWidth - 280;
  return (
    <div class={s["hover"]} style={{ top: `${Math.min(point.y + 16, innerHeight - 120)}px`, ...(right ? { right: `${innerWidth - point.x + 16}px` } : { left: `${point.x + 16}px` }) }}>
      <b>{value === null ? strings.legend.noValue : amount(loaded.layers.get(name), name, value)}</b>
      {low !== null && high !== null && (
        <div>
          {loaded.info.interval ? strings.legend.betweenOf(percent(loaded.info.interval)) : strings.legend.between}: {score(low)}–{score(high)}
        </div>
      )}
      {fit !== null && <div>{fit > 0 ? strings.legend.fits : strings.legend.beyond}</div>}
      {counted !== null && counted > 0 && <div>{strings.legend.here(counted)}</div>}
      <div>{place(point.lon, point.lat)}</div>
    </div>
  );
}
