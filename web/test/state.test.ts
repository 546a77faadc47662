import { beforeEach, describe, expect, test } from "vitest";
import { go, parse, START, type State, state, toSearch } from "../src/state";

describe("a state is its address", () => {
  test("an address that a person wrote is understood", () => {
    const read = parse("?view=species&taxon=Cardinalis+cardinalis&month=6&layer=range&threshold=max_sss&at=-84.5,39.1,5");
    expect(read).toMatchObject({ view: "species", taxon: "Cardinalis cardinalis", month: 6, layer: "range", threshold: "max_sss" });
    expect(read.at).toEqual({ lon: -84.5, lat: 39.1, zoom: 5 });
  });

  test("any state comes back from its address", () => {
    const states: State[] = [
      START,
      { ...START, view: "compare", pair: "models", other: "mine", split: 33.3, manner: "side", taxon: "Pica pica" },
      { ...START, view: "place", place: [-179.9999, -89.5], month: 12, globe: true, names: false, base: "marble", opacity: 0.35 },
      { ...START, threshold: "0.123", ramp: "cividis", scale: "all", hatch: false, records: true, at: { lon: 0, lat: -12.5, zoom: 3.25 } },
      { ...START, view: "data", tab: "scatter", row: 0, km: 1600, rowsMonth: 11, rows: "Ciconia & ciconia?", part: "val", sort: "-auc", model: "a/b c", otherMonth: 0 },
    ];
    for (const one of states) expect(parse(toSearch(one))).toEqual(one);
  });

  test("what is not understood is as at the start", () => {
    for (const bad of ["?month=13", "?month=x", "?view=nowhere", "?layer=", "?at=1,2", "?at=1,99,3", "?at=,,", "?place=a,b", "?opacity=7", "?split=-1", "?opacity=", "?ramp=jet", "?tab=x", "?row=-3", "?row=", "?km=x"])
      expect(toSearch(parse(bad))).toBe("?view=species");
  });

  test("an address has only what differs from the start", () => {
    expect(toSearch({ ...START, taxon: "Pica pica" })).toBe("?view=species&taxon=Pica+pica");
  });
});

describe("going somewhere", () => {
  beforeEach(() => {
    state.value = START;
    history.replaceState(null, "", "/");
  });

  test("another species is a step that Back undoes; another month is not", () => {
    const before = history.length;
    go({ taxon: "Pica pica" });
    expect(history.length).toBe(before + 1);
    expect(location.search).toContain("Pica+pica");
    go({ month: 4 });
    expect(history.length).toBe(before + 1);
    expect(state.value.month).toBe(4);
  });

  test("going to where one is does nothing", () => {
    const before = history.length;
    go({ view: "species" });
    expect(history.length).toBe(before);
  });
});
