import { describe, expect, test } from "vitest";
import { scaleBar } from "../src/map/scale";
import { shore } from "../src/map/earth";
import { acceptable, corrections, inPlainWords, likeliest } from "../src/panels/photos";
import { ranked, withoutHead } from "../src/panels/data";
import { listOf } from "../src/panels/place_info";
import { blocksOf } from "../src/parts/markdown";
import { tableOf } from "../src/panels/sample";
import { matches } from "../src/panels/search";
import { ofMonth } from "../src/panels/species";
import { sorted } from "../src/panels/taxa";
import { fileName } from "../src/parts/ui";
import { sparkline } from "../src/time/time";

const TAXA = [
  { taxon: "Pica pica", common_name: "Eurasian Magpie", auc: 0.8, records: 5 },
  { taxon: "Dryobates major", common_name: "Great Spotted Woodpecker", auc: null, records: 9 },
  { taxon: "Picus viridis", common_name: "Grünspecht", auc: 0.9, records: null },
];

describe("finding a species", () => {
  test("by either name, without accents, the beginnings first", () => {
    expect(matches(TAXA, "pic").map((one) => one.taxon)).toEqual(["Pica pica", "Picus viridis"]);
    expect(matches(TAXA, "GRUN").map((one) => one.taxon)).toEqual(["Picus viridis"]);
    expect(matches(TAXA, "spotted wood").map((one) => one.taxon)).toEqual(["Dryobates major"]);
    expect(matches(TAXA, "zebra")).toEqual([]);
  });
});

describe("the table of species", () => {
  test("is sorted either way, and what has no figure comes last", () => {
    expect(sorted(TAXA, "-auc").map((one) => one.auc)).toEqual([0.9, 0.8, null]);
    expect(sorted(TAXA, "auc").map((one) => one.auc)).toEqual([0.8, 0.9, null]);
    expect(sorted(TAXA, "taxon").map((one) => one.common_name)).toEqual(["Eurasian Magpie", "Great Spotted Woodpecker", "Grünspecht"]);
    expect(sorted(TAXA, "nonsense")).toHaveLength(3);
  });
});

describe("an export's list at a click", () => {
  test("is read from a block of taxa, months and cells", () => {
    const bytes = Uint8Array.from([0, 254, 127, 255, /* second taxon */ 254, 0, 254, 127]);
    const list = listOf(bytes, ["Pica_pica", "x"], [{ taxon: "Pica pica", key: "Pica_pica", common_name: "Magpie" }], 2, 2, 1, 0);
    expect(list.map((one) => [one.taxon, one.value])).toEqual([["Pica pica", 1], ["x", 0.25]]);
    expect(list[0]?.year).toEqual([1, null]);
    expect(listOf(bytes, ["Pica_pica", "x"], [], 2, 2, 1, 2).map((one) => one.key)).toEqual(["x"]);
  });
});

describe("photos in words", () => {
  const answer = { rank: 1, taxon: "Spizella passerina", common_name: "Chipping Sparrow", score: 0.9 };
  test("a name, a group, neither, or nothing", () => {
    const photo = { photo: "a.jpg", upload: "u", answers: [answer] };
    expect(inPlainWords({ ...photo, verdict: "named", rolled_up: "Spizella passerina" })).toEqual({ name: "Spizella passerina", common: "Chipping Sparrow", said: "90% sure" });
    expect(inPlainWords({ ...photo, verdict: "rolled up", rolled_up_rank: "genus", rolled_up: "Spizella" }).name).toBe("a bird of genus Spizella, probably");
    expect(inPlainWords({ ...photo, verdict: "not among these birds" }).name).toBe("not among these birds");
    expect(inPlainWords({ ...photo, verdict: "rolled up", rolled_up_rank: "class", rolled_up: "Aves", rolled_up_score: 1 })).toEqual({ name: "a bird; more cannot be said", common: null, said: "" });
    expect(inPlainWords({ ...photo, verdict: "unreadable", remarks: ["it is empty"] }).said).toBe("it is empty");
  });
});

test("the command that is copied makes the month that is shown", () => {
  expect(ofMonth("birdsat map 'Pica pica' --ranges m --months 1 2 3 12", 6)).toBe("birdsat map 'Pica pica' --ranges m --months 6");
  expect(ofMonth("birdsat.map(taxon='Pica pica', months=[1, 2, 3])", 6)).toBe("birdsat.map(taxon='Pica pica', months=[6])");
  expect(ofMonth("birdsat map x --months 1 2", 0)).toBe("birdsat map x --months 1 2");
});

test("files are called by what they are of", () => {
  expect(fileName("v1/models/m/maps/Pica_pica/download.tif?threshold=0.4")).toBe("Pica_pica.tif");
  expect(fileName("v1/models/m/maps/Pica_pica/download.html?month=5")).toBe("Pica_pica_06.html");
  expect(fileName("v1/models/m/place.csv?lon=-84.5&lat=39.1&month=0")).toBe("birds_39.1_-84.5_01.csv");
  expect(fileName("v1/review.dwc.csv")).toBe("review.dwc.csv");
  expect(fileName("v1/uploads/a1/dropped.csv")).toBe("a1-dropped.csv");
});

test("groups of photos are ranked by how many points they have, unknown ones too", () => {
  expect(ranked(["Paridae", "Corvidae", "Paridae"], Int32Array.from([1, 0, 2, 1, 1]))).toEqual([{ name: "Corvidae", points: 3 }, { name: "Paridae", points: 2 }]);
});

test("only what was said of a photo can be accepted", () => {
  const photo = { photo: "a.jpg", upload: "u", answers: [{ rank: 1, taxon: "Spizella passerina", score: 0.4 }] };
  expect(acceptable({ ...photo, verdict: "named", rolled_up: "Spizella passerina" })).toBe("Spizella passerina");
  expect(acceptable({ ...photo, verdict: "rolled up", rolled_up_rank: "genus", rolled_up: "Spizella" })).toBe("Spizella");
  expect(acceptable({ ...photo, verdict: "rolled up", rolled_up_rank: "class", rolled_up: "Aves" })).toBeNull();
  expect(acceptable({ ...photo, verdict: "not among these birds" })).toBeNull();
});

test("the course of the year rises where there is more", () => {
  const { line, area } = sparkline([0, 1, ...new Array<number>(9).fill(0), null]);
  expect(line.startsWith("M0.5 1")).toBe(true);
  expect(line).toContain("1.5 0.080");
  expect(area.endsWith("Z")).toBe(true);
  expect(sparkline(new Array<number>(12).fill(0)).line).not.toContain("NaN");
});

test("a card is read by people without its lines for machines", () => {
  expect(withoutHead("---\na: 1\n---\n\n# Card\n\n---\n")).toBe("# Card\n\n---\n");
  expect(withoutHead("# Card")).toBe("# Card");
});

test("the scale bar is a round distance below 100 pixels", () => {
  expect(scaleBar(7)).toEqual({ km: 500, width: 500 / 7 });
  expect(scaleBar(0.013)).toEqual({ km: 1, width: 1 / 0.013 });
  for (let km = 0.01; km < 60; km *= 1.07) {
    expect(scaleBar(km).width).toBeGreaterThan(59.9);
    expect(scaleBar(km).width).toBeLessThan(120.1);
  }
});

test("coasts are not drawn along the edge of a flat map", () => {
  expect(shore([[170, 60], [180, 61], [180, 70], [170, 71]])).toEqual([[[170, 60], [180, 61]], [[180, 70], [170, 71]]]);
  expect(shore([[0, 0], [1, 1], [0, 0]])).toHaveLength(1);
});

describe("a card", () => {
  test("is put together from its lines, and what looks like HTML stays text", () => {
    expect(blocksOf("# A\n\nOne\ntwo <b>three</b>\n\n| a | b |\n| --- | ---: |\n| 1 | |\n\n- x\n  more\n- y\n```\ncode | here\n```\n")).toEqual([
      { kind: "heading", text: "A" },
      { kind: "text", text: "One two <b>three</b>" },
      { kind: "table", rows: [["a", "b"], ["1", ""]] },
      { kind: "list", items: ["x more", "y"] },
      { kind: "code", text: "code | here" },
    ]);
  });
});

describe("the table to try", () => {
  test("has a row a record, and no date where the month is not known", () => {
    expect(tableOf([["Pica pica", { lon: [1.5, 2], lat: [50, 51], month: [0, 6] }]])).toBe(
      "scientificName,decimalLatitude,decimalLongitude,eventDate\nPica pica,50,1.5,\nPica pica,51,2,2020-06-15\n",
    );
  });
});

describe("where a photo may have been taken", () => {
  test("is told by the likeliest cells, without those that cannot be", () => {
    const grid = { west: 0, north: 10, south: 0, east: 10, cellDeg: 5, width: 2, height: 2, latEdges: null, cells: Int32Array.from([0, 1, 2, 3]) };
    const values = { bytes: Uint8Array.from([10, 255, 0, 200]), months: 1, scale: 0.001, power: 1, max: 0.2, unit: "", explanation: "" };
    const found = likeliest(grid, values);
    expect(found.map((one) => [one.rank, one.lon, one.lat])).toEqual([[1, 7.5, 2.5], [2, 2.5, 7.5]]);
    expect(found[0]?.probability).toBeCloseTo(0.2);
  });
});

describe("corrections of photos", () => {
  const answers = [{ taxon: "Aldoris errans" }, { taxon: "Aldoris solitaria" }];
  const known = [{ taxon: "Apus apus", common_name: "Common Swift" }];
  const said = (typed: string) => corrections(typed, answers, known).map((one) => one.taxon);
  test("begin with the photo's own answers", () => expect(said(" ")).toEqual(["Aldoris errans", "Aldoris solitaria"]));
  test("find what the run knows, though no map has it", () => expect(said("solit")).toEqual(["Aldoris solitaria"]));
  test("find what a map knows by its common name, once", () => expect(corrections("swift", known, known)).toEqual(known));
  test("take a name that nobody knows as it is written", () => expect(said("  Turdus   merula ")).toEqual(["Turdus merula"]));
});
