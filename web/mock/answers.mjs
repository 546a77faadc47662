// What the stand-in answers: the shapes of the interface with plausible numbers, the same at every start.
import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";

const earth = JSON.parse(readFileSync(new URL("../src/assets/earth.json", import.meta.url), "utf8"));
const GRID = { west: -12, south: 34, cell_deg: 0.5, width: 104, height: 74 };
const NORTH = GRID.south + GRID.height * GRID.cell_deg;

const rings = earth.land.map((polygon) => polygon.map((steps) => {
  const ring = [];
  let [x, y] = [0, 0];
  for (let i = 0; i < steps.length; i += 2) ring.push([(x += steps[i]) / earth.units, (y += steps[i + 1]) / earth.units]);
  return ring;
})).filter(([outer]) => outer.some(([x, y]) => x > GRID.west - 60 && x < 60 && y > 25));
const inside = (ring, lon, lat) => {
  let odd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [[ax, ay], [bx, by]] = [ring[i], ring[j]];
    if (ay > lat !== by > lat && lon < ((bx - ax) * (lat - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
};
const land = (lon, lat) => rings.some(([outer, ...holes]) => inside(outer, lon, lat) && !holes.some((hole) => inside(hole, lon, lat)));

const cells = [];
for (let row = 0; row < GRID.height; row++)
  for (let column = 0; column < GRID.width; column++)
    if (land(GRID.west + (column + 0.5) * GRID.cell_deg, NORTH - (row + 0.5) * GRID.cell_deg)) cells.push(row * GRID.width + column);
const at = (cell) => [GRID.west + ((cell % GRID.width) + 0.5) * GRID.cell_deg, NORTH - (Math.floor(cell / GRID.width) + 0.5) * GRID.cell_deg];

function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
const NAMES = [
  ["Hirundo rustica", "Barn Swallow"], ["Turdus merula", "Eurasian Blackbird"], ["Lagopus lagopus", "Willow Ptarmigan"], ["Merops apiaster", "European Bee-eater"],
  ["Ciconia ciconia", "White Stork"], ["Erithacus rubecula", "European Robin"], ["Upupa epops", "Eurasian Hoopoe"], ["Alcedo atthis", "Common Kingfisher"],
  ["Grus grus", "Common Crane"], ["Apus apus", "Common Swift"], ["Parus major", "Great Tit"], ["Sylvia atricapilla", "Eurasian Blackcap"],
];
const species = NAMES.map(([taxon, common_name], i) => {
  const random = seeded(i * 7919 + 17);
  return { taxon, common_name, key: taxon.replaceAll(" ", "_"), north: 40 + random() * 22, reach: 5 + random() * 7, swing: random() * 14 - 3, east: 5 + random() * 15, wide: 12 + random() * 20, wave: random() * 6, records: Math.floor(80 + random() * 4000), auc: 0.78 + random() * 0.19, ap: 0.5 + random() * 0.4 };
});
const value = (one, lon, lat, month) => {
  const centre = one.north + one.swing * Math.cos(((month - 6) / 6) * Math.PI);
  const rough = 0.78 + 0.22 * Math.sin(lon * 0.55 + one.wave) * Math.cos(lat * 0.8 - one.wave);
  const season = one.swing > 4 ? 0.45 + 0.55 * Math.cos(((month - 6) / 6) * Math.PI) : 1;
  return Math.max(0.01, Math.exp(-(((lat - centre) / one.reach) ** 2) - ((lon - one.east) / one.wide) ** 2) * rough * Math.max(0.05, season));
};
const byte = (x) => Math.round(Math.min(1, Math.max(0, x)) * 254);
const plane = (months, of) => {
  const out = new Uint8Array(months * cells.length);
  for (let month = 0; month < months; month++) cells.forEach((cell, i) => (out[month * cells.length + i] = of(...at(cell), month)));
  return out;
};
const crowd = (lon, lat) => 0.15 + 0.85 * Math.exp(-(((lat - 50) / 6) ** 2) - ((lon - 4) / 9) ** 2);

const models = [
  { id: "example", name: "Twelve birds of Europe", kind: "example", taxa: species.length, months: 12, calibrated: false, evaluated: true, cells: cells.length, authority: "Made up" },
  { id: "second", name: "The same, without effort correction", kind: "ranges", taxa: species.length, months: 12, calibrated: false, evaluated: false, cells: cells.length, authority: "Made up" },
];
const uploads = new Map();
const jobs = new Map();
let made = 0;

function info(model, one) {
  const path = `v1/models/${model}/maps/${one.key}`;
  const layer = (name, months = 12, more = {}) => ({ url: `${path}/${name}.bin`, dtype: "uint8", scale: 1 / 254, missing: 255, months, ...more });
  return {
    taxon: one.taxon, common_name: one.common_name, months: 12, quantity: { name: "Relative suitability", explanation: "Relative suitability: compare places, not species." },
    notes: ["Records of 2,310 cells after thinning to one a cell and month."],
    thresholds: [
      { name: "p10", value: 0.22, explanation: "A tenth of the records lie below it." }, { name: "max_sss", value: 0.37, explanation: "Sensitivity and specificity add up to the most." }, { name: "equal", value: 0.43, explanation: "" }, { name: "prevalence", value: 0.51, explanation: "" },
    ],
    figures: { auc: { value: one.auc, low: one.auc - 0.04, high: Math.min(1, one.auc + 0.03) }, auc_even: { value: one.auc - 0.03 }, boyce: { value: one.ap }, held_out: 120 },
    labels: { calibrated: false, evaluated: true },
    layers: { suitability: layer("suitability"), low: layer("low"), high: layer("high"), applicable: layer("applicable", 1, { scale: 1 }), effort: layer("effort", 1), truth: layer("truth", 12, { scale: 1 }) },
    interval: 0.9, records: one.records, key: one.key, records_url: `v1/models/${model}/records/${one.key}`,
    downloads: Object.fromEntries(["tif", "gpkg", "csv", "png", "html"].map((kind) => [kind, `${path}/download.${kind}`])),
    command: `birdsat map "${one.taxon}" --occurrences gbif.zip --out map`, python: `import birdsat\nbirdsat.map("${one.taxon}", occurrences="gbif.zip")`,
  };
}
const LAYERS = {
  suitability: (one, skew) => plane(12, (lon, lat, month) => byte(value(one, lon, lat, month) * (skew ? 0.4 + 0.7 * crowd(lon, lat) : 1))),
  low: (one) => plane(12, (lon, lat, month) => byte(value(one, lon, lat, month) * 0.7)),
  high: (one) => plane(12, (lon, lat, month) => byte(value(one, lon, lat, month) * 1.12 + 0.08)),
  applicable: () => plane(1, (lon, lat) => (lat < 67 && !(lon > 34 && lat < 44) ? 1 : 0)),
  effort: () => plane(1, (lon, lat) => byte(crowd(lon, lat))),
  truth: (one) => plane(12, (lon, lat, month) => (value({ ...one, north: one.north + 1.6, east: one.east + 1.5 }, lon, lat, month) > 0.4 ? 1 : 0)),
};

function png(side, seed) {
  const random = seeded(seed);
  const base = [random() * 80 + 40, random() * 80 + 90, random() * 60 + 40];
  const raw = Buffer.alloc(side * (side * 3 + 1));
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      base.forEach((c, k) => (raw[y * (side * 3 + 1) + 1 + x * 3 + k] = Math.max(0, Math.min(255, c + 50 * Math.sin(x / (9 + k) + seed) * Math.cos(y / 11 + seed * 2)))));
  const table = Array.from({ length: 256 }, (_, n) => { let c = n; for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; return c >>> 0; });
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    let crc = 0xffffffff;
    for (const b of body) crc = table[(crc ^ b) & 255] ^ (crc >>> 8);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE((crc ^ 0xffffffff) >>> 0);
    return Buffer.concat([size, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head), chunk("IDAT", deflateSync(raw)), chunk("IEND", Buffer.alloc(0))]);
}

const wrong = (status, kind, message) => ({ status, body: { error: { kind, message, settings: [] } } });

function startJob(verb, work, seconds = 1.2) {
  const id = `job${++made}`;
  jobs.set(id, { id, verb, started: Date.now(), seconds, work, cancelled: false });
  return { status: 202, body: { id } };
}
function readJob(job) {
  if (job.cancelled) return { id: job.id, verb: job.verb, state: "cancelled", done: 0, doing: "", notes: [], result: null, error: null };
  const done = Math.min(1, (Date.now() - job.started) / 1000 / job.seconds);
  if (done >= 1 && job.result === undefined) job.result = job.work();
  return { id: job.id, verb: job.verb, state: done >= 1 ? "done" : "running", done, doing: done < 0.4 ? "reading records" : "fitting members", notes: [], result: done >= 1 ? job.result : null, error: null };
}

function photos(ids) {
  return ids.map((id, i) => {
    const name = uploads.get(id)?.name ?? id;
    const top = [...species].sort((a, b) => ((a.records + i * 97) % 13) - ((b.records + i * 97) % 13)).slice(0, 5);
    const verdict = ["named", "rolled up", "not among these birds"][i % 3];
    return {
      photo: name, upload: id, thumb_url: `v1/uploads/${id}/thumb.jpg`, lon: i % 2 ? null : 8.5, lat: i % 2 ? null : 50.1, date: i % 2 ? null : "2025-05-14", verdict, remarks: [],
      rolled_up_rank: ["species", "genus", ""][i % 3], rolled_up: [top[0].taxon, top[0].taxon.split(" ")[0], ""][i % 3], rolled_up_score: [0.93, 0.81, null][i % 3],
      answers: top.map((one, k) => ({ rank: k + 1, taxon: one.taxon, common_name: one.common_name, image_score: [0.71, 0.12, 0.08, 0.05, 0.02][k], place_date_score: [0.4, 0.3, 0.02, 0.2, 0.08][k], score: [0.86, 0.09, 0.02, 0.02, 0.01][k], unexpected: k === 2 || (k === 0 && i === 3) })),
    };
  });
}

export async function answer(method, url, body) {
  const path = url.pathname.slice(4).split("/").map(decodeURIComponent);
  const query = url.searchParams;
  const json = () => JSON.parse(body.toString() || "{}");
  if (path[0] === "about") return { body: { version: "0.0.0", world: { licence: "public domain", source: "NASA Blue Marble, ETOPO", cell_deg: 0.25 }, has: { place_photos: true, run: true, dataset: true, truth: true, region: false }, limits: { upload_bytes: 2e8 }, models: [], command: "birdsat explore" } };
  if (path[0] === "models") {
    if (path.length === 1) return { body: models };
    const at_model = models.findIndex((one) => one.id === path[1]);
    if (at_model < 0) return wrong(404, "UnknownNameError", `model '${path[1]}' is not here; there are: ${models.map((one) => one.id).join(", ")}.`);
    if (method === "DELETE") { models.splice(at_model, 1); return { status: 204, body: "" }; }
    if (path[2] === "taxa") return { body: species.slice(0, query.get("q") ? Number(query.get("limit")) : species.length).map(({ taxon, key, common_name, records, auc, ap }) => ({ taxon, key, common_name, records, auc, auc_low: auc - 0.04, auc_high: Math.min(1, auc + 0.03), boyce: ap })) };
    if (path[2] === "grid") return { body: { ...GRID, cells: cells.length, lat_edges: path[1] === "second" ? Array.from({ length: GRID.height + 1 }, (_, i) => NORTH - i * GRID.cell_deg) : null, place_block: 4096, cells_url: `v1/models/${path[1]}/cells.bin` } };
    if (path[2] === "cells.bin") return { type: "application/octet-stream", body: new Uint8Array(Int32Array.from([cells.length, ...cells]).buffer) };
    const one = species.find(({ taxon, key }) => taxon === path[3] || key === path[3]);
    if (path[2] === "maps" && !one) return wrong(404, "UnknownNameError", `taxon '${path[3]}' is not among the ${species.length} of this model; nearest: 'Hirundo rustica'. Choose one from the list.`);
    if (path[2] === "maps" && path.length === 4) return { body: info(path[1], one) };
    if (path[2] === "maps" && path[4].endsWith(".bin")) return { type: "application/octet-stream", body: LAYERS[path[4].slice(0, -4)](one, path[1] === "second") };
    if (path[2] === "maps") return { type: "text/csv", body: "lon,lat\n" };
    if (path[2] === "records") {
      const random = seeded(one.records);
      const [lon, lat, month] = [[], [], []];
      for (let i = 0; i < 6000 && lon.length < 600; i++) {
        const cell = cells[Math.floor(random() * cells.length)];
        const of = Math.floor(random() * 12);
        const [x, y] = at(cell);
        if (random() < value(one, x, y, of) * crowd(x, y)) { lon.push(x + random() * 0.4 - 0.2); lat.push(y + random() * 0.4 - 0.2); month.push(of + 1); }
      }
      return { body: { lon, lat, month } };
    }
    if (path[2] === "richness" && path.length === 3) return { body: { taxon: null, common_name: null, months: 12, quantity: { name: "Richness", explanation: "Species expected here." }, thresholds: [], figures: null, notes: [], labels: {}, layers: Object.fromEntries([["richness", 12], ["gaps", 12], ["effort", 1]].map(([name, months]) => [name, { url: `v1/models/${path[1]}/richness/${name}.bin`, dtype: "uint8", scale: name === "effort" ? 1 / 254 : 12 / 254, missing: 255, months, unit: name === "effort" ? null : "species" }])), title: "Richness", records_url: null, downloads: {}, command: "birdsat richness", python: null } };
    if (path[2] === "richness") {
      const name = path[3].slice(0, -4);
      if (name === "effort") return { type: "application/octet-stream", body: LAYERS.effort() };
      return { type: "application/octet-stream", body: plane(12, (lon, lat, month) => byte((species.reduce((sum, s) => sum + (value(s, lon, lat, month) > 0.3 ? 1 : 0), 0) * (name === "gaps" ? 1 - crowd(lon, lat) : 1)) / 12)) };
    }
    if (path[2] === "place" || path[2] === "place.csv") {
      const [lon, lat, month] = [Number(query.get("lon")), Number(query.get("lat")), Number(query.get("month") ?? 6) + 1];
      if (lon < GRID.west || lat < GRID.south || lat > NORTH) return wrong(404, "PlaceError", `${lat}, ${lon} is outside of this map's cells; it covers 34 to 71 N, 12 W to 40 E. Choose a place inside.`);
      const list = species.map((one_) => ({ taxon: one_.taxon, key: one_.key, common_name: one_.common_name, value: value(one_, lon, lat, Math.max(0, month - 1)), low: value(one_, lon, lat, Math.max(0, month - 1)) * 0.7, high: Math.min(1, value(one_, lon, lat, Math.max(0, month - 1)) * 1.1 + 0.05), year: Array.from({ length: 12 }, (_, m) => value(one_, lon, lat, m)), applicable: true, recorded: one_.records % 5 })).sort((a, b) => b.value - a.value);
      return { body: { cell: { lon: Math.floor(lon * 2) / 2 + 0.25, lat: Math.floor(lat * 2) / 2 + 0.25 }, effort: crowd(lon, lat), taxa: list, unrecorded: list.filter((one_) => one_.recorded === 0).map((one_) => one_.key) } };
    }
  }
  if (path[0] === "tiles") return { body: [] };
  if (path[0] === "place" && path[1] === "photos") return { body: { explanation: "Likeness of the satellite pictures, 1 is the same.", photos: Array.from({ length: 6 }, (_, row) => ({ row, taxon: species[row].taxon, common_name: species[row].common_name, lon: 8 + row, lat: 48, similarity: 0.9 - row / 20, photo_url: `v1/dataset/photo/${row}.jpg` })) } };
  if (path[0] === "basemap.jpg") return { type: "image/jpeg", body: readFileSync(new URL("../../birdsat/explorer/basemap.jpg", import.meta.url)) };
  if (path[0] === "chip.png") return { type: "image/png", body: png(96, Math.round(Number(query.get("lon")) * 10 + Number(query.get("km")))) };
  if (path[0] === "uploads") {
    if (method === "GET" && path.length === 1) return { body: { uploads: [...uploads.values()], bytes: 0, quota_bytes: 2e9 } };
    if (method === "GET") return { type: "image/png", body: png(120, path[1].length + Number(path[1].slice(2)) * 31) };
    if (method === "DELETE") { uploads.delete(path[1]); return { status: 204, body: "" }; }
    if (path[2] === "check") return startJob("check", () => ({ rows: 8123, kept: 7690, dropped: [{ reason: "no coordinates", rows: 301 }, { reason: "at 0, 0", rows: 12 }, { reason: "uncertain by more than 30 km", rows: 120 }], taxa: species.map(({ taxon, common_name, records }) => ({ taxon, common_name, records })), notes: ["Dates were read as day/month/year."], dropped_url: `v1/uploads/${path[1]}/dropped.csv` }), 3);
    const name = /filename="([^"]*)"/.exec(body.toString("latin1"))?.[1] ?? "file";
    if (name.endsWith(".exe")) return wrong(415, "FormatError", `'${name}' is not a table or a photo that can be read; allowed: CSV, zip, Parquet, GeoJSON, JPEG, PNG. Choose another file.`);
    const id = `up${++made}`;
    uploads.set(id, { id, name, bytes: body.length, kind: /\.(jpe?g|png|webp)$/i.test(name) ? "photo" : "records" });
    return { status: 201, body: uploads.get(id) };
  }
  if (path[0] === "jobs") {
    if (method === "POST") {
      const asked = json();
      if (asked.verb === "fit") return startJob("fit", () => { const id = `mine${++made}`; models.push({ ...models[0], id, name: asked.name || "My records", kind: "project", evaluated: true }); return { model: id }; }, 1.5);
      if (asked.verb === "identify") return startJob("identify", () => ({ photos: photos(asked.uploads) }));
      if (asked.verb === "locate") return startJob("locate", () => ({ model: null, grid: { ...GRID, cells: cells.length, cells_url: "v1/models/example/cells.bin" }, layer: { url: "v1/models/example/maps/Merops_apiaster/low.bin", months: 12, scale: 1 / 254, missing: 255 } }));
      return wrong(422, "ConfigError", `verb '${asked.verb}' is not known.`);
    }
    const job = jobs.get(path[1]);
    if (!job) return wrong(404, "UnknownNameError", `job '${path[1]}' is not here.`);
    if (method === "DELETE") job.cancelled = true;
    return { body: readJob(job) };
  }
  if (path[0] === "review") return { status: 201, body: {} };
  if (path[0] === "dataset") {
    if (path.length === 1) return { body: { name: "Made-up photos", card: "A data set that was made up for this page. Photos are patterns; places are drawn at random.", rows: 240, splits: { train: 160, val: 40, test: 40 }, has_photos: true, has_chips: true, taxa: species.map(({ taxon, common_name }) => ({ taxon, common_name, rows: 20 })) } };
    if (path[1] === "rows") {
      const all = Array.from({ length: 240 }, (_, row) => ({ row, ...species[row % 12], split: row % 6 === 4 ? "val" : row % 6 === 5 ? "test" : "train", lon: (row * 7) % 40 - 8, lat: 36 + ((row * 5) % 30), date: "2024-06-03" })).filter((one) => (!query.get("taxon") || one.taxon === query.get("taxon")) && (!query.get("split") || one.split === query.get("split")));
      const offset = Number(query.get("offset") ?? 0);
      return { body: { total: all.length, rows: all.slice(offset, offset + Number(query.get("limit") ?? 24)).map(({ row, taxon, common_name, split, lon, lat, date }) => ({ row, taxon, common_name, split, lon, lat, date, photo_url: `v1/dataset/photo/${row}.jpg`, chip_url: `v1/dataset/chip/${row}.png` })) } };
    }
    if (path[1] === "photo" || path[1] === "chip") return { type: "image/png", body: png(120, parseInt(path[2]) * (path[1] === "chip" ? 5 : 1)) };
    if (path[1] === "scatter.bin") { const random = seeded(5); const buffer = new ArrayBuffer(240 * 16); const out = new Float32Array(buffer, 0, 480); const rest = new Int32Array(buffer, 1920); for (let i = 0; i < 240; i++) { const k = i % 12; out[i * 2] = Math.cos(k) * 3 + random() + random(); out[i * 2 + 1] = Math.sin(k * 1.7) * 3 + random() + random(); rest[i] = i; rest[240 + i] = k; } return { type: "application/octet-stream", body: new Uint8Array(out.buffer) }; }
    if (path[1] === "scatter") return { body: { n: 240, points_url: "v1/dataset/scatter.bin", taxa: species.map((one) => one.taxon), families: species.map((_, i) => `Family ${i % 6}`) } };
    if (path[1] === "confusions") return { body: { rows: [{ taxon: "Hirundo rustica", mistaken_for: "Apus apus", count: 7, of: 40 }, { taxon: "Parus major", mistaken_for: "Sylvia atricapilla", count: 3, of: 38 }] } };
  }
  return wrong(404, "NotFound", `${url.pathname} is not a path of this interface.`);
}
