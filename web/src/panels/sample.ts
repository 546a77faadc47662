/** A table to try: the records behind the example, as if somebody had dropped them. */
import { signal } from "@preact/signals";
import { getJson } from "../api";
import type { Records } from "../records";
import { models, taxaOf } from "../store";
import { strings } from "../strings";

/** Whether the view of own records is to begin with that table. */
export const trying = signal(false);

export const canTry = (): boolean => (models.value ?? []).some((one) => one.kind === "example");

/** Rows of a table as a download of GBIF has them; a month becomes a date in its middle. */
export function tableOf(taxa: readonly (readonly [taxon: string, records: Records])[]): string {
  const rows = taxa.flatMap(([taxon, { lon, lat, month }]) => lon.map((east, i) => {
    const of = month[i] ?? 0;
    return [taxon, lat[i] ?? "", east, of ? `2020-${String(of).padStart(2, "0")}-15` : ""].join(",");
  }));
  return ["scientificName,decimalLatitude,decimalLongitude,eventDate", ...rows, ""].join("\n");
}

export async function sampleTable(): Promise<File> {
  const id = (models.value ?? []).find((one) => one.kind === "example")?.id ?? "";
  const taxa = await taxaOf(id);
  const records = await Promise.all(taxa.map((one) => getJson<Records>(`v1/models/${encodeURIComponent(id)}/records/${encodeURIComponent(one.key ?? one.taxon)}`)));
  return new File([tableOf(taxa.map((one, i) => [one.taxon, records[i] as Records]))], strings.records.tryName, { type: "text/csv" });
}
