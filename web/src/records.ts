/** The records that the server gives, as docs of its interface say: see /v1/openapi.json. */
export interface About {
  readonly version: string;
  readonly world?: { readonly licence?: string; readonly source?: string; readonly cell_deg?: number } | null;
  readonly has: { readonly run?: boolean; readonly dataset?: boolean; readonly truth?: boolean; readonly region?: boolean; readonly photos?: boolean; readonly sharpest_km?: number | null; readonly place_photos?: boolean; readonly locate?: boolean };
  readonly limits?: { readonly upload_bytes?: number; readonly photos_at_once?: number };
  readonly command?: string;
}

export interface Model {
  readonly id: string;
  readonly name: string;
  readonly kind: "example" | "ranges" | "project";
  readonly taxa: number;
  readonly months: number;
  readonly calibrated: boolean;
  readonly evaluated: boolean;
  readonly cells: number;
  readonly authority?: string | null;
  readonly has_truth?: boolean;
}

export interface Taxon {
  readonly taxon: string;
  readonly key?: string;
  readonly near?: boolean; // no name has what was asked for; this is like it
  readonly common_name?: string | null;
  readonly records?: number | null;
  readonly auc?: number | null;
  readonly auc_low?: number | null;
  readonly auc_high?: number | null;
  readonly auc_even?: number | null;
  readonly boyce?: number | null;
}

export interface GridInfo {
  readonly west: number;
  readonly south: number;
  readonly cell_deg: number;
  readonly width: number;
  readonly height: number;
  readonly cells: number;
  readonly cells_url?: string;
  readonly lat_edges?: readonly number[] | null; // from the north; none: rows of equal degrees
  readonly place_block?: number;
}

export interface LayerInfo {
  readonly url: string;
  readonly dtype?: string;
  readonly scale?: number;
  readonly offset?: number;
  readonly missing?: number;
  readonly months?: number;
  readonly power?: number; // value = scale * byte ** power
  readonly unit?: string | null;
  readonly max?: number | null;
  readonly explanation?: string | null;
}

export interface Threshold {
  readonly name: string;
  readonly value: number;
  readonly explanation?: string | null;
}

export interface MapInfo {
  readonly taxon: string | null;
  readonly title?: string | null;
  readonly interval?: number | null; // share of the truth between low and high
  readonly records?: number | null;
  readonly year?: readonly (number | null)[] | null;
  readonly common_name?: string | null;
  readonly quantity: { readonly name: string; readonly explanation: string; readonly meaning?: string | null };
  readonly months: number;
  readonly notes?: readonly string[];
  readonly thresholds?: readonly Threshold[];
  readonly figures?: Readonly<Record<string, { readonly value: number | null; readonly low?: number | null; readonly high?: number | null } | number | null>> | null;
  readonly labels?: { readonly calibrated?: boolean; readonly evaluated?: boolean; readonly observer_bias?: string | boolean | null };
  readonly layers: Readonly<Record<string, LayerInfo | null>>;
  readonly records_url?: string | null;
  readonly downloads?: Readonly<Record<string, string | null>>;
  readonly command?: string | null;
  readonly python?: string | null;
}

export interface Records {
  readonly lon: readonly number[];
  readonly lat: readonly number[];
  readonly month: readonly number[];
}

export interface ExpectedTaxon {
  readonly taxon: string;
  readonly key?: string;
  readonly common_name?: string | null;
  readonly value: number;
  readonly low?: number | null;
  readonly high?: number | null;
  readonly year: readonly (number | null)[];
  readonly applicable?: boolean;
  readonly recorded?: number | null;
}

export interface PlaceInfo {
  readonly cell: { readonly lon: number; readonly lat: number };
  readonly effort?: number | null;
  readonly taxa: readonly ExpectedTaxon[];
  readonly unrecorded: readonly string[]; // keys
  readonly notes?: readonly string[];
}

export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly kind: "records" | "photo";
  readonly check?: string | null; // the job that reads it
}

export interface Checked {
  readonly rows: number;
  readonly kept: number;
  readonly dropped: readonly { readonly reason: string; readonly rows: number }[];
  readonly taxa: readonly { readonly taxon: string; readonly common_name?: string | null; readonly records: number }[];
  readonly noted?: readonly { readonly reason: string; readonly rows: number }[];
  readonly notes?: readonly string[];
  readonly dropped_url?: string | null;
  readonly records_url?: string | null;
}

/** Columns of a table with some of what stands in them, and which were taken for what. */
export interface TableColumns {
  readonly columns: readonly { readonly name: string; readonly examples: readonly string[] }[];
  readonly found: Readonly<Record<string, string>>;
  readonly asked: readonly string[];
}

export interface JobError {
  readonly kind?: string;
  readonly message: string;
  readonly settings?: readonly string[];
  readonly table?: TableColumns; // of a table that could not be used as it is
}

export interface Job<T> {
  readonly id: string;
  readonly verb: string;
  readonly state: "queued" | "running" | "done" | "failed" | "cancelled";
  readonly done?: number | null;
  readonly doing?: string | null;
  readonly notes?: readonly string[];
  readonly result?: T | null;
  readonly error?: JobError | string | null;
}

export interface Answer {
  readonly rank: number;
  readonly taxon: string;
  readonly common_name?: string | null;
  readonly image_score?: number | null;
  readonly place_date_score?: number | null;
  readonly score?: number | null;
  readonly unexpected?: boolean;
}

export interface PhotoAnswer {
  readonly photo: string;
  readonly upload: string;
  readonly thumb_url?: string | null;
  readonly lon?: number | null;
  readonly lat?: number | null;
  readonly date?: string | null;
  readonly verdict: "named" | "rolled up" | "not calibrated" | "not among these birds" | "unreadable";
  readonly calibrated?: boolean; // false: scores put the answers in order, and are not probabilities
  readonly rolled_up_rank?: string;
  readonly rolled_up?: string;
  readonly rolled_up_score?: number | null;
  readonly answers?: readonly Answer[];
  readonly remarks?: readonly string[];
}

/** Where a photo may have been taken: a layer over cells of its own grid. */
export interface Located {
  readonly grid: GridInfo;
  readonly layer: LayerInfo;
  readonly places?: readonly LikelyPlace[];
}

/** A raster that is too large to be sent whole, in squares. */
export interface Tiles {
  readonly name: string;
  readonly title: string;
  readonly url: string; // with {z}, {x} and {y}
  readonly bounds?: readonly [west: number, south: number, east: number, north: number] | null;
  readonly minzoom?: number | null;
  readonly maxzoom?: number | null;
}

export interface LikelyPlace {
  readonly rank: number;
  readonly lon: number;
  readonly lat: number;
  readonly probability: number;
  readonly chip_url?: string | null;
}

/** Photos that were taken in places most like one. */
export interface PlacePhotos {
  readonly photos: readonly (DatasetRow & { readonly similarity?: number | null })[];
  readonly explanation?: string;
}

export interface DatasetInfo {
  readonly card?: string | null;
  readonly name?: string | null;
  readonly rows?: number;
  readonly splits?: Readonly<Record<string, number>>;
  readonly taxa?: readonly { readonly taxon: string; readonly common_name?: string | null; readonly rows?: number }[];
  readonly has_photos?: boolean;
  readonly has_chips?: boolean;
}

export interface DatasetRow {
  readonly row: number;
  readonly taxon: string;
  readonly common_name?: string | null;
  readonly lon?: number | null;
  readonly lat?: number | null;
  readonly date?: string | null;
  readonly split?: string | null;
  readonly licence?: string | null;
  readonly attribution?: string | null;
  readonly photo_url?: string | null;
  readonly chip_url?: string | null;
}

export interface DatasetRows {
  readonly total: number;
  readonly rows: readonly DatasetRow[];
}

/** The file at `points_url`: float32 x, y of each point, then int32 rows of the data set, then int32 taxa. */
export interface ScatterInfo {
  readonly n: number;
  readonly taxa: readonly string[];
  readonly families?: readonly (string | null)[];
  readonly points_url: string;
}

export interface Confusions {
  readonly rows: readonly { readonly taxon: string; readonly mistaken_for: string; readonly count: number; readonly of?: number | null }[];
}

/** Values of a block of cells, for lists at a click in an export: uint8 (taxa, months, cells of the block). */
export interface Places {
  readonly block: number;
  readonly taxa: readonly string[]; // keys
}
