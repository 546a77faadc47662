/** Photos: what is in them, how sure that is, and where they may have been taken. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { ApiError, getBytes, getJson, inWords, isStatic, post, remove, runJob, upload, wasStopped } from "../api";
import { day, percent, place as placeText, readPlace, score } from "../format";
import { sentence } from "../legend/legend";
import { boxOf, type CellValues, type Grid, makeGrid, makeValues, middleOf, MISSING, valueOf } from "../map/cells";
import { mapView } from "../map/map_pane";
import { Icon } from "../parts/icons";
import { Bar, Busy, Button, DateField, Download, Drop, join, Name, Picture, Text, Wrong } from "../parts/ui";
import { saying, useWork } from "../parts/work";
import type { DatasetInfo, LikelyPlace, Located, PhotoAnswer, Upload } from "../records";
import { about, LoadedMap, located, model, spot, taxaOf } from "../store";
import { strings } from "../strings";
import { matches } from "./search";
import s from "./panel.module.css";
import u from "../parts/ui.module.css";

const t = strings.photos;
const uncertain = strings.notCalibrated;
const MOST_SAID = 5; // of the files that were left out

// Kept while the page is open, so that a look at another view loses nothing.
const photos = signal<readonly PhotoAnswer[]>([]);
const chosen = signal(0);
const places = signal<ReadonlyMap<string, readonly LikelyPlace[]>>(new Map());
const notes = signal<readonly string[]>([]); // what the naming has to say of all of them
const reviewed = signal<ReadonlyMap<string, string>>(new Map());

/** What a photo is said to show, in words. */
export function inPlainWords(photo: PhotoAnswer): { name: string; common: string | null; said: string } {
  const named = photo.answers?.find((one) => one.taxon === photo.rolled_up) ?? photo.answers?.[0];
  const sure = (value: number | null | undefined): string => typeof value !== "number" ? "" : photo.calibrated === false ? `${uncertain.score} ${score(value)}` : t.sure(percent(value));
  if (photo.verdict === "unreadable") return { name: t.unreadable, common: null, said: photo.remarks?.[0] ?? "" };
  if (photo.verdict === "not among these birds") return { name: t.notBirds, common: null, said: "" };
  if (photo.verdict === "rolled up") return { name: t.rolled(photo.rolled_up_rank ?? "", photo.rolled_up ?? ""), common: null, said: photo.rolled_up_rank !== "class" ? sure(photo.rolled_up_score) : "" };
  if (photo.verdict === "not calibrated") return { name: uncertain.perhaps(named?.common_name || (named?.taxon ?? "")), common: null, said: sure(named?.score) };
  return { name: named?.taxon ?? photo.rolled_up ?? "", common: named?.common_name || null, said: sure(named?.score) };
}

const capital = (text: string): string => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;

/** The name that accepting a photo stands for, or null where nothing is said that could be right. */
export function acceptable(photo: PhotoAnswer): string | null {
  if (photo.verdict === "named" || photo.verdict === "not calibrated") return photo.rolled_up || photo.answers?.[0]?.taxon || null;
  return photo.verdict === "rolled up" && photo.rolled_up_rank !== "class" ? photo.rolled_up || null : null;
}

interface Named { readonly taxon: string; readonly common_name?: string | null }

/** What a photo can be corrected to: names that fit, or, where none does, what is typed; its own answers before. */
export function corrections(typed: string, answers: readonly Named[], known: readonly Named[], most = 8): Named[] {
  const text = typed.trim().replace(/\s+/g, " ");
  if (text === "") return answers.slice(0, most);
  const each = new Map([...known, ...answers].map((one) => [one.taxon, one]));
  const fit = matches([...each.values()], text, most);
  return fit.length ? fit : [{ taxon: text }];
}

function Thumbs() {
  return (
    <div class={join(s["grid"], s["some"])}>
      {photos.value.map((photo, i) => {
        const words = inPlainWords(photo);
        const done = reviewed.value.has(photo.upload);
        const odd = photo.verdict === "not among these birds" || photo.verdict === "unreadable" || photo.answers?.[0]?.unexpected;
        return (
          <button type="button" key={photo.upload} id={`photo-${i}`} class={s["thumb"]} aria-pressed={i === chosen.value} aria-label={`${photo.photo.split("/").at(-1)}: ${words.common || words.name}`} onClick={() => (chosen.value = i)}>
            {photo.thumb_url ? <Picture src={photo.thumb_url} alt="" /> : <span />}
            {(done || odd) && <em class={done ? undefined : s["warn"]}><Icon name={done ? "check" : "warn"} size={14} /></em>}
          </button>
        );
      })}
    </div>
  );
}

function Three({ answer }: { answer: NonNullable<PhotoAnswer["answers"]>[number] }) {
  const rows = [[t.image, answer.image_score], [t.placeDate, answer.place_date_score], [t.together, answer.score]] as const;
  return (
    <div class={s["answer"]}>
      <Name taxon={answer.taxon} common={answer.common_name} />
      {answer.unexpected && <span><span class={join(s["tag"], s["warn"])}>{t.unexpected}</span></span>}
      <div class={s["three"]}>
        {rows.map(([name, value]) => (
          <>
            <span>{name}</span>
            <Bar share={value ?? 0} label={`${name}: ${score(value)}`} />
            <b>{score(value)}</b>
          </>
        ))}
      </div>
    </div>
  );
}

async function where(photo: PhotoAnswer, tell: (what: string, share?: number | null) => void, signal: AbortSignal): Promise<void> {
  tell(t.locating);
  const found = await runJob<Located>({ verb: "locate", upload: photo.upload }, (job) => tell(saying(t.locating, job.doing), job.done ?? null), signal);
  const [cells, bytes] = await Promise.all([getBytes(found.grid.cells_url ?? "", signal), getBytes(found.layer.url, signal)]);
  const grid = makeGrid(found.grid, cells);
  const made = new LoadedMap("", { taxon: null, quantity: { name: t.locate, explanation: t.locate }, months: 1, layers: { suitability: found.layer } }, grid);
  const values = makeValues(found.layer, bytes, grid.cells.length);
  made.layers.set("suitability", values);
  located.value = made;
  const likely = found.places ?? likeliest(grid, values);
  places.value = new Map(places.value).set(photo.upload, likely);
  const box = boxOf(likely.map((one) => one.lon), likely.map((one) => one.lat));
  if (box) mapView.value?.frame(box, true);
}

/** The cells with the greatest chances. */
export function likeliest(grid: Grid, values: CellValues, most = 9): LikelyPlace[] {
  return Array.from(values.bytes, (byte, cell) => [byte, cell] as const)
    .filter(([byte]) => byte > 0 && byte !== MISSING)
    .sort((a, b) => b[0] - a[0])
    .slice(0, most)
    .map(([byte, cell], i) => {
      const [lon, lat] = middleOf(grid, cell);
      return { rank: i + 1, lon, lat, probability: valueOf(values, byte), chip_url: `v1/chip.png?lon=${lon}&lat=${lat}&km=${Math.max(100, about.peek()?.has.sharpest_km ?? 0)}&px=128` };
    });
}

/** The likeliest places, each as it looks from above. */
function Places({ of }: { of: readonly LikelyPlace[] }) {
  return (
    <div class={s["stack"]}>
      <p class={s["small"]}>{strings.likelyPlaces.text}</p>
      <ul class={s["grid"]}>
        {of.map((one) => (
          <li key={one.rank}>
            <button type="button" class={s["tile"]} aria-label={strings.likelyPlaces.one(one.rank, placeText(one.lon, one.lat), percent(one.probability))} onClick={() => mapView.value?.fly(one.lon, one.lat, 5)}>
              {one.chip_url ? <Picture src={one.chip_url} alt="" /> : <span />}
              <span>{percent(one.probability)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function PhotosPanel() {
  const work = useWork();
  const [place, setPlace] = useState("");
  const [date, setDate] = useState("");
  const [left, setLeft] = useState<string | null>(null); // which files were not taken
  const [correcting, setCorrecting] = useState<string | null>(null);
  const [names, setNames] = useState<readonly Named[]>([]);
  const [others, setOthers] = useState<readonly Named[]>([]); // the run may know birds that no map here has
  const [wrong, setWrong] = useState<string | null>(null);
  const id = model.value?.id;
  useEffect(() => { if (id) taxaOf(id).then(setNames, () => undefined); }, [id]);
  const withDataset = about.value?.has.dataset === true && !isStatic();
  useEffect(() => { if (withDataset) getJson<DatasetInfo>("v1/dataset").then((read) => setOthers(read.taxa ?? []), () => undefined); }, [withDataset]);
  const photo = photos.value[chosen.value];
  useEffect(() => { located.value = null; }, [photo?.upload]); // what was found is of one photo
  useEffect(() => {
    spot.value = photo && typeof photo.lon === "number" && typeof photo.lat === "number" ? [photo.lon, photo.lat] : null;
    return () => { spot.value = null; };
  }, [photo?.upload]);

  const take = (files: File[]): void => {
    const at = place.trim() === "" ? null : readPlace(place);
    if (place.trim() !== "" && !at) {
      setWrong(strings.errors.noPlace(place));
      return;
    }
    setWrong(null);
    setLeft(null);
    work.start(async (tell, signal) => {
      const sent: Upload[] = [];
      const out: string[] = []; // and why: one file that is not a photo is not the end of the others
      for (const [i, file] of files.entries()) {
        try {
          const one = await upload<Upload>("v1/uploads", file, (share) => tell(strings.records.sending, (i + share) / files.length), signal);
          if (one.kind === "photo") sent.push(one);
          else {
            out.push(t.notPhoto(file.name));
            void remove(`v1/uploads/${encodeURIComponent(one.id)}`).catch(() => undefined);
          }
        } catch (error) {
          if (wasStopped(error) || !(error instanceof ApiError) || error.status === 0 || error.status === 401 || error.status === 507) throw error;
          out.push(t.leftOut(file.name, error.message));
        }
      }
      if (out.length) setLeft([...out.slice(0, MOST_SAID), ...(out.length > MOST_SAID ? [t.moreLeft(out.length - MOST_SAID)] : [])].join("\n"));
      if (sent.length === 0) return;
      tell(t.naming);
      const most = about.peek()?.limits?.photos_at_once ?? 200;
      for (let from = 0; from < sent.length; from += most) {
        const part = sent.slice(from, from + most);
        const share = (done: number | null | undefined): number | null => (typeof done === "number" ? (from + done * part.length) / sent.length : null);
        const result = await runJob<{ photos: readonly PhotoAnswer[] }>({ verb: "identify", uploads: part.map((one) => one.id), place: at, date: date || null }, (job) => { tell(saying(t.naming, job.doing), share(job.done)); notes.value = job.notes ?? []; }, signal);
        if (from === 0) chosen.value = photos.value.length;
        photos.value = [...photos.value, ...result.photos];
      }
    });
  };
  const review = (taxon: string, verdict: "accepted" | "corrected"): void => {
    if (!photo) return;
    const marked = (as: string | undefined): void => {
      const next = new Map(reviewed.value);
      if (as === undefined) next.delete(photo.upload);
      else next.set(photo.upload, as);
      reviewed.value = next;
    };
    const before = reviewed.value.get(photo.upload);
    marked(verdict === "accepted" ? t.accepted : t.corrected(taxon));
    post("v1/review", { upload: photo.upload, taxon, verdict }).catch((error) => {
      marked(before); // what was not kept is not shown as if it were
      setWrong(inWords(error));
    });
    chosen.value = Math.min(photos.value.length - 1, chosen.value + 1);
    if (correcting === null) return;
    setCorrecting(null);
    document.getElementById(`photo-${chosen.value}`)?.focus({ preventScroll: true }); // the field that had it goes
  };
  const accept = (): void => {
    const said = photo && acceptable(photo);
    if (said) review(said, "accepted");
  };
  useEffect(() => {
    const key = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.tagName === "CANVAS" || event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.key === "a") accept();
      else if (event.key === "c") setCorrecting("");
      else if (event.key === "ArrowRight" || event.key === "ArrowDown") chosen.value = Math.min(photos.value.length - 1, chosen.value + 1);
      else if (event.key === "ArrowLeft" || event.key === "ArrowUp") chosen.value = Math.max(0, chosen.value - 1);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  });
  if (isStatic()) return <><h1 class={s["title"]}>{t.title}</h1><p class={s["p"]}>{strings.errors.static}</p></>;
  const able = about.value?.has.photos ?? about.value?.has.run ?? true;
  const words = photo ? inPlainWords(photo) : null;
  const found = correcting === null ? [] : corrections(correcting, photo?.answers ?? [], [...others, ...names, ...photos.value.flatMap((one) => one.answers ?? [])]);
  return (
    <>
      <h1 class={s["title"]}>{t.title}</h1>
      {!able && <p class={s["p"]}>{t.noRun}</p>}
      {!able && <pre class={s["pre"]} tabIndex={0}>{t.noRunCommand}</pre>}
      {able && !work.busy && (
        <>
          <Drop title={t.drop} choose={t.choose} text={photos.value.length ? "" : t.formats} small={photos.value.length > 0} accept="image/*,.heic,.tif,.tiff" multiple onFiles={take} />
          <details class={s["details"]} open={photos.value.length === 0}>
            <summary>{t.whereText}</summary>
            <div class={s["two"]}>
              <Text label={t.where} value={place} placeholder="48.1, 11.6" onInput={setPlace} />
              <DateField label={t.when} value={date} onInput={setDate} />
            </div>
          </details>
        </>
      )}
      {work.busy && <Busy at_once what={work.busy.what} share={work.busy.share} onStop={work.stop} />}
      {work.wrong && <Wrong message={work.wrong} />}
      {wrong && <Wrong message={wrong} />}
      {left && <Wrong title={t.leftTitle} message={left} />}
      {photos.value.length > 0 && <Thumbs />}
      {photo && words && (
        <section class={s["section"]}>
          {photo.thumb_url && <Picture class={s["photo"]} src={photo.thumb_url} alt={photo.photo.split("/").at(-1) ?? ""} />}
          <div>
            <h2 class={s["title"]}>
              {words.common || capital(words.name)}
              {words.common && <small>{words.name}</small>}
            </h2>
            <div class={s["tags"]}>
              {words.said && <span class={s["tag"]}>{words.said}</span>}
              {photo.calibrated === false && photo.verdict !== "unreadable" && <span class={join(s["tag"], s["warn"])} title={uncertain.text}>{uncertain.tag}</span>}
              {photo.verdict === "not among these birds" && <span class={join(s["tag"], s["warn"])}>{t.notBirds}</span>}
              {photo.answers?.[0]?.unexpected && <span class={join(s["tag"], s["warn"])}>{t.unexpected}</span>}
              {reviewed.value.get(photo.upload) && <span class={join(s["tag"], s["good"])}>{reviewed.value.get(photo.upload)}</span>}
            </div>
            <p class={s["small"]}>{[typeof photo.lon === "number" && typeof photo.lat === "number" ? placeText(photo.lon, photo.lat) : t.noPlace, photo.date ? day(photo.date) : "", t.of(chosen.value + 1, photos.value.length)].filter(Boolean).join(" · ")}</p>
          </div>
          <div class={s["wrap"]}>
            <Button main icon="check" onClick={accept} disabled={acceptable(photo) === null}>{photo.verdict === "not calibrated" ? uncertain.accept(photo.answers?.[0]?.common_name || (acceptable(photo) ?? "")) : t.accept}</Button>
            <Button onClick={() => setCorrecting(correcting === null ? "" : null)} expanded={correcting !== null}>{t.correct}</Button>
            {about.value?.has.locate !== false && <Button icon="pin" onClick={() => work.start((tell, signal) => where(photo, tell, signal))}>{t.locate}</Button>}
          </div>
          {correcting !== null && (
            <div>
              <Text atOnce label={t.correctTo} value={correcting} onInput={setCorrecting} onEnter={() => found[0] && review(found[0].taxon, "corrected")} />
              <ul class={s["list"]}>{found.map((one) => <li key={one.taxon}><button type="button" class={s["item"]} onClick={() => review(one.taxon, "corrected")}><Name taxon={one.taxon} common={one.common_name} /></button></li>)}</ul>
            </div>
          )}
          {(places.value.get(photo.upload)?.length ?? 0) > 0 && <Places of={places.value.get(photo.upload) ?? []} />}
          <div class={s["answers"]}>{photo.answers?.slice(0, 5).map((answer) => <Three key={answer.taxon} answer={answer} />)}</div>
          {(photo.remarks?.length ?? 0) > 0 && <ul class={s["notes"]}>{photo.remarks?.map((one) => <li key={one}>{one}</li>)}</ul>}
        </section>
      )}
      {photos.value.length > 0 && (
        <section class={s["section"]}>
          {notes.value.length > 0 && <ul class={s["notes"]}>{notes.value.map((one) => <li key={one}>{sentence(one)}</li>)}</ul>}
          <p class={s["small"]}>{t.keys}</p>
          <div class={s["wrap"]}>
            <Download href="v1/review.csv" onWrong={(error) => setWrong(inWords(error))}>{t.exportCsv}</Download>
            <Download href="v1/review.dwc.csv" onWrong={(error) => setWrong(inWords(error))}>{t.exportDwc}</Download>
          </div>
          <span class={u["hidden"]} aria-live="polite">{words ? `${words.common || words.name}. ${words.said}` : ""}</span>
        </section>
      )}
    </>
  );
}
