/** The data set that a model learned from: its photos, how alike they are, its card, and what was confused. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, getBytes, getJson, getMade, inWords, isStatic, wasStopped } from "../api";
import { day, months, number, place as placeText } from "../format";
import { Busy, Button, Name, Picture, Segments, Select, Wrong } from "../parts/ui";
import type { Confusions, DatasetInfo, DatasetRow, DatasetRows, Job, ScatterInfo } from "../records";
import { saying } from "../parts/work";
import { Markdown } from "../parts/markdown";
import { go, state } from "../state";
import { about, dark, spot } from "../store";
import { strings } from "../strings";
import s from "./panel.module.css";

const t = strings.data;
const PAGE = 24;

/** Colours that colour-blind eyes tell apart (Okabe and Ito 2008), for the largest groups; all others are grey. */
export const GROUP_COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c00", "#7a5195"];
const OTHERS = "#8b8f94";

function Browse({ info }: { info: DatasetInfo }) {
  const { rows: taxon, part, row: chosen, rowsMonth } = state.value;
  const [found, setFound] = useState<DatasetRows | null>(null);
  const [row, setRow] = useState<DatasetRow | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const read = async (offset: number): Promise<void> => {
    const query = new URLSearchParams({ offset: String(offset), limit: String(PAGE) });
    if (taxon) query.set("taxon", taxon);
    if (part) query.set("split", part);
    if (rowsMonth) query.set("month", String(rowsMonth - 1));
    const more = await getJson<DatasetRows>(`v1/dataset/rows?${query}`);
    setFound((before) => (offset === 0 || !before ? more : { total: more.total, rows: [...before.rows, ...more.rows] }));
  };
  useEffect(() => {
    setFound(null);
    setWrong(null);
    read(0).catch((error) => setWrong(inWords(error)));
  }, [taxon, part, rowsMonth]);
  useEffect(() => {
    setRow(null);
    if (chosen < 0) return;
    const stop = new AbortController();
    getJson<DatasetRows>(`v1/dataset/rows?offset=${chosen}&limit=1`, stop.signal).then(
      ({ rows }) => setRow(rows[0] ?? null),
      (error) => { if (!wasStopped(error)) setWrong(inWords(error)); },
    );
    return () => stop.abort();
  }, [chosen]);
  return (
    <>
      {row && <Row row={row} />}
      <Select label={t.taxon} value={taxon} options={[["", t.all], ...(info.taxa ?? []).map((one) => [one.taxon, one.common_name || one.taxon] as const)]} onChange={(rows) => go({ rows })} />
      <div class={s["two"]}>
        <Select label={t.part} value={part} options={[["", t.all], ...Object.keys(info.splits ?? {}).map((name) => [name, t.parts[name] ?? name] as const)]} onChange={(to) => go({ part: to })} />
        <Select label={t.month} value={String(rowsMonth)} options={[["0", t.all], ...months("long").map((name, i) => [String(i + 1), name] as const)]} onChange={(to) => go({ rowsMonth: Number(to) })} />
      </div>
      {wrong && <Wrong message={wrong} />}
      {!found && !wrong && <Busy what={strings.loading} />}
      {found && <p class={s["small"]}>{found.total ? t.rows(found.total) : t.noRows}</p>}
      {found && (
        <div class={s["grid"]}>
          {found.rows.map((one) => (
            <button type="button" key={one.row} class={s["thumb"]} aria-pressed={chosen === one.row} aria-label={t.photo(one.common_name || one.taxon)} title={one.common_name || one.taxon} onClick={() => go({ row: chosen === one.row ? -1 : one.row })}>
              {one.photo_url ? <Picture src={one.photo_url} alt="" /> : <span />}
            </button>
          ))}
        </div>
      )}
      {found && found.rows.length < found.total && <Button onClick={() => void read(found.rows.length).catch((error) => setWrong(inWords(error)))}>{t.more}</Button>}
    </>
  );
}

/** A photo of the data set, with what is known of it. */
function Row({ row }: { row: DatasetRow }) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), [row.row]);
  const [lon, lat] = [row.lon, row.lat];
  const where = typeof lon === "number" && typeof lat === "number" ? ([lon, lat] as const) : null;
  useEffect(() => {
    spot.value = where;
    return () => { spot.value = null; };
  }, [row.row]);
  return (
    <section ref={box} class={s["stack"]}>
      {row.photo_url && <Picture class={s["photo"]} src={row.photo_url} alt={t.photo(row.common_name || row.taxon)} />}
      <div class={s["beside"]}>
        {row.chip_url && <Picture class={s["chip"]} src={row.chip_url} alt={t.chip} />}
        <div>
          <Name taxon={row.taxon} common={row.common_name} />
          <p class={s["small"]}>{[where ? placeText(...where) : "", row.date ? day(row.date) : "", row.split ? (t.parts[row.split] ?? row.split) : "", row.attribution ?? "", row.licence ?? ""].filter(Boolean).join(" · ")}</p>
        </div>
      </div>
      <div class={s["wrap"]}>
        {where && <Button icon="pin" onClick={() => go({ view: "place", place: where })}>{strings.place.title}</Button>}
        <Button icon="close" onClick={() => go({ row: -1 })}>{strings.close}</Button>
      </div>
    </section>
  );
}

/** Groups by how many points are of them, the largest first. groups: of each taxon; taxa: of each point. */
export function ranked(groups: readonly string[], taxa: Int32Array): { name: string; points: number }[] {
  const counts = new Map<string, number>();
  for (const taxon of taxa) {
    const name = groups[taxon] ?? "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, points]) => ({ name, points })).sort((a, b) => b.points - a.points || a.name.localeCompare(b.name));
}

function Scatter() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [read, setRead] = useState<{ info: ScatterInfo; xy: Float32Array; rows: Int32Array; taxa: Int32Array } | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [making, setMaking] = useState<Job<unknown> | null>(null);
  const [again, setAgain] = useState(0);
  const stopping = useRef<AbortController>();
  const [over, setOver] = useState<{ point: number; x: number; y: number } | null>(null);
  const [only, setOnly] = useState("");
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
  const box = useMemo(() => (read ? bounds(read.xy) : null), [read]);
  const spot = (point: number, side: number): [number, number] => {
    if (!read || !box) return [0, 0];
    const at = (value: number, middle: number): number => side / 2 + ((value - middle) / box.size) * (side - 24);
    return [at(read.xy[point * 2] ?? 0, box.x), at(read.xy[point * 2 + 1] ?? 0, box.y)];
  };
  // Families where they are known, else species.
  const groups = useMemo(() => (read?.info.families?.some(Boolean) ? read.info.families.map((one) => one || t.noFamily) : (read?.info.taxa ?? [])), [read]);
  const all = useMemo(() => (read ? ranked(groups, read.taxa) : []), [read, groups]);
  const colours = new Map(all.slice(0, GROUP_COLOURS.length).map(({ name }, i) => [name, GROUP_COLOURS[i] ?? OTHERS]));
  useEffect(() => {
    const target = canvas.current;
    const pen = target?.getContext("2d");
    if (!target || !pen || !read) return;
    const side = target.clientWidth;
    target.width = target.height = side * devicePixelRatio;
    pen.scale(devicePixelRatio, devicePixelRatio);
    const front = (name: string): boolean => (only ? name === only : colours.has(name));
    for (const above of [false, true])
      for (let point = 0; point < read.info.n; point++) {
        const name = groups[read.taxa[point] ?? 0] ?? "";
        if (front(name) !== above) continue;
        const [x, y] = spot(point, side);
        pen.fillStyle = above ? (colours.get(name) ?? GROUP_COLOURS[0] ?? OTHERS) : OTHERS;
        pen.globalAlpha = above ? 0.8 : only ? 0.2 : 0.45;
        pen.beginPath();
        pen.arc(x, y, read.info.n > 3000 ? 1.5 : 3, 0, 7);
        pen.fill();
      }
  }, [read, only, dark.value]);
  if (wrong) return <Wrong message={wrong} onAgain={() => { setWrong(null); setMaking(null); setAgain(again + 1); }} />;
  if (!read) return <Busy what={making ? saying(strings.place.photosMaking, making.doing) : strings.loading} share={making?.done ?? null} {...(making ? { onStop: () => stopping.current?.abort() } : {})} />;
  const taxon = over ? (read.info.taxa[read.taxa[over.point] ?? 0] ?? "") : "";
  const nearest = (event: MouseEvent): { point: number; x: number; y: number } | null => {
    const rect = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const [px, py] = [event.clientX - rect.left, event.clientY - rect.top];
    let [best, least] = [-1, 100];
    for (let point = 0; point < read.info.n; point++) {
      if (only && groups[read.taxa[point] ?? 0] !== only) continue;
      const [x, y] = spot(point, rect.width);
      const far = (x - px) ** 2 + (y - py) ** 2;
      if (far < least) [best, least] = [point, far];
    }
    return best < 0 ? null : { point: best, x: px, y: py };
  };
  const rest = all.slice(GROUP_COLOURS.length);
  return (
    <>
      <p class={s["small"]}>{t.scatterText}</p>
      <div class={s["scatter"]}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={t.scatterText}
          onPointerMove={(event) => setOver(nearest(event))}
          onPointerLeave={() => setOver(null)}
          onClick={(event) => {
            const found = nearest(event);
            // A finger has no hover: its first touch shows the photo, as a pointer's does.
            if (found && (over?.point === found.point || (event as unknown as PointerEvent).pointerType === "mouse")) go({ tab: "browse", row: read.rows[found.point] ?? -1 });
            else setOver(found);
          }}
        />
        {over && (
          <div class={s["peek"]} style={{ left: `${Math.min(190, Math.max(0, over.x - 66))}px`, top: `${over.y > 180 ? over.y - 176 : over.y + 16}px` }}>
            <Picture src={`v1/dataset/photo/${read.rows[over.point] ?? 0}.jpg`} alt="" />
            <i>{taxon}</i>
          </div>
        )}
      </div>
      <Select label={t.only} value={only} options={[["", t.all], ...[...all].sort((a, b) => a.name.localeCompare(b.name)).map(({ name, points }) => [name, `${name} (${number(points)})`] as const)]} onChange={setOnly} />
      <div class={s["tags"]}>
        {[...colours].map(([name, colour]) => <span class={s["tag"]} key={name}><span style={{ color: colour, filter: dark.value ? "brightness(1.5)" : "" }} aria-hidden="true">● </span>{name}</span>)}
        {rest.length > 0 && <span class={s["tag"]}><span style={{ color: OTHERS }} aria-hidden="true">● </span>{t.others(rest.length)}</span>}
      </div>
    </>
  );
}

/** The middle of the points, and the side of a square around them. */
function bounds(xy: Float32Array): { x: number; y: number; size: number } {
  let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < xy.length; i += 2) {
    west = Math.min(west, xy[i] ?? 0);
    north = Math.min(north, xy[i + 1] ?? 0);
    east = Math.max(east, xy[i] ?? 0);
    south = Math.max(south, xy[i + 1] ?? 0);
  }
  return { x: (west + east) / 2, y: (north + south) / 2, size: Math.max(east - west, south - north) || 1 };
}

/** A card without the lines that are for machines. */
export const withoutHead = (card: string): string => card.replace(/^---\n[\s\S]*?\n---\n+/, "");

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
  const { tab } = state.value;
  const has = about.value?.has.dataset; // known a moment after the page is open
  useEffect(() => {
    if (has === undefined && about.value === null && !isStatic()) return;
    if (isStatic() || has === false) return setNone(true);
    getJson<DatasetInfo>("v1/dataset").then(setInfo, (error) => {
      if (error instanceof ApiError && error.status === 404) setNone(true);
      else setWrong(inWords(error));
    });
  }, [has, about.value === null]);
  return (
    <>
      <h1 class={s["title"]}>{info?.name ?? t.title}</h1>
      {none && <p class={s["p"]}>{isStatic() ? strings.errors.static : t.none}</p>}
      {none && !isStatic() && <pre class={s["pre"]} tabIndex={0}>{t.noneCommand}</pre>}
      {wrong && <Wrong message={wrong} />}
      {!info && !none && !wrong && <Busy what={strings.loading} />}
      {info && (
        <>
          <Segments label={t.title} value={tab} options={[["browse", t.browse], ["scatter", t.scatter], ["card", t.card], ["confusions", t.confusions]]} onChange={(to) => go({ tab: to })} />
          {tab === "browse" && <Browse info={info} />}
          {tab === "scatter" && <Scatter />}
          {tab === "card" && <Markdown text={withoutHead(info.card ?? "")} />}
          {tab === "confusions" && <Confused />}
        </>
      )}
    </>
  );
}
