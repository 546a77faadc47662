/** Where the left map ends and the right one begins: drag it, or use the arrow keys. */
import { months } from "../format";
import { go, state } from "../state";
import { map, model, modelOf, narrow, other } from "../store";
import { strings } from "../strings";
import { modeOf } from "./look";
import { covered } from "./map_pane";
import s from "./pane.module.css";

export const monthName = (month: number): string => (month === 0 ? strings.time.whole : (months("long")[month - 1] ?? ""));

/** What the left and the right map are of. */
export function sides(): [left: string, right: string] {
  const { pair, month, otherMonth, other: id } = state.value;
  return pair === "months" ? [monthName(month), monthName(otherMonth)] : [model.value?.name ?? "", modelOf(id)?.name ?? ""];
}

/** The names of two maps side by side, at the line between them. */
export function Sides() {
  const [left, right] = sides();
  const middle = (innerWidth - covered()) / 2;
  const style = { maxWidth: `${middle - 32}px`, overflow: "hidden", textOverflow: "ellipsis" };
  return (
    <>
      <div class={s["side"]} style={{ ...style, right: `${middle + 16}px` }}>{left}</div>
      <div class={s["side"]} style={{ ...style, left: `${innerWidth - middle + 16}px` }}>{right}</div>
    </>
  );
}

export function Swipe() {
  const { view, manner, split } = state.value;
  if (view !== "compare" || manner !== "swipe" || modeOf(state.value) !== "ramp" || !map.value || !other.value) return null;
  const from = covered();
  const x = from + (split / 100) * (innerWidth - from);
  const [left, right] = sides();
  const set = (value: number): void => go({ split: Math.min(100, Math.max(0, value)) });
  const max = narrow.value ? "44vw" : "240px";
  return (
    <>
      <div class={s["side"]} style={{ right: `${innerWidth - x + 16}px`, maxWidth: max, overflow: "hidden", textOverflow: "ellipsis" }}>{left}</div>
      <div class={s["side"]} style={{ left: `${x + 16}px`, maxWidth: max, overflow: "hidden", textOverflow: "ellipsis" }}>{right}</div>
      <div
        class={s["swipe"]}
        style={{ left: `${x}px` }}
        role="slider"
        tabIndex={0}
        aria-label={strings.compare.handle}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(split)}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -2, ArrowRight: 2, PageDown: -10, PageUp: 10 }[event.key];
          if (by) set(state.peek().split + by);
        }}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) set(((event.clientX - from) / (innerWidth - from)) * 100);
        }}
      >
        <span aria-hidden="true">⇄</span>
      </div>
    </>
  );
}
