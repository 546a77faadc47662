/** What the colours mean: ramp, histogram of what is in view, threshold, layers, and one sentence. */
import { useMemo, useRef, useState } from "preact/hooks";
import { number, percent, score } from "../format";
import { cellsIn, histogram, planeOf } from "../map/cells";
import { changeTop, COLOURS, modeOf, topOf } from "../map/look";
import { changeRamp, gradient, ramp } from "../map/ramps";
import { monthName } from "../map/swipe";
import { join, Switch } from "../parts/ui";
import { go, type Layer, state } from "../state";
import { dark, isRichness, layerName, map, other, threshold, thresholdInForce, tight, view } from "../store";
import { strings } from "../strings";
import { unitOf } from "./amount";
import s from "./legend.module.css";

/** With a capital letter and a full stop. */
export const sentence = (text: string): string => (text ? `${text[0]?.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}` : "");

export function thresholdName(text: string): string {
  if (text === "" || (threshold.value === null && !strings.species.named[text])) return strings.species.noThreshold;
  const named = strings.species.named[text];
  return named ?? (Number.isFinite(Number(text)) ? strings.species.ownThreshold : text);
}

/** A range has two colours: present from the threshold on. */
const cut = (share: number): string => `linear-gradient(to right, var(--paper-3) ${share * 100}%, var(--accent) ${share * 100}%)`;

function Handle({ top, value }: { top: number; value: number }) {
  const box = useRef<HTMLDivElement>(null);
  const set = (to: number): void => go({ threshold: String(Number(Math.min(top, Math.max(0, to)).toFixed(3))) });
  return (
    <div
      ref={box}
      class={s["handle"]}
      style={{ left: `${Math.min(100, (value / top) * 100)}%` }}
      role="slider"
      tabIndex={0}
      aria-label={strings.legend.handle}
      aria-valuemin={0}
      aria-valuemax={Number(top.toFixed(2))}
      aria-valuenow={Number(value.toFixed(3))}
      aria-valuetext={`${score(value)}, ${thresholdName(thresholdInForce.value)}`}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -0.01, ArrowDown: -0.01, ArrowRight: 0.01, ArrowUp: 0.01, PageUp: 0.1, PageDown: -0.1 }[event.key];
        if (!by) return;
        event.preventDefault();
        set((threshold.peek() ?? value) + by);
      }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        const rect = box.current?.parentElement?.getBoundingClientRect();
        if (rect && event.currentTarget.hasPointerCapture(event.pointerId)) set(((event.clientX - rect.left) / rect.width) * top);
      }}
    />
  );
}

export function Legend() {
  const [open, setOpen] = useState(false);
  const loaded = map.value;
  const now = state.value;
  const version = loaded?.version.value ?? 0;
  const mode = modeOf(now);
  const name = now.view === "compare" ? "suitability" : layerName.value;
  const values = loaded?.layers.get(name);
  const top = loaded ? (mode === "change" ? changeTop(now, loaded, other.value) : topOf(now, loaded, name, now.view === "compare" ? other.value : null)) : 1;
  const bounds = view.value;
  const which = useMemo(() => (loaded && bounds ? cellsIn(loaded.grid, bounds) : null), [loaded, bounds]);
  const counts = useMemo(() => {
    if (!loaded || !which || !values) return [];
    const planes = loaded.planes(name);
    return planes ? histogram(planes, planeOf(now.month, values.months), loaded.grid.cells.length, which, values.scale, top, 40, values.power) : [];
  }, [loaded, which, name, now.month, top, version]);
  if (!loaded || (mode === "truth" && !loaded.has("truth"))) return null;
  // A threshold is one of suitability: on a ramp of anything else it means nothing.
  const limit = isRichness.value || loaded.model === "" || name !== "suitability" ? null : threshold.value;
  const most = Math.max(1, [...counts].sort((a, b) => b - a)[2] ?? 1); // a bin or two of nearly nothing would flatten the rest
  const table = mode === "change" ? changeRamp(dark.value) : ramp(now.ramp, dark.value);
  const richness = isRichness.value;
  const t = strings.layers;
  const choices: (readonly [Layer, string])[] = richness
    ? [["suitability", t.richness], ...(loaded.has("std") ? [["std", t.std] as const] : []), ...(loaded.has("gaps") ? [["gaps", t.gaps] as const] : []), ...(loaded.has("effort") ? [["effort", t.effort] as const] : [])]
    : [
        ["suitability", t.suitability], ["range", t.range], ...(loaded.has("low") ? [["interval", t.interval] as const] : []),
        ...(loaded.has("effort") ? [["effort", t.effort] as const] : []), ...(loaded.has("truth") ? [["truth", t.truth] as const] : []),
      ];
  const explain = loaded.model === "" ? strings.photos.locateExplained : mode === "change" ? t.explain.change : mode === "truth" ? t.explain.truth : mode === "range" ? t.explain.range : mode === "interval" ? t.explain.interval(loaded.info.interval ? percent(loaded.info.interval) : "")
    : name === "suitability" && !richness ? [t.explain.suitability, t.meaning[loaded.info.quantity.name] ?? sentence(loaded.info.quantity.meaning ?? loaded.info.quantity.explanation)].filter((one, i, all) => all.indexOf(one) === i).join(" ") : values?.explanation || t.explain[name as "suitability"] || "";
  const elsewhere = loaded.model === ""; // not of a model: where a photo may have been taken
  const title = elsewhere ? loaded.info.quantity.name : now.view === "compare" && mode === "change" ? strings.compare.change : mode === "truth" ? t.truth : mode === "range" ? t.range : mode === "interval" ? t.interval : t[name as "suitability"];
  const when = (values?.months ?? 1) > 1 && name !== "effort" ? monthName(now.month) : "";
  const ramped = mode === "ramp" || mode === "interval" || mode === "change";
  return (
    <section class={join(s["legend"], tight.value && !open && s["folded"])} aria-label={strings.legend.label}>
      <div class={s["body"]}>
        <div class={s["head"]}>
          <h2>{title}</h2>
          <span>{now.view === "compare" && now.pair === "months" && when ? `${when} → ${monthName(now.otherMonth)}` : when}</span>
          {tight.value && (
            <button type="button" class={s["more"]} aria-expanded={open} aria-label={open ? strings.legend.less : strings.legend.more} onClick={() => setOpen(!open)}>
              {open ? strings.legend.lessShort : strings.legend.moreShort}
            </button>
          )}
        </div>
        {mode !== "truth" && mode !== "change" && mode !== "interval" && (
          <div class={s["plot"]} role="img" aria-label={strings.legend.histogram(counts.reduce((a, b) => a + b, 0))}>
            {counts.map((n, i) => (
              <i key={i} class={limit !== null && ((i + 0.5) / counts.length) * top >= limit ? s["above"] : undefined} style={{ height: `${Math.min(100, (n / most) * 100)}%` }} />
            ))}
          </div>
        )}
        {(ramped || mode === "range") && (
          <div>
            <div class={join(s["ramp"], s["soft"])} style={{ background: mode === "range" && limit !== null ? cut(limit / top) : gradient(table) }}>
              {limit !== null && mode !== "interval" && mode !== "change" && <Handle top={top} value={limit} />}
            </div>
            <div class={s["ends"]}>
              <span>{elsewhere ? strings.photos.unlikely : mode === "change" ? `−${number(top)} ${strings.compare.loss}` : number(0)}</span>
              <span>{elsewhere ? strings.photos.likeliest : mode === "change" ? `+${number(top)} ${strings.compare.gain}` : `${number(top)}${unitOf(name, values?.unit)}`}</span>
            </div>
          </div>
        )}
        {mode === "truth" && (
          <div class={join(s["key"], s["kept"])}>
            {([["right", strings.species.right], ["missed", strings.species.missed], ["tooMuch", strings.species.tooMuch]] as const).map(([key, text]) => (
              <span key={key}>
                <i style={{ background: COLOURS[key] }} />
                {text}
              </span>
            ))}
          </div>
        )}
        {limit !== null && (mode === "ramp" || mode === "range" || mode === "truth") ? (
          <p class={s["named"]}>
            <span>{thresholdName(thresholdInForce.value)}</span>
            <b>{score(limit)}</b>
          </p>
        ) : null}
        {now.view !== "compare" && !elsewhere && (
          <div class={s["layers"]} role="group" aria-label={t.label}>
            {choices.map(([key, text]) => (
              <button type="button" key={key} aria-pressed={now.layer === key || (richness && key === "suitability" && name === "richness")} onClick={() => go({ layer: key })}>
                {text}
              </button>
            ))}
          </div>
        )}
        <p class={s["say"]}>{explain}</p>
        {now.hatch && loaded.has("applicable") && (
          <div class={s["key"]}>
            <span>
              <i class={s["hatch"]} />
              {t.hatched}
            </span>
          </div>
        )}
        <div class={s["switches"]}>
          {loaded.has("applicable") && <Switch label={t.hatch} on={now.hatch} onChange={(hatch) => go({ hatch })} />}
          {loaded.info.records_url && <Switch label={t.records} on={now.records} onChange={(records) => go({ records })} />}
          {!richness && !elsewhere && mode === "ramp" && <Switch label={strings.legend.oneScale} on={now.scale === "all"} onChange={(all) => go({ scale: all ? "all" : "taxon" })} />}
        </div>
      </div>
    </section>
  );
}
