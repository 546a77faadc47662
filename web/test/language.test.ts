import { afterEach, describe, expect, test, vi } from "vitest";
import { address, jsonAddress } from "../src/api";
import { inLanguage } from "../src/language";
import { countryName, halfWidth, regionOf } from "../src/map/countries";

afterEach(() => {
  vi.unstubAllGlobals();
  document.head.innerHTML = "";
});

describe("names of countries", () => {
  test("are those of the browser's language", () => {
    expect(countryName("Germany", "276", "de")).toBe("Deutschland");
    expect(countryName("Brazil", "076", "fr-CA")).toBe("Brésil");
    expect(countryName("Kosovo", "", "es")).toBe("Kosovo");
    expect(regionOf("Kosovo", "")).toBe("XK");
  });
  test("are the English ones where the browser has none", () => {
    expect(countryName("Dem. Rep. Congo", "180", "en-GB")).toBe("Dem. Rep. Congo");
    expect(countryName("Siachen Glacier", "", "de")).toBe("Siachen Glacier");
    expect(countryName("Nowhere", "999", "de")).toBe("Nowhere");
    expect(countryName("Nowhere", "not a number", "de")).toBe("Nowhere");
    expect(countryName("Germany", "276", "not a language at all")).toBe("Germany");
  });
  test("take the room that their letters need", () => {
    expect(halfWidth("Chad")).toBeCloseTo(21.6);
    expect(halfWidth("中国")).toBe(20);
  });
});

describe("the browser's language", () => {
  test("is asked for where an answer has common names, and nowhere else", () => {
    vi.stubGlobal("navigator", { language: "de-AT" });
    expect(inLanguage("v1/models/a/taxa?limit=10000")).toBe("v1/models/a/taxa?limit=10000&language=de-AT");
    expect(inLanguage("v1/models/a/maps/Pica_pica")).toBe("v1/models/a/maps/Pica_pica?language=de-AT");
    expect(inLanguage("v1/models/a/place?lon=1&lat=2")).toContain("&language=de-AT");
    for (const path of ["v1/models", "v1/models/a/grid", "v1/models/a/maps/x/low.bin", "v1/models/a/maps/x/download.csv", "v1/about", "v1/models/a/places.json"]) expect(inLanguage(path)).toBe(path);
    expect(jsonAddress("v1/models/a/taxa")).toMatch(/taxa\?language=de-AT$/);
  });
  test("is left out of an export, whose files have one name each", () => {
    document.head.innerHTML = '<meta name="birdsat-static" content="1">';
    expect(jsonAddress("v1/models/a/taxa?limit=5")).toMatch(/taxa\.json$/);
    expect(address("v1/models/a/place.csv?lon=1")).not.toContain("language");
  });
});
