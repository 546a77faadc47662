/** One species: search, what the map shows, its threshold, how good it is, and what to take home. */
import { useEffect, useState } from "preact/hooks";
import { getJson, inWords, isStatic } from "../api";
import { area, percent, score } from "../format";
import { sentence, thresholdName } from "../legend/legend";
import { planeOf } from "../map/cells";
import { COLOURS, truthCounts } from "../map/look";
import { Icon } from "../parts/icons";
import { Busy, Button, Copy, Download, Select, Slider, Wrong } from "../parts/ui";
import type { MapInfo, Taxon } from "../records";
import { go, linkTo, state } from "../state";
import { attempt, busy, canWork, type LoadedMap, map, mapWrong, model, models, taxaOf, threshold, thresholdInForce } from "../store";
import { strings } from "../strings";
import { ModelSelect } from "./model_select";
import { trying } from "./sample";
import { Search } from "./search";
import s from "./panel.module.css";

const t = strings.species;

/** Species whose names are like one that the model does not have. */
function Near({ model: id, taxon }: { model: string; taxon: string }) {
  const [near, setNear] = useState<readonly Taxon[]>([]);
  useEffect(() => {
    setNear([]);
    const stop = new AbortController();
    void taxaOf(id)
      .then(async (all) => {
        if (all.some((one) => one.taxon === taxon || one.key === taxon)) return;
        if (isStatic()) return setNear(all.filter((one) => one.taxon.split(" ")[0] === taxon.split(" ")[0]).slice(0, 3)); // of its genus
        setNear(await getJson<readonly Taxon[]>(`v1/models/${encodeURIComponent(id)}/taxa?q=${encodeURIComponent(taxon)}&limit=3`, stop.signal));
      })
      .catch(() => undefined); // what is wrong is said already
    return () => stop.abort();
  }, [id, taxon]);
  if (near.length === 0) return null;
  return (
    <div class={s["wrap"]} role="group" aria-label={strings.errors.near}>
      {near.map((one) => <Button key={one.taxon} onClick={() => go({ taxon: one.taxon })}>{one.common_name || one.taxon}</Button>)}
    </div>
  );
}

/** The species with most records, to begin with. */
export function useFirst(id: string | undefined): Taxon | null {
  const [first, setFirst] = useState<Taxon | null>(null);
  useEffect(() => {
    if (id) taxaOf(id).then((all) => setFirst([...all].sort((a, b) => (b.records ?? 0) - (a.records ?? 0))[0] ?? null), () => undefined);
  }, [id]);
  return first;
}

function Empty() {
  const id = model.value?.id;
  const first = useFirst(id);
  const card = (icon: "bird" | "drop" | "layers", title: string, text: string, change: Parameters<typeof go>[0], first?: () => void) => (
    <a class={s["card"]} href={linkTo(change)} onClick={(event) => { if (event.metaKey || event.ctrlKey) return; event.preventDefault(); first?.(); go(change); }}>
      <Icon name={icon} size={24} />
      <b>{title}</b>
      <span>{text}</span>
    </a>
  );
  const example = model.value?.kind === "example";
  return (
    <div class={s["stack"]}>
      <div>
        <h1 class={s["title"]}>{id ? strings.empty.title : strings.empty.noModel}</h1>
        <p class={s["p"]}>{id ? strings.empty.text : strings.empty.noModelText}</p>
      </div>
      {first && card("bird", strings.empty.shipped(first.common_name || first.taxon), example ? strings.empty.shippedText : (model.value?.name ?? ""), { view: "species", taxon: first.taxon })}
      {canWork() && example && card("layers", strings.empty.table, strings.empty.tableText, { view: "records" }, () => (trying.value = true))}
      {canWork() && card("drop", strings.empty.yours, strings.empty.yoursText, { view: "records" })}
    </div>
  );
}

export function Threshold({ loaded }: { loaded: LoadedMap }) {
  const named = loaded.info.thresholds ?? [];
  const now = thresholdInForce.value;
  const value = threshold.value;
  const own = value !== null && !named.some((one) => one.name === now);
  const shown = own ? "own" : now;
  const share = value === null ? null : shareAbove(loaded, value);
  const explained = t.explained[now] ?? named.find((one) => one.name === now)?.explanation;
  return (
    <section class={s["section"]}>
      <Select
        label={t.threshold}
        value={shown}
        options={[["", t.noThreshold], ...named.map((one) => [one.name, `${thresholdName(one.name)} (${score(one.value)})`] as const), ["own", t.ownThreshold]]}
        onChange={(to) => go({ threshold: to === "own" ? String(Number((value ?? 0.5).toFixed(2))) : to })}
      />
      {value !== null && <Slider label={thresholdName(now)} value={value} text={score(value)} onChange={(to) => go({ threshold: String(to) })} />}
      {explained && <p class={s["small"]}>{sentence(explained)}</p>}
      {share !== null && <p class={s["small"]}>{t.area}: <b>{area(share.km2)}</b> ({t.shareOfMap(percent(share.km2 / Math.max(1, share.of)))})</p>}
    </section>
  );
}

/** Square kilometres at and above a threshold, and of all cells with a value. */
export function shareAbove(loaded: LoadedMap, limit: number, month = state.value.month): { km2: number; of: number } | null {
  const [values, planes] = [loaded.layers.get("suitability"), loaded.planes("suitability")];
  if (!values || !planes) return null;
  const n = loaded.grid.cells.length;
  const from = planeOf(month, values.months) * n;
  let [km2, of] = [0, 0];
  for (let cell = 0; cell < n; cell++) {
    const byte = planes[from + cell] ?? 255;
    if (byte === 255) continue;
    const size = loaded.areas[cell] ?? 0;
    of += size;
    if (byte * values.scale >= limit) km2 += size;
  }
  return { km2, of };
}

export function Figures({ info }: { info: MapInfo }) {
  const rows = Object.entries(info.figures ?? {}).flatMap(([key, one]) => (one && typeof one === "object" && one.value !== null && t.figure[key] ? [[key, { ...one, value: one.value }] as const] : []));
  return (
    <section class={s["section"]}>
      <h2 class={s["h"]}>{t.figures}</h2>
      {rows.map(([key, { value, low, high }]) => (
        <div class={s["figure"]} key={key}>
          <span>
            <span>{t.figure[key]}</span>
            <b>{score(value)}</b>
          </span>
          {key.startsWith("auc") && (
            <div class={s["scale"]}>
              {typeof low === "number" && typeof high === "number" && <i style={{ left: `${low * 100}%`, width: `${(high - low) * 100}%` }} />}
              <b style={{ left: `${value * 100}%` }} />
            </div>
          )}
          <span class={s["small"]}>{[typeof low === "number" && typeof high === "number" ? t.interval(score(low), score(high)) : "", t.reads[key] ?? ""].filter(Boolean).join("; ")}</span>
        </div>
      ))}
      {(rows.length === 0 || info.labels?.evaluated === false) && <p class={s["p"]}>{t.notEvaluated}</p>}
      {info.labels?.calibrated === false && <p class={s["small"]}>{t.notCalibrated}</p>}
    </section>
  );
}

/** A command line, or Python, of the month that is shown in place of all months. */
export const ofMonth = (text: string, month: number): string =>
  month === 0 ? text : text.replace(/--months( \d+)+/, `--months ${month}`).replace(/months=\[[^\]]*\]/, `months=[${month}]`);

export function Downloads({ info }: { info: MapInfo }) {
  const [wrong, setWrong] = useState<string | null>(null);
  const { month } = state.value;
  const files = Object.entries(info.downloads ?? {}).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const query = new URLSearchParams();
  if (threshold.value !== null) query.set("threshold", String(threshold.value));
  if (month > 0 && info.months > 1) query.set("month", String(month - 1));
  const asked = query.size ? `?${query}` : "";
  return (
    <section class={s["section"]}>
      {files.length > 0 && (
        <>
          <h2 class={s["h"]}>{t.downloads}</h2>
          <div class={s["wrap"]}>
            {files.map(([kind, url]) => (
              <Download key={kind} href={canWork() ? url + asked : url} onWrong={(error) => setWrong(inWords(error))}>
                {t.download[kind] ?? kind}
              </Download>
            ))}
          </div>
          {wrong && <Wrong message={wrong} />}
        </>
      )}
      <h2 class={s["h"]}>{t.make}</h2>
      <div class={s["wrap"]}>
        <Copy icon="link" text={() => new URL(linkTo({}), document.baseURI).href}>{t.copyLink}</Copy>
        {info.command && <Copy icon="code" text={() => ofMonth(info.command ?? "", month)}>{t.copyCommand}</Copy>}
        {info.python && <Copy icon="code" text={() => ofMonth(info.python ?? "", month)}>{t.copyPython}</Copy>}
      </div>
    </section>
  );
}

/** How much of the range is right, missed and too much, in the colours of the map. */
export function Truth({ loaded }: { loaded: LoadedMap }) {
  void loaded.version.value;
  const counts = threshold.value === null ? null : truthCounts(state.value, loaded, threshold.value);
  if (!counts) return null;
  const all = Math.max(1, counts.right + counts.missed + counts.tooMuch);
  return (
    <section class={s["section"]}>
      <h2 class={s["h"]}>{t.truth}</h2>
      <table class={s["became"]}>
        <tbody>
          {(["right", "missed", "tooMuch"] as const).map((key) => (
            <tr key={key}>
              <th scope="row"><i class={s["swatch"]} style={{ background: COLOURS[key] }} />{t[key]}</th>
              <td>{area(counts[key])} ({percent(counts[key] / all)})</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class={s["small"]}>{t.truthShares}</p>
    </section>
  );
}

export function SpeciesPanel() {
  const loaded = map.value;
  const { taxon, layer } = state.value;
  const id = model.value?.id;
  if (models.value === null) return <Busy what={strings.loading} />;
  return (
    <>
      {id && <Search model={id} value={taxon} label={t.search} onChoose={(one) => go({ taxon: one.taxon })} />}
      <ModelSelect />
      {mapWrong.value && <Wrong message={mapWrong.value} onAgain={() => attempt.value++}>{id && taxon && <Near model={id} taxon={taxon} />}</Wrong>}
      {busy.value && taxon && <Busy what={strings.loading} />}
      {!taxon && <Empty />}
      {taxon && loaded && loaded.info.taxon !== null && !mapWrong.value && (
        <>
          <header>
            <h1 class={s["title"]}>
              {loaded.info.common_name || loaded.info.taxon}
              {loaded.info.common_name && <small>{loaded.info.taxon}</small>}
            </h1>
            {typeof loaded.info.records === "number" && <p class={s["small"]}>{t.learned(loaded.info.records)}</p>}
          </header>
          <Threshold loaded={loaded} />
          {layer === "truth" && <Truth loaded={loaded} />}
          <Figures info={loaded.info} />
          {(loaded.info.notes?.length ?? 0) > 0 && (
            <section class={s["section"]}>
              <h2 class={s["h"]}>{t.notes}</h2>
              <ul class={s["notes"]}>{loaded.info.notes?.map((note) => <li key={note}>{sentence(note)}</li>)}</ul>
            </section>
          )}
          <Downloads info={loaded.info} />
        </>
      )}
    </>
  );
}
