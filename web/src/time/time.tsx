/** Twelve months with the year's course behind them, a handle, play, and the whole year. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { months } from "../format";
import { cellsIn, course } from "../map/cells";
import { monthName } from "../map/swipe";
import { Button, join } from "../parts/ui";
import { go, state } from "../state";
import { isRichness, map, tight, view } from "../store";
import { strings } from "../strings";
import s from "./time.module.css";

const PLAY_MS = 700; // a month: slow enough to see where birds go

/** A smooth line through twelve values, in a box of 12 x 1, and the area below it. */
export function sparkline(values: readonly (number | null)[]): { line: string; area: string } {
  const top = Math.max(1e-9, ...values.map((value) => value ?? 0));
  const points = values.map((value, i) => [i + 0.5, 1 - ((value ?? 0) / top) * 0.92] as const);
  const line = points.map(([x, y], i) => {
    const before = points[i - 1];
    if (!before) return `M${x} ${y.toFixed(3)}`;
    const middle = (before[0] + x) / 2;
    return `C${middle} ${before[1].toFixed(3)} ${middle} ${y.toFixed(3)} ${x} ${y.toFixed(3)}`;
  }).join("");
  return { line, area: `${line}L${values.length - 0.5} 1L0.5 1Z` };
}

export function TimeBar() {
  const [playing, setPlaying] = useState(false);
  const timer = useRef<ReturnType<typeof setInterval>>();
  const loaded = map.value;
  const bounds = view.value;
  const { month } = state.value;
  const values = loaded?.layers.get(isRichness.value ? "richness" : "suitability");
  const spark = useMemo(() => {
    if (!loaded || !values || values.months !== 12 || !bounds) return null;
    const year = course(values, loaded.grid.cells.length, cellsIn(loaded.grid, bounds, 8000));
    return year.some((value) => value !== null) ? sparkline(year) : null;
  }, [loaded, values, bounds]);
  useEffect(() => {
    if (!playing) return;
    timer.current = setInterval(() => go({ month: (state.peek().month % 12) + 1 }), PLAY_MS);
    return () => clearInterval(timer.current);
  }, [playing]);
  const of = state.value.view;
  if (!loaded || of === "data" || of === "about" || of === "photos") return <div style={{ flex: 1, pointerEvents: "none" }} />;
  if (values && values.months !== 12) return <div class={s["time"]}><div class={s["still"]}>{strings.time.undated}</div></div>;
  const names = months(tight.value ? "narrow" : "short");
  const set = (to: number): void => {
    clearInterval(timer.current); // at once: the next tick may come before the page is drawn again
    setPlaying(false);
    go({ month: to });
  };
  return (
    <section class={s["time"]} aria-label={strings.time.label}>
      <Button plain round icon={playing ? "pause" : "play"} label={playing ? strings.time.pause : strings.time.play} onClick={() => {
        clearInterval(timer.current);
        setPlaying(!playing);
      }} />
      <div class={s["track"]}>
        {spark && (
          <svg viewBox="0 0 12 1" preserveAspectRatio="none" role="img" aria-label={strings.time.course}>
            <path d={spark.area} fill="var(--accent)" opacity="0.16" />
            <path d={spark.line} fill="none" stroke="var(--accent)" stroke-width="2" vector-effect="non-scaling-stroke" />
          </svg>
        )}
        {month > 0 && <div class={s["handle"]} style={{ transform: `translateX(${(month - 1) * 100}%)` }} />}
        <div class={s["ticks"]} aria-hidden="true">
          {names.map((name, i) => <span key={i} class={i + 1 === month ? s["now"] : undefined}>{name}</span>)}
        </div>
        <input
          class={s["slider"]}
          type="range"
          min={1}
          max={12}
          step={1}
          value={month || 1}
          aria-label={strings.time.label}
          aria-valuetext={monthName(month)}
          onInput={(event) => set(Number(event.currentTarget.value))}
          onPointerDown={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            const at = Math.floor(((event.clientX - box.left) / box.width) * 12) + 1;
            event.preventDefault();
            event.currentTarget.focus();
            event.currentTarget.setPointerCapture(event.pointerId);
            set(Math.min(12, Math.max(1, at)));
          }}
          onPointerMove={(event) => {
            if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
            const box = event.currentTarget.getBoundingClientRect();
            set(Math.min(12, Math.max(1, Math.floor(((event.clientX - box.left) / box.width) * 12) + 1)));
          }}
          onKeyDown={(event) => {
            const month = state.peek().month;
            if (event.key === "Home") {
              event.preventDefault();
              set(0);
            } else if (month === 0 && (event.key === "ArrowRight" || event.key === "ArrowUp")) {
              event.preventDefault();
              set(1);
            } else if (month <= 1 && (event.key === "ArrowLeft" || event.key === "ArrowDown")) {
              event.preventDefault();
              set(month === 0 ? 12 : 0);
            } else if (month === 12 && event.key === "ArrowRight") {
              event.preventDefault();
              set(0);
            }
          }}
        />
        <div class={s["ring"]} />
      </div>
      <div class={join(s["whole"])}>
        <Button pressed={month === 0} plain={month !== 0} onClick={() => set(0)}>{strings.time.whole}</Button>
      </div>
    </section>
  );
}
