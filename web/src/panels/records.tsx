/** Your own records: drop a table, see what became of it, choose species, and look at the map. */
import { useEffect, useState } from "preact/hooks";
import { follow, getJson, inWords, remove, runJob, upload } from "../api";
import { count } from "../format";
import { Busy, Button, Download, Drop, Name, Text, Wrong } from "../parts/ui";
import { saying, useWork } from "../parts/work";
import type { Checked, Job, Records, Upload } from "../records";
import { go } from "../state";
import { canWork, given, models, readModels, taxaOf } from "../store";
import { strings } from "../strings";
import { AskTable, type ReadAs } from "./ask_table";
import { canTry, sampleTable, trying } from "./sample";
import { matches } from "./search";
import s from "./panel.module.css";

const t = strings.records;
const FEW = 5; // records below which a map says nearly nothing
const CHOSEN = 10; // species chosen to begin with

function Became({ checked, onWrong }: { checked: Checked; onWrong: (message: string) => void }) {
  const rows = [...checked.dropped].sort((a, b) => b.rows - a.rows);
  return (
    <section class={s["section"]}>
      <h2 class={s["h"]}>{t.became}</h2>
      <table class={s["became"]}>
        <tbody>
          <tr><th scope="row">{t.rows}</th><td>{count(checked.rows)}</td></tr>
          <tr><th scope="row">{t.kept}</th><td>{count(checked.kept)}</td></tr>
          {rows.map(({ reason, rows: n }) => <tr key={reason}><th scope="row">{t.dropped}: {reason}</th><td>{count(n)}</td></tr>)}
        </tbody>
      </table>
      {[...(checked.noted ?? []).map((one) => `${one.reason}: ${count(one.rows)}`), ...(checked.notes ?? [])].length > 0 && (
        <ul class={s["notes"]}>{[...(checked.noted ?? []).map((one) => `${one.reason}: ${count(one.rows)}`), ...(checked.notes ?? [])].map((note) => <li key={note}>{note}</li>)}</ul>
      )}
      {checked.dropped_url && rows.length > 0 && <Download href={checked.dropped_url} onWrong={(error) => onWrong(inWords(error))}>{t.listDropped}</Download>}
    </section>
  );
}

/** The first of the chosen species that became a map, by the name that it has there. */
async function firstOf(id: string, chosen: readonly string[]): Promise<string> {
  const made = await taxaOf(id).catch(() => []);
  return made.find((one) => one.taxon === chosen[0])?.taxon ?? made[0]?.taxon ?? chosen[0] ?? "";
}

export function RecordsPanel() {
  const work = useWork();
  const [file, setFile] = useState<Upload | null>(null);
  const [checked, setChecked] = useState<Checked | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [query, setQuery] = useState("");
  const [name, setName] = useState("");
  const [how, setHow] = useState<ReadAs>({});
  const [wrong, setWrong] = useState<string | null>(null);
  const [forgetting, setForgetting] = useState<string | null>(null);
  useEffect(() => setWrong(null), [file]);

  useEffect(() => () => { given.value = null; }, []);
  useEffect(() => {
    if (!trying.peek()) return;
    trying.value = false;
    take(sampleTable());
  }, []);
  const take = (chosen: File | Promise<File>): void => {
    setFile(null);
    setChecked(null);
    setHow({});
    given.value = null;
    work.start(async (tell, signal) => {
      tell(t.reread);
      const table = await chosen;
      tell(t.sending, 0);
      const sent = await upload<Upload>("v1/uploads", table, (share) => tell(t.sending, share), signal);
      setFile(sent);
      setName(table.name.replace(/\.[^.]*$/, ""));
      await check(sent, {}, tell, signal);
    });
  };
  const check = async (sent: Upload, as: ReadAs, tell: (what: string, share?: number | null) => void, signal: AbortSignal): Promise<void> => {
    const say = (job: Job<Checked>): void => tell(saying(t.reading, job.doing), job.done ?? null);
    const read = sent.check && !as.columns && !as.crs
      ? await follow<Checked>(await getJson<Job<Checked>>(`v1/jobs/${encodeURIComponent(sent.check)}`, signal), say, signal)
      : await runJob<Checked>(as, say, signal, `v1/uploads/${encodeURIComponent(sent.id)}/check`);
    setHow(as);
    setChecked(read);
    const by = [...read.taxa].sort((a, b) => b.records - a.records).filter((one) => one.records >= FEW);
    if (read.records_url) given.value = await getJson<Records>(read.records_url, signal).catch(() => null);
    setChosen(new Set(by.slice(0, CHOSEN).map((one) => one.taxon)));
  };
  const readAs = (as: ReadAs): void => {
    if (!file) return;
    setChecked(null);
    given.value = null;
    work.start(async (tell, signal) => {
      tell(t.reading);
      await check(file, as, tell, signal);
    });
  };
  const fit = (trust = false): void => {
    if (!file) return;
    const taxa = [...chosen];
    work.start(async (tell, signal) => {
      tell(t.fitting);
      const made = await runJob<{ model?: string } | null>({ verb: "fit", upload: file.id, taxa, name: name || file.name, ...how, ...(trust ? { trust_places: true } : {}) }, (job) => tell(saying(t.fitting, job.doing), job.done ?? null), signal);
      await readModels();
      given.value = null;
      const id = made?.model ?? models.value?.filter((one) => one.kind === "project").at(-1)?.id ?? "";
      go({ view: "species", model: id, taxon: await firstOf(id, taxa), at: null, layer: "suitability", threshold: "" });
    });
  };
  const toggle = (taxon: string): void => {
    const next = new Set(chosen);
    if (!next.delete(taxon)) next.add(taxon);
    setChosen(next);
  };
  const projects = (models.value ?? []).filter((one) => one.kind === "project");
  const listed = checked ? (query ? matches(checked.taxa, query, 500) : [...checked.taxa].sort((a, b) => b.records - a.records).slice(0, 500)) : [];
  if (!canWork()) return <><h1 class={s["title"]}>{t.title}</h1><p class={s["p"]}>{strings.errors.static}</p></>;
  return (
    <>
      <header>
        <h1 class={s["title"]}>{t.title}</h1>
        <p class={s["p"]}>{t.private}</p>
      </header>
      {!checked && !work.busy && <Drop title={t.drop} choose={t.choose} text={t.formats} onFiles={(files) => files[0] && take(files[0])}>{canTry() && <Button plain onClick={() => take(sampleTable())}>{strings.empty.table}</Button>}</Drop>}
      {work.busy && <Busy at_once what={work.busy.what} share={work.busy.share} onStop={work.stop} />}
      {work.wrong && <Wrong message={work.wrong} />}
      {file && !work.busy && work.error !== null && <AskTable key={work.wrong ?? ""} error={work.error} before={how} onRead={readAs} {...(checked ? { onTrust: () => fit(true) } : {})} />}
      {wrong && <Wrong message={wrong} />}
      {checked && file && !work.busy && (
        <>
          <div class={s["total"]}><b>{file.name}</b></div>
          <Became checked={checked} onWrong={setWrong} />
          {checked.taxa.length === 0 && <p class={s["p"]}>{t.nothing}</p>}
          {checked.taxa.length > 0 && (
            <section class={s["section"]}>
              <h2 class={s["h"]}>{t.taxa}</h2>
              <p class={s["small"]}>{t.taxaHelp}</p>
              {checked.taxa.length > 8 && <Text label={t.filter} value={query} onInput={setQuery} />}
              <div class={s["wrap"]}>
                <Button plain onClick={() => setChosen(new Set(checked.taxa.map((one) => one.taxon)))}>{t.all}</Button>
                <Button plain onClick={() => setChosen(new Set())}>{t.none}</Button>
              </div>
              <ul class={s["choose"]} tabIndex={0} aria-label={t.taxa}>
                {listed.map((one) => (
                  <li key={one.taxon}>
                    <label>
                      <input type="checkbox" checked={chosen.has(one.taxon)} onChange={() => toggle(one.taxon)} />
                      <Name taxon={one.taxon} common={one.common_name} />
                      <span class={s["small"]}>{count(one.records ?? 0)}{(one.records ?? 0) < FEW ? ` · ${t.few}` : ""}</span>
                    </label>
                  </li>
                ))}
              </ul>
              <Text label={t.name} value={name} onInput={setName} />
              <div class={s["do"]}><Button main disabled={chosen.size === 0} onClick={() => fit()}>{t.fit(chosen.size)}</Button></div>
            </section>
          )}
          <Button onClick={() => { setChecked(null); setFile(null); given.value = null; }}>{t.otherFile}</Button>
        </>
      )}
      {projects.length > 0 && (
        <section class={s["section"]}>
          <h2 class={s["h"]}>{t.saved}</h2>
          <ul class={s["list"]}>
            {projects.map((one) => (
              <li key={one.id}>
                <div class={s["item"]} style={{ cursor: "default" }}>
                  <span><b>{one.name}</b><br /><span class={s["small"]}>{strings.about.taxa(one.taxa)}</span></span>
                  {forgetting === one.id ? (
                    <>
                      <Button onClick={() => { setForgetting(null); remove(`v1/models/${encodeURIComponent(one.id)}`).then(() => { go({ model: "", taxon: "" }); return readModels(); }).then(() => go({ view: "records" }), (error) => setWrong(inWords(error))); }}>
                        {t.forgetAsk}
                      </Button>
                      <Button plain onClick={() => setForgetting(null)}>{t.keep}</Button>
                    </>
                  ) : (
                    <>
                      <Button onClick={() => void firstOf(one.id, []).then((taxon) => go({ view: "species", model: one.id, taxon, at: null }))}>{t.open}</Button>
                      <Button plain onClick={() => setForgetting(one.id)}>{t.forget}</Button>
                    </>
                  )}
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
