import { describe, expect, test, vi } from "vitest";
import { bytes, count, day, kilometres, months, number, percent, place, readPlace, score } from "../src/format";

test("numbers have three significant digits at most, in the browser's language", () => {
  expect(number(0.98765)).toBe("0.988");
  expect(number(1234.5)).toBe("1,230");
  expect(number(null)).toBe("–");
  expect(number(NaN)).toBe("–");
  expect(score(0.5)).toBe("0.50");
  expect(count(1234567)).toBe("1,234,567");
  expect([0, 0.0043, 0.0234, 0.837, 1].map(percent)).toEqual(["0%", "0.4%", "2%", "84%", "100%"]);
  expect(bytes(2_345_678)).toBe("2.35 MB");
  expect(kilometres(1600)).toBe("1,600 km");
  vi.spyOn(navigator, "language", "get").mockReturnValue("de-DE");
  expect(score(0.5)).toBe("0,50");
  expect(count(1234567)).toBe("1.234.567");
  expect(months("long")[2]).toBe("März");
  vi.restoreAllMocks();
});

test("months and days are in the browser's language and do not shift with its zone", () => {
  expect(months("short")).toHaveLength(12);
  expect(months("short")[0]).toBe("Jan");
  expect(day("2025-05-14")).toBe("May 14, 2025");
  expect(day("some day")).toBe("some day");
});

test("places are written as people write them", () => {
  expect(place(-84.5, 39.1)).toBe("39.10° N, 84.50° W");
  expect(place(190, -10, 0)).toBe("10° S, 170° W");
});

test("places with decimal commas, curly minutes and a west of another language are read", () => {
  expect(readPlace("48,1; 11,6")).toEqual([11.6, 48.1]);
  expect(readPlace("-33,9 18,4")).toEqual([18.4, -33.9]);
  expect(readPlace("48,1 N 11,6 E")).toEqual([11.6, 48.1]);
  expect(readPlace("48°8’15”N 11°34’30”E")).toEqual([11.575, 48.1375]);
  const language = vi.spyOn(navigator, "language", "get");
  language.mockReturnValue("de-AT");
  expect(readPlace("48.1 N 11.6 O")).toEqual([11.6, 48.1]);
  language.mockReturnValue("fr-FR");
  expect(readPlace("48.1 N 11.6 O")).toEqual([-11.6, 48.1]);
  language.mockRestore();
});

describe("places that people type", () => {
  test.each([
    ["39.1, -84.5", [-84.5, 39.1]], ["39.1 -84.5", [-84.5, 39.1]], ["39,-84", [-84, 39]], ["39.1 N 84.5 W", [-84.5, 39.1]], ["84.5W, 39.1N", [-84.5, 39.1]],
    ["39°6'N 84°30'W", [-84.5, 39.1]], ["39°6'0\"N, 84°30'0\"W", [-84.5, 39.1]], [" -33.9;18.4 ", [18.4, -33.9]], ["48.1° 11.6°", [11.6, 48.1]],
  ] as const)("%s", (text, expected) => {
    const found = readPlace(text);
    expect(found?.[0]).toBeCloseTo(expected[0]);
    expect(found?.[1]).toBeCloseTo(expected[1]);
  });

  test.each(["", "Berlin", "39.1", "1 2 3", "91, 0", "0, 400", "39.1, abc"])("%s is not one", (text) => {
    expect(readPlace(text)).toBeNull();
  });
});
