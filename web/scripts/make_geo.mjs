// Make src/assets/earth.json from Natural Earth's countries, 1:50 million (public domain; world-atlas 2.0.2, ISC):
// land, borders and country names, rounded to 0.01 degrees and stored as steps, a third of the size of GeoJSON.
//
//   npm run geo
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { feature, mesh } from "topojson-client";

const atlas = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("world-atlas/countries-50m.json"), "utf8"));
const UNITS = 100; // a degree

function steps(line) {
  const out = [];
  let [x, y] = [0, 0];
  let points = 0;
  for (const [lon, lat] of line) {
    const [nx, ny] = [Math.round(lon * UNITS), Math.round(lat * UNITS)];
    if (points && nx === x && ny === y) continue;
    out.push(nx - x, ny - y);
    [x, y] = [nx, ny];
    points++;
  }
  return points > 1 ? out : null;
}

// A ring over the antimeridian goes on past 180 degrees, where MapLibre cuts it; Antarctica's ends a turn from where it
// began, and is closed round the pole.
function unwrapped(ring) {
  let turn = 0;
  const out = ring.map(([lon, lat], i) => {
    const before = ring[i - 1];
    if (before && Math.abs(lon - before[0]) > 180) turn += lon < before[0] ? 360 : -360;
    return [lon + turn, lat];
  });
  if (turn !== 0 && Math.abs(out.at(-1)[0] - out[0][0]) > 180) {
    out.push([out.at(-1)[0], -90], [out[0][0], -90], out[0]);
  }
  return out;
}

const area = (ring) =>
  Math.abs(ring.reduce((sum, [x, y], i) => {
    const [nx, ny] = ring[(i + 1) % ring.length];
    return sum + (x * ny - nx * y) * Math.cos((((y + ny) / 2) * Math.PI) / 180);
  }, 0) / 2);

function middle(ring) {
  let [sum, x, y] = [0, 0, 0];
  ring.forEach(([ax, ay], i) => {
    const [bx, by] = ring[(i + 1) % ring.length];
    const cross = ax * by - bx * ay;
    sum += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  });
  return [x / (3 * sum), y / (3 * sum)];
}

const polygons = (geometry) => (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates ?? []);
const land = polygons(feature(atlas, atlas.objects.land).features?.[0]?.geometry ?? feature(atlas, atlas.objects.land).geometry)
  .map((rings) => rings.map((ring) => steps(unwrapped(ring))).filter((ring) => ring && ring.length >= 8))
  .filter((rings) => rings.length);
const borders = mesh(atlas, atlas.objects.countries, (a, b) => a !== b).coordinates.map((line) => steps(unwrapped(line))).filter(Boolean);
const names = feature(atlas, atlas.objects.countries)
  .features.flatMap(({ geometry, properties, id }) => {
    if (!geometry || !polygons(geometry).length) return [];
    const biggest = polygons(geometry).map(([ring]) => unwrapped(ring)).sort((a, b) => area(b) - area(a))[0];
    const [lon, lat] = middle(biggest);
    return [[properties.name, id ?? "", Math.round(lon * 10) / 10, Math.round(lat * 10) / 10, Math.round(area(biggest))]];
  })
  .sort((a, b) => b[4] - a[4] || (a[0] < b[0] ? -1 : 1));
const target = new URL("../src/assets/earth.json", import.meta.url);
writeFileSync(target, JSON.stringify({ units: UNITS, land, borders, names }));
console.log(`${land.length} lands, ${borders.length} borders, ${names.length} names`);
