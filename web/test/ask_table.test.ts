import { describe, expect, test } from "vitest";
import { ApiError } from "../src/api";
import { answerOf, askedBy, choices } from "../src/panels/ask_table";

const TABLE = {
  columns: [{ name: "Art", examples: ["Turdus merula"] }, { name: "Rechts", examples: ["10.1", "-97.312715117751"] }, { name: "lat", examples: [] }],
  found: { lat: "lat" },
  asked: ["taxon", "lon", "lat", "date"],
};
const failed = (settings: string[], table?: typeof TABLE): ApiError => new ApiError("it has no column for the taxon", "JobFailed", 200, null, { message: "it has no column for the taxon", settings, ...(table ? { table } : {}) });

describe("a table that its reader asks about", () => {
  test("is asked about where its columns are known, and only then", () => {
    expect(askedBy(failed(["columns"], TABLE))).toEqual({ table: TABLE, crs: false, trust: false });
    expect(askedBy(failed(["columns", "trust_places"], TABLE))?.trust).toBe(true);
    expect(askedBy(failed(["crs", "columns"], TABLE))?.crs).toBe(true);
    expect(askedBy(failed(["columns"]))).toBeNull();
    expect(askedBy(failed([], { ...TABLE, columns: [] }))).toBeNull();
    expect(askedBy(new Error("gone"))).toBeNull();
    expect(askedBy(null)).toBeNull();
  });
  test("offers the columns that it has, with what stands in them", () => {
    expect(choices(TABLE).map(([, text]) => text)).toEqual(["None", "Art (Turdus merula)", "Rechts (10.1, -97.312715117…)", "lat"]);
  });
  test("is answered with what was chosen", () => {
    expect(answerOf({ taxon: "Art", lon: "Rechts", lat: "lat", date: "" }, " ")).toEqual({ columns: { taxon: "Art", lon: "Rechts", lat: "lat" } });
    expect(answerOf({}, "25832")).toEqual({ crs: "EPSG:25832" });
    expect(answerOf({}, "EPSG:3857")).toEqual({ crs: "EPSG:3857" });
  });
});
