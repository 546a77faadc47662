/** All species of the model, sorted by any of their figures; each row leads to its map. */
import { useEffect, useState } from "preact/hooks";
import { inWords } from "../api";
import { count, score } from "../format";
import { Busy, Button, Name, Text, Wrong } from "../parts/ui";
import type { Taxon } from "../records";
import { go, linkTo, state } from "../state";
import { model, taxaOf } from "../store";
import { strings } from "../strings";
import { ModelSelect } from "./model_select";
import { matches } from "./search";
import s from "./panel.module.css";

const t = strings.taxa;
const STEP = 100;
type Column = "taxon" | "records" | "auc" | "boyce";
const COLUMNS: readonly (readonly [Column, string])[] = [["taxon", t.species], ["records", t.records], ["auc", t.auc], ["boyce", t.boyce]];

/** Sorted by a column, "-" before it for falling; what has no figure comes last either way. */
export function sorted(taxa: readonly Taxon[], by: string): Taxon[] {
  const falling = by.startsWith("-");
  const column = by.replace("-", "") as Column;
  if (column === "taxon" || !COLUMNS.some(([key]) => key === column)) {
    const named = [...taxa].sort((a, b) => (a.common_name || a.taxon).localeCompare(b.common_name || b.taxon));
    return falling ? named.reverse() : named;
  }
  return [...taxa].sort((a, b) => {
    const [x, y] = [a[column] ?? null, b[column] ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return falling ? y - x : x - y;
  });
}

export function TaxaPanel() {
  const [taxa, setTaxa] = useState<readonly Taxon[] | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [query, setQuery] = useState("");
  const [most, setMost] = useState(STEP);
  const id = model.value?.id;
  useEffect(() => {
    setTaxa(null);
    if (id) taxaOf(id).then(setTaxa, (error) => setWrong(inWords(error)));
  }, [id]);
  const by = state.value.sort;
  const rows = taxa ? sorted(query ? matches(taxa, query, 10_000) : taxa, by) : [];
  return (
    <>
      <h1 class={s["title"]}>{t.title}</h1>
      <ModelSelect />
      <p class={s["small"]}>{t.text}</p>
      <Text label={t.filter} value={query} onInput={setQuery} />
      {wrong && <Wrong message={wrong} />}
      {!taxa && !wrong && id && <Busy what={strings.loading} />}
      {taxa && (
        <table class={s["table"]}>
          <thead>
            <tr>
              {COLUMNS.map(([key, name]) => {
                const on = by.replace("-", "") === key;
                const falling = by.startsWith("-");
                return (
                  <th key={key} scope="col" aria-sort={on ? (falling ? "descending" : "ascending") : undefined}>
                    <button type="button" onClick={() => go({ sort: on ? (falling ? key : `-${key}`) : key === "taxon" ? key : `-${key}` })}>
                      {name} {on ? (falling ? "↓" : "↑") : ""}
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, most).map((one) => (
              <tr key={one.taxon}>
                <td>
                  <a href={linkTo({ view: "species", taxon: one.taxon })} onClick={(event) => { if (event.metaKey || event.ctrlKey) return; event.preventDefault(); go({ view: "species", taxon: one.taxon }); }}>
                    <Name taxon={one.taxon} common={one.common_name} />
                  </a>
                </td>
                <td>{typeof one.records === "number" ? count(one.records) : "–"}</td>
                <td title={typeof one.auc_low === "number" && typeof one.auc_high === "number" ? strings.species.interval(score(one.auc_low), score(one.auc_high)) : undefined}>{score(one.auc)}</td>
                <td>{score(one.boyce)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length > most && <Button onClick={() => setMost(most + STEP)}>{strings.place.more(Math.min(STEP, rows.length - most))}</Button>}
    </>
  );
}
