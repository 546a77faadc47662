/** The data set that a model learned from: its photos, how alike they are, its card, and what was confused. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, getBytes, getJson, getMade, inWords, isStatic, wasStopped } from "../api";
import { day, place as placeText } from "../format";
import { Busy, Button, Name, Picture, Segments, Select, Wrong } from "../parts/ui";
import type { Confusions, DatasetInfo, DatasetRow, DatasetRows, Job, ScatterInfo } from "../records";
import { Markdown } from "../parts/markdown";
import { go, state } from "../state";
import { about, dark } from "../store";
import { strings } from "../strings";
import s from "./panel.module.css";

const t = strings.data;
const PAGE = 24;
type Tab = "browse" | "scatter" | "card" | "confusions";

/** Colours that colour-blind eyes tell apart (Okabe and Ito 2008); more groups than that share them. */
const GROUP_COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c00", "#7a5195"];

function Browse({ info }: { info: DatasetInfo }) {
  const { rows: taxon, part } = state.value;
  const [found, setFound] = useState<DatasetRows | null>(null);
  const [row, setRow] = useState<DatasetRow | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const read = async (offset: number): Promise<void> => {
    const query = new URLSearchParams({ offset: String(offset), limit: String(PAGE) });
    if (taxon) query.set("taxon", taxon);
    if (part) query.set("split", part);
    const more = await getJson<DatasetRows>(`v1/dataset/rows?${query}`);
    setFound((before) => (offset === 0 || !before ? more : { total: more.total, rows: [...before.rows, ...more.rows] }));
  };
  useEffect(() => {
    setFound(null);
    setRow(null);
    setWrong(null);
    read(0).catch((error) => setWrong(inWords(error)));
  }, [taxon, part]);
  return (
    <>
      <Select label={t.taxon} value={taxon} options={[["", t.all], ...(info.taxa ?? []).map((one) => [one.taxon, one.common_name || one.taxon] as const)]} onChange={(rows) => go({ rows })} />
      <Select label={t.part} value={part} options={[["", t.all], ...Object.keys(info.splits ?? {}).map((name) => [name, t.parts[name] ?? name] as const)]} onChange={(to) => go({ part: to })} />
      {wrong && <Wrong message={wrong} />}
      {!found && !wrong && <Busy what={strings.loading} />}
      {row && (
        <section class={s["stack"]}>
          {row.photo_url && <Picture class={s["photo"]} src={row.photo_url} alt={t.photo(row.common_name || row.taxon)} />}
          <Name taxon={row.taxon} common={row.common_name} />
          <p class={s["small"]}>{[typeof row.lon === "number" && typeof row.lat === "number" ? placeText(row.lon, row.lat) : "", row.date ? day(row.date) : "", row.split ? (t.parts[row.split] ?? row.split) : "", row.attribution ?? "", row.licence ?? ""].filter(Boolean).join(" · ")}</p>
          {row.chip_url && <Picture class={s["chip"]} src={row.chip_url} alt={t.chip} />}
          {typeof row.lon === "number" && typeof row.lat === "number" && <Button icon="pin" onClick={() => go({ view: "place", place: [row.lon ?? 0, row.lat ?? 0] })}>{strings.place.title}</Button>}
        </section>
      )}
      {found && <p class={s["small"]}>{found.total ? t.rows(found.total) : t.noRows}</p>}
      {found && (
        <div class={s["grid"]}>
          {found.rows.map((one) => (
            <button type="button" key={one.row} class={s["thumb"]} aria-pressed={row?.row === one.row} aria-label={t.photo(one.common_name || one.taxon)} title={one.common_name || one.taxon} onClick={() => setRow(one)}>
              {one.photo_url ? <Picture src={one.photo_url} alt="" /> : <span />}
            </button>
          ))}
        </div>
      )}
      {found && found.rows.length < found.total && <Button onClick={() => void read(found.rows.length).catch((error) => setWrong(inWords(error)))}>{t.more}</Button>}
    </>
  );
}

function Scatter() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [read, setRead] = useState<{ info: ScatterInfo; xy: Float32Array; rows: Int32Array; taxa: Int32Array } | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [making, setMaking] = useState<Job<unknown> | null>(null);
  const [again, setAgain] = useState(0);
  const stopping = useRef<AbortController>();
  const [over, setOver] = useState<{ point: number; x: number; y: number } | null>(null);
  useEffect(() => {
    const stop = (stopping.current = new AbortController());
    getMade<ScatterInfo>("v1/dataset/scatter", setMaking, stop.signal)
      .then(async (info) => {
        const buffer = await getBytes(info.points_url);
        setRead({ info, xy: new Float32Array(buffer, 0, info.n * 2), rows: new Int32Array(buffer, info.n * 8, info.n), taxa: new Int32Array(buffer, info.n * 12, info.n) });
      })
      .catch((error) => { setWrong(wasStopped(error) ? t.stopped : inWords(error)); });
    return () => stop.abort();
  }, [again]);
  const box = read ? bounds(read.xy) : null;
  const spot = (point: number, side: number): [number, number] => {
    if (!read || !box) return [0, 0];
    return [12 + (((read.xy[point * 2] ?? 0) - box.x) / box.size) * (side - 24), 12 + (((read.xy[point * 2 + 1] ?? 0) - box.y) / box.size) * (side - 24)];
  };
  // Families where they are known, else species.
  const groups = read?.info.families?.some(Boolean) ? read.info.families.map((one) => one || t.noFamily) : (read?.info.taxa ?? []);
  const families = [...new Set(groups)];
  const groupOf = (point: number): number => families.indexOf(groups[read?.taxa[point] ?? 0] ?? "");
  useEffect(() => {
    const target = canvas.current;
    const pen = target?.getContext("2d");
    if (!target || !pen || !read) return;
    const side = target.clientWidth;
    target.width = target.height = side * devicePixelRatio;
    pen.scale(devicePixelRatio, devicePixelRatio);
    for (let point = 0; point < read.info.n; point++) {
      const [x, y] = spot(point, side);
      pen.fillStyle = GROUP_COLOURS[Math.max(0, groupOf(point)) % GROUP_COLOURS.length] ?? "#888";
      pen.globalAlpha = 0.75;
      pen.beginPath();
      pen.arc(x, y, read.info.n > 3000 ? 1.5 : 3, 0, 7);
      pen.fill();
    }
  }, [read, dark.value]);
  if (wrong) return <Wrong message={wrong} onAgain={() => { setWrong(null); setMaking(null); setAgain(again + 1); }} />;
  if (!read) return <Busy what={making?.doing || strings.loading} share={making?.done ?? null} {...(making ? { onStop: () => stopping.current?.abort() } : {})} />;
  const taxon = over ? (read.info.taxa[read.taxa[over.point] ?? 0] ?? "") : "";
  return (
    <>
      <p class={s["small"]}>{t.scatterText}</p>
      <div class={s["scatter"]}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={t.scatterText}
          onPointerMove={(event) => {
            const rect = event.currentTarget.getBoundingClientRect();
            const [px, py] = [event.clientX - rect.left, event.clientY - rect.top];
            let [best, least] = [-1, 100];
            for (let point = 0; point < read.info.n; point++) {
              const [x, y] = spot(point, rect.width);
              const far = (x - px) ** 2 + (y - py) ** 2;
              if (far < least) [best, least] = [point, far];
            }
            setOver(best < 0 ? null : { point: best, x: px, y: py });
          }}
          onPointerLeave={() => setOver(null)}
        />
        {over && (
          <div class={s["peek"]} style={{ left: `${Math.min(190, Math.max(0, over.x - 66))}px`, top: `${over.y > 180 ? over.y - 176 : over.y + 16}px` }}>
            <Picture src={`v1/dataset/photo/${read.rows[over.point] ?? 0}.jpg`} alt="" />
            <i>{taxon}</i>
          </div>
        )}
      </div>
      <div class={s["tags"]}>{families.slice(0, GROUP_COLOURS.length * 3).map((name, i) => <span class={s["tag"]} key={name}><span style={{ color: GROUP_COLOURS[i % GROUP_COLOURS.length], filter: dark.value ? "brightness(1.5)" : "" }} aria-hidden="true">● </span>{name}</span>)}</div>
    </>
  );
}

/** A card without the lines that are for machines. */
export const withoutHead = (card: string): string => card.replace(/^---\n[\s\S]*?\n---\n+/, "");

function bounds(xy: Float32Array): { x: number; y: number; size: number } {
  let [x, y, right, low] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < xy.length; i += 2) {
    x = Math.min(x, xy[i] ?? 0);
    y = Math.min(y, xy[i + 1] ?? 0);
    right = Math.max(right, xy[i] ?? 0);
    low = Math.max(low, xy[i + 1] ?? 0);
  }
  return { x, y, size: Math.max(right - x, low - y) || 1 };
}

function Confused() {
  const [found, setFound] = useState<Confusions | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  useEffect(() => {
    getJson<Confusions>("v1/dataset/confusions").then(setFound, (error) => {
      if (error instanceof ApiError && error.status === 404) setFound({ rows: [] });
      else setWrong(inWords(error));
    });
  }, []);
  if (wrong) return <Wrong message={wrong} />;
  if (!found) return <Busy what={strings.loading} />;
  if (!found.rows.length) return <p class={s["p"]}>{t.noConfusions}</p>;
  return (
    <ul class={s["list"]}>
      {found.rows.map((one) => (
        <li key={one.taxon + one.mistaken_for} style={{ padding: "8px 0" }}>
          <i>{one.taxon}</i> {t.takenFor} <i>{one.mistaken_for}</i>
          <div class={s["small"]}>{t.times(one.count, one.of ?? null)}</div>
        </li>
      ))}
    </ul>
  );
}

export function DataPanel() {
  const [info, setInfo] = useState<DatasetInfo | null>(null);
  const [none, setNone] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const [tab, setTab] = useState<Tab>("browse");
  useEffect(() => {
    if (isStatic() || about.value?.has.dataset === false) return setNone(true);
    getJson<DatasetInfo>("v1/dataset").then(setInfo, (error) => {
      if (error instanceof ApiError && error.status === 404) setNone(true);
      else setWrong(inWords(error));
    });
  }, []);
  return (
    <>
      <h1 class={s["title"]}>{info?.name ?? t.title}</h1>
      {none && <p class={s["p"]}>{t.none}</p>}
      {wrong && <Wrong message={wrong} />}
      {!info && !none && !wrong && <Busy what={strings.loading} />}
      {info && (
        <>
          <Segments label={t.title} value={tab} options={[["browse", t.browse], ["scatter", t.scatter], ["card", t.card], ["confusions", t.confusions]]} onChange={setTab} />
          {tab === "browse" && <Browse info={info} />}
          {tab === "scatter" && <Scatter />}
          {tab === "card" && <Markdown text={withoutHead(info.card ?? "")} />}
          {tab === "confusions" && <Confused />}
        </>
      )}
    </>
  );
}
