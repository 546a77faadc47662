/** What has been read so far, and the reading of what the state asks for. */
import { computed, effect, signal, type Signal } from "@preact/signals";
import { getBytes, getJson, inWords, isStatic, wasStopped } from "./api";
import { areasOf, type Bounds, type CellValues, type Grid, makeGrid, makeValues, recordsByCell, withYear } from "./map/cells";
import type { About, GridInfo, MapInfo, Model, Records, Taxon, Tiles } from "./records";
import { ofAllSpecies, state } from "./state";
import { strings } from "./strings";

export const about = signal<About | null>(null);
export const models = signal<readonly Model[] | null>(null);
export const wrong = signal<string | null>(null); // the page cannot work at all
export const dark = signal(false);
export const narrow = signal(false); // a phone's width
export const tight = signal(false); // too little room for an open legend beside the panel
export const view = signal<Bounds | null>(null); // what the map shows
export const tiles = signal<readonly Tiles[]>([]);
export const theme = signal<"auto" | "light" | "dark">((localStorage.getItem("birdsat-theme") as "light" | "dark" | null) ?? "auto");

export const model = computed<Model | null>(() => modelOf(state.value.model));

/** Whether the address names a model that is not here, or not any more. */
export const modelGone = computed(() => models.value !== null && state.value.model !== "" && model.value === null);

export function modelOf(id: string): Model | null {
  const all = models.value ?? [];
  return all.find((one) => one.id === id) ?? (id === "" ? (all[0] ?? null) : null);
}

/** One taxon's map, or richness: its description, and layers that are read when they are first asked for. */
export class LoadedMap {
  readonly layers = new Map<string, CellValues>();
  private readonly planesMade = new Map<string, Uint8Array>();
  private readonly asked = new Map<string, Promise<CellValues | null>>();
  readonly version: Signal<number> = signal(0); // rises when a layer or the records have come
  records: Records | null = null;
  counts: Map<number, number> | null = null;
  private recordsAsked: Promise<void> | null = null;

  constructor(
    readonly model: string,
    readonly info: MapInfo,
    readonly grid: Grid,
  ) {}

  private made: Float64Array | null = null;
  /** Square kilometres of each cell. */
  get areas(): Float64Array {
    return (this.made ??= areasOf(this.grid));
  }

  has(name: string): boolean {
    return Boolean(this.info.layers[name]);
  }

  layer(name: string): Promise<CellValues | null> {
    const found = this.asked.get(name);
    if (found) return found;
    const info = this.info.layers[name];
    const coming = info
      ? getBytes(info.url).then((buffer) => {
          const values = makeValues(info, buffer, this.grid.cells.length);
          this.layers.set(name, values);
          this.version.value++;
          return values;
        })
      : Promise.resolve(null);
    coming.catch(() => this.asked.delete(name));
    this.asked.set(name, coming);
    return coming;
  }

  /** Bytes of a layer with the whole year's behind the months'. */
  planes(name: string): Uint8Array | null {
    const values = this.layers.get(name);
    if (!values) return null;
    let made = this.planesMade.get(name);
    if (!made) {
      made = withYear(values, this.grid.cells.length);
      this.planesMade.set(name, made);
    }
    return made;
  }

  readRecords(): Promise<void> {
    this.recordsAsked ??= (this.info.records_url ? getJson<Records>(this.info.records_url) : Promise.resolve(null)).then(
      (records) => {
        this.records = records;
        this.counts = records && recordsByCell(this.grid, records);
        this.version.value++;
      },
      () => {
        this.recordsAsked = null;
      },
    );
    return this.recordsAsked;
  }
}

const grids = new Map<string, Promise<Grid>>();
export function gridOf(id: string): Promise<Grid> {
  let found = grids.get(id);
  if (!found) {
    const path = `v1/models/${encodeURIComponent(id)}`;
    found = Promise.all([getJson<GridInfo>(`${path}/grid`), getBytes(`${path}/cells.bin`)]).then(([info, cells]) => makeGrid(info, cells));
    found.catch(() => grids.delete(id));
    grids.set(id, found);
  }
  return found;
}

const MOST = 24; // maps kept, the latest used
const maps = new Map<string, Promise<LoadedMap>>();
export const RICHNESS = "\u0000richness";

export function mapOf(id: string, taxon: string): Promise<LoadedMap> {
  const key = `${id}\n${taxon}`;
  let found = maps.get(key);
  if (!found) {
    const path = `v1/models/${encodeURIComponent(id)}`;
    const asked = taxon === RICHNESS ? Promise.resolve(`${path}/richness`) : keyOf(id, taxon).then((key) => `${path}/maps/${encodeURIComponent(key)}`);
    found = Promise.all([asked.then((of) => getJson<MapInfo>(of)), gridOf(id)]).then(async ([info, grid]) => {
      const map = new LoadedMap(id, info, grid);
      await map.layer(taxon === RICHNESS ? "richness" : "suitability");
      return map;
    });
    found.catch(() => maps.delete(key));
  } else maps.delete(key);
  maps.set(key, found);
  for (const old of maps.keys()) {
    if (maps.size <= MOST) break;
    maps.delete(old);
  }
  return found;
}

/** What a taxon is called in addresses. A name that is not in the list is asked for as it is: the answer says what is near. */
export async function keyOf(id: string, taxon: string): Promise<string> {
  const found = (await taxaOf(id)).find((one) => one.taxon === taxon || one.key === taxon);
  // Plain files have no words for a name that is not there.
  if (!found && isStatic()) throw new Error(strings.errors.noTaxon(taxon));
  return found?.key ?? taxon;
}

const taxaRead = new Map<string, Promise<readonly Taxon[]>>();
export function taxaOf(id: string): Promise<readonly Taxon[]> {
  let found = taxaRead.get(id);
  if (!found) {
    found = getJson<readonly Taxon[]>(`v1/models/${encodeURIComponent(id)}/taxa?limit=10000`);
    found.catch(() => taxaRead.delete(id));
    taxaRead.set(id, found);
  }
  return found;
}

export const grid = signal<Grid | null>(null);
const read = signal<LoadedMap | null>(null); // what the state asks for
/** Where a photo may have been taken: over the cells while photos are looked at. */
export const located = signal<LoadedMap | null>(null);
/** Where the photo that is looked at was taken. */
export const spot = signal<readonly [lon: number, lat: number] | null>(null);
export const map = computed(() => (state.value.view === "photos" && located.value) || read.value);
export const other = signal<LoadedMap | null>(null); // the right map of a comparison
export const busy = signal(false);
export const mapWrong = signal<string | null>(null);
export const otherWrong = signal<string | null>(null);
export const attempt = signal(0); // rises to try again

export const isRichness = computed(() => ofAllSpecies(state.value));

/** Points of a file that is being looked at, before there is a map of it. */
export const given = signal<Records | null>(null);

/** Which layer of the map is coloured. */
export const layerName = computed<string>(() => {
  const { layer, view: of } = state.value;
  if (of === "photos") return "suitability";
  if (isRichness.value) return layer === "gaps" || layer === "effort" || layer === "std" ? layer : "richness";
  return layer === "range" || layer === "truth" || layer === "interval" || layer === "std" || layer === "gaps" ? "suitability" : layer;
});

export const rightMonth = computed(() => (state.value.pair === "months" ? state.value.otherMonth : state.value.month));

async function start(): Promise<void> {
  wrong.value = null;
  try {
    const [said, found] = await Promise.all([getJson<About>("v1/about"), getJson<readonly Model[]>("v1/models")]);
    about.value = said;
    models.value = found;
    if (!isStatic()) tiles.value = await getJson<readonly Tiles[]>("v1/tiles").catch(() => []);
  } catch (error) {
    wrong.value = inWords(error);
  }
}

export async function readModels(): Promise<void> {
  models.value = await getJson<readonly Model[]>("v1/models");
}

/** Read what the state asks for, now and at each change of it. */
export function keepReading(): void {
  const wanted = computed(() => [model.value?.id ?? "", isRichness.value ? RICHNESS : state.value.taxon, attempt.value] as const);
  const key = computed(() => wanted.value.join("\n"));
  effect(() => {
    void attempt.value;
    void start();
  });
  effect(() => {
    void key.value;
    const [id, taxon] = wanted.peek();
    mapWrong.value = null;
    if (!id) return;
    void gridOf(id).then((made) => { if (model.peek()?.id === id) grid.value = made; }, (error) => (mapWrong.value = inWords(error)));
    if (!taxon) {
      read.value = null;
      busy.value = false;
      return;
    }
    const asked = key.peek();
    busy.value = true;
    mapOf(id, taxon)
      .then((loaded) => {
        if (key.peek() !== asked) return;
        read.value = loaded;
        busy.value = false;
        for (const name of ["applicable", "low", "high", "records"]) if (loaded.has(name)) void loaded.layer(name).catch(() => null); // all at once, so that a slow page asks for none of them later
      })
      .catch((error) => {
        if (key.peek() !== asked || wasStopped(error)) return;
        read.value = null;
        busy.value = false;
        if (taxon !== RICHNESS || state.peek().view === "richness") mapWrong.value = inWords(error); // else nobody asked for it
      });
  });
  const wantedOther = computed(() => {
    const { view: of, pair, taxon, other: id } = state.value;
    if (of !== "compare" || !taxon) return "";
    return `${pair === "models" ? (id && (modelOf(id)?.id ?? "")) : (model.value?.id ?? "")}\n${taxon}`;
  });
  effect(() => {
    const asked = wantedOther.value;
    otherWrong.value = null;
    other.value = null;
    const [id = "", taxon = ""] = asked.split("\n");
    if (!id || !taxon) return;
    mapOf(id, taxon).then(
      (loaded) => { if (wantedOther.peek() === asked) other.value = loaded; },
      (error) => { if (wantedOther.peek() === asked) otherWrong.value = inWords(error); },
    );
  });
  // Layers that the state shows, read when they are first shown.
  effect(() => {
    const loaded = read.value;
    const { layer, records, view: of, pair } = state.value;
    if (!loaded) return;
    const names = [layerName.value, ...(layer === "interval" ? ["low", "high"] : []), ...(layer === "truth" || (of === "compare" && pair === "truth") ? ["truth"] : [])];
    for (const name of names) if (loaded.has(name)) void loaded.layer(name).catch((error) => (mapWrong.value = inWords(error)));
    if (records || of === "compare") void loaded.readRecords();
  });
  effect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const apply = (): void => {
      dark.value = theme.value === "auto" ? system.matches : theme.value === "dark";
      document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
    };
    apply();
    system.addEventListener("change", apply);
    if (theme.value === "auto") localStorage.removeItem("birdsat-theme");
    else localStorage.setItem("birdsat-theme", theme.value);
    return () => system.removeEventListener("change", apply);
  });
  for (const [signal, query] of [[narrow, "(max-width: 760px)"], [tight, "(max-width: 1100px), (max-height: 520px)"]] as const) {
    const found = matchMedia(query);
    const measure = (): void => { signal.value = found.matches; };
    measure();
    found.addEventListener("change", measure);
  }
}

/** What the threshold in force is called in addresses: a name, a number, or "" where there is none. */
export const thresholdInForce = computed<string>(() => {
  const { threshold: text } = state.value;
  if (text !== "" || threshold.value === null) return text;
  return map.value?.info.thresholds?.find((one) => one.value === threshold.value)?.name ?? String(threshold.value);
});

/** The threshold in force, 0..1 of the quantity, or null. */
export const threshold = computed<number | null>(() => {
  const { threshold: text, layer, view: of, pair } = state.value;
  if (of === "photos") return null;
  const named = map.value?.info.thresholds ?? [];
  const found = named.find((one) => one.name === text)?.value;
  if (found !== undefined) return found;
  if (text !== "" && Number.isFinite(Number(text))) return Math.min(1, Math.max(0, Number(text)));
  const needed = layer === "range" || layer === "truth" || (of === "compare" && pair === "truth");
  return needed ? ((named.find((one) => /sss/i.test(one.name)) ?? named[0])?.value ?? 0.5) : null;
});

export const canWork = (): boolean => !isStatic();
