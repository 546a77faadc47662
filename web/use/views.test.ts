/** Each view at two sizes, light and dark: it opens from its address, breaks no rule of access, and says nothing wrong. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, bench, broken, canBrowse, picture, type Size } from "./browser";

const VIEWS = {
  empty: "?view=species",
  species: "?view=species&taxon=Hirundo+rustica&month=6&threshold=max_sss&records=1",
  globe: "?view=species&taxon=Hirundo+rustica&month=6&globe=1&base=marble&at=12,48,2.4",
  truth: "?view=species&taxon=Ciconia+ciconia&layer=truth",
  richness: "?view=richness&month=5",
  taxa: "?view=taxa&sort=-auc",
  records: "?view=records",
  place: "?view=place&place=11.6,48.1&month=5&taxon=Merops+apiaster",
  photos: "?view=photos",
  data: "?view=data",
  row: "?view=data&row=3&rowsmonth=6",
  scatter: "?view=data&tab=scatter",
  swipe: "?view=compare&taxon=Ciconia+ciconia&month=1&othermonth=6",
  side: "?view=compare&taxon=Ciconia+ciconia&month=1&othermonth=6&manner=side",
  change: "?view=compare&taxon=Ciconia+ciconia&month=1&othermonth=6&manner=change",
  about: "?view=about",
  wrong: "?view=species&taxon=Nullus+nemo",
} as const;
const LOOKS: readonly (readonly [Size, "light" | "dark"])[] = [["desktop", "light"], ["desktop", "dark"], ["phone", "light"], ["phone", "dark"]];

// All sixty take three minutes: the daily run has each view once, at alternating sizes and themes.
const all = process.env["ALL_VIEWS"] === "1";

describe.skipIf(!canBrowse)("views", () => {
  let on: Bench;
  beforeAll(async () => { on = await bench(); });
  afterAll(() => on.end());
  const cases = Object.entries(VIEWS).flatMap(([name, search], i) => (all ? LOOKS : [LOOKS[i % LOOKS.length] ?? ["desktop", "light"]] as const).map(([size, scheme]) => [name, search, size, scheme] as const));

  test.each(cases)("%s %s at %s size, %s", async (name, search, size, scheme) => {
    const { page, wrong, close } = await on.open(search, size, scheme);
    await picture(page, `${name}-${size}-${scheme}`);
    expect(await broken(page)).toEqual([]);
    expect(wrong.filter((one) => !(name === "wrong" && one.includes("404")))).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await close();
  });
});
