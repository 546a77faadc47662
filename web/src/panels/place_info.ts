/** What is expected at a place: from the server, or made here from an export's blocks of cells. */
import { getBytes, getJson, isStatic } from "../api";
import { cellAt, middleOf, MISSING } from "../map/cells";
import type { ExpectedTaxon, PlaceInfo, Places, Taxon } from "../records";
import { gridOf, modelOf, taxaOf } from "../store";
import { strings } from "../strings";

/** The list of one cell of a block. bytes: (taxa, months, cells of the block). */
export function listOf(bytes: Uint8Array, keys: readonly string[], taxa: readonly Taxon[], months: number, cells: number, cell: number, month: number): ExpectedTaxon[] {
  const named = new Map(taxa.map((one) => [one.key ?? one.taxon, one]));
  return keys
    .map((key, i) => {
      const year = Array.from({ length: months }, (_, m) => {
        const byte = bytes[(i * months + m) * cells + cell] ?? MISSING;
        return byte === MISSING ? null : byte / 254;
      });
      const known = year.filter((value) => value !== null);
      const mean = known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
      const one = named.get(key);
      return { taxon: one?.taxon ?? key, key, common_name: one?.common_name || null, value: (month > 0 ? year[month - 1] : mean) ?? -1, year };
    })
    .filter((one) => one.value >= 0)
    .sort((a, b) => b.value - a.value);
}

export async function readPlaceInfo(model: string, lon: number, lat: number, month: number, signal: AbortSignal): Promise<PlaceInfo> {
  const path = `v1/models/${encodeURIComponent(model)}`;
  if (cellAt(await gridOf(model), lon, lat) < 0) throw new Error(strings.errors.nothingHere);
  if (!isStatic()) return getJson<PlaceInfo>(`${path}/place?lon=${lon}&lat=${lat}${month > 0 ? `&month=${month - 1}` : ""}&most=500`, signal);
  const [grid, taxa, places] = await Promise.all([gridOf(model), taxaOf(model), getJson<Places>(`${path}/places`, signal)]);
  const cell = cellAt(grid, lon, lat);
  const block = Math.floor(cell / places.block);
  const cells = Math.min(places.block, grid.cells.length - block * places.block);
  const bytes = new Uint8Array(await getBytes(`${path}/places/${block}.bin`, signal));
  const [east, north] = middleOf(grid, cell);
  return { cell: { lon: east, lat: north }, taxa: listOf(bytes, places.taxa, taxa, modelOf(model)?.months ?? 1, cells, cell % places.block, month), unrecorded: [] };
}
