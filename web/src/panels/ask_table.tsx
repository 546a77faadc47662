/** A table that could not be read or mapped as it is: which column holds what, and whether its places are right. */
import { useState } from "preact/hooks";
import { ApiError } from "../api";
import { Button, Select, Text } from "../parts/ui";
import type { JobError, TableColumns } from "../records";
import { strings } from "../strings";
import s from "./panel.module.css";

const t = strings.askTable;

/** How a table is to be read, as its owner said. */
export interface ReadAs {
  readonly columns?: Readonly<Record<string, string>>;
  readonly crs?: string;
}

/** What the error of a job asks, or null where no answer of the table's owner would help. */
export function askedBy(error: unknown): { table: TableColumns; crs: boolean; trust: boolean } | null {
  const said: JobError | null = error instanceof ApiError ? error.job : null;
  if (!said?.table || said.table.columns.length === 0) return null;
  const settings = said.settings ?? [];
  return { table: said.table, crs: settings.includes("crs"), trust: settings.includes("trust_places") };
}

const LONGEST = 14; // letters of a value: numbers have more digits than anybody needs to know a column by
const short = (value: string): string => (value.length > LONGEST ? `${value.slice(0, LONGEST - 1)}…` : value);

/** What to choose from for a column: none, and each with what stands in it. */
export function choices(table: TableColumns): (readonly [string, string])[] {
  return [["", t.none], ...table.columns.map(({ name, examples }) => [name, examples.length ? `${name} (${examples.map(short).join(", ")})` : name] as const)];
}

/** The answer that is sent: chosen columns, and the CRS where one is named. */
export function answerOf(chosen: Readonly<Record<string, string>>, crs: string): ReadAs {
  const columns = Object.fromEntries(Object.entries(chosen).filter(([, name]) => name !== ""));
  const named = crs.trim();
  return { ...(Object.keys(columns).length ? { columns } : {}), ...(named ? { crs: /^\d+$/.test(named) ? `EPSG:${named}` : named } : {}) };
}

export function AskTable({ error, before, onRead, onTrust }: { error: unknown; before: ReadAs; onRead: (how: ReadAs) => void; onTrust?: () => void }) {
  const asked = askedBy(error);
  const [chosen, setChosen] = useState<Readonly<Record<string, string>>>({ ...asked?.table.found, ...before.columns });
  const [crs, setCrs] = useState(before.crs ?? "");
  if (!asked) return null;
  const options = choices(asked.table);
  return (
    <section class={s["section"]} aria-label={t.title}>
      <h2 class={s["h"]}>{t.title}</h2>
      {asked.trust && onTrust && (
        <>
          <p class={s["p"]}>{t.trustText}</p>
          <div class={s["wrap"]}><Button onClick={onTrust}>{t.trust}</Button></div>
        </>
      )}
      <p class={s["p"]}>{t.text}</p>
      <div class={s["stack"]}>
        {asked.table.asked.map((what) => <Select key={what} label={t.what[what] ?? what} value={chosen[what] ?? ""} options={options} onChange={(name) => setChosen({ ...chosen, [what]: name })} />)}
        {(asked.crs || crs !== "") && <Text label={t.crs} value={crs} placeholder="EPSG:25832" onInput={setCrs} />}
      </div>
      <div class={s["do"]}><Button main disabled={!chosen["taxon"] && !chosen["lon"]} onClick={() => onRead(answerOf(chosen, crs))}>{t.read}</Button></div>
    </section>
  );
}
