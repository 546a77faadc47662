/** The heart of the page, used: species, months, thresholds, layers, links. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, bench, canBrowse, pixel, settled } from "./browser";

const SPOT = [860, 520] as const; // on land, in the middle of the map
const state = (page: { url(): string }): URLSearchParams => new URL(page.url()).searchParams;

describe.skipIf(!canBrowse)("species", () => {
  let on: Bench;
  beforeAll(async () => { on = await bench(); });
  afterAll(() => on.end());

  test("a species is found by typing, chosen by keys, and is on the map", async () => {
    const { page, wrong, close } = await on.open("");
    const before = await pixel(page, ...SPOT);
    await page.getByRole("combobox", { name: "Find a species" }).fill("stork");
    await page.keyboard.press("Enter");
    await settled(page);
    await page.getByRole("heading", { name: /White Stork/ }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("combobox");
    expect(state(page).get("taxon")).toBe("Ciconia ciconia");
    expect(await pixel(page, ...SPOT)).not.toEqual(before);
    await page.goBack();
    await page.getByRole("heading", { name: "Where do birds live?" }).waitFor();
    expect(wrong).toEqual([]);
    await close();
  });

  test("months, threshold, layers and ramps change the map without a request", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia&month=1");
    const asked: string[] = [];
    page.on("request", (request) => { if (!request.url().endsWith(".svg")) asked.push(request.url()); }); // browsers ask for the icon at each address
    const seen = new Set([String(await pixel(page, ...SPOT))]);
    const look = async (): Promise<void> => {
      await page.waitForTimeout(400);
      seen.add(String(await pixel(page, ...SPOT)));
    };
    await page.getByRole("slider", { name: "Month" }).focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
    await look();
    await expect.poll(() => state(page).get("month")).toBe("6");
    await page.getByLabel("Threshold").first().selectOption("max_sss");
    await page.getByRole("slider", { name: "Threshold" }).first().press("ArrowRight");
    await expect.poll(() => Number(state(page).get("threshold"))).toBeCloseTo(0.38, 2);
    await page.getByRole("button", { name: "Range", exact: true }).click();
    await look();
    await page.getByRole("button", { name: "Width of interval" }).click();
    await look();
    expect(seen.size).toBeGreaterThanOrEqual(4);
    expect(asked).toEqual([]);
    await close();
  });

  test("the time bar plays, stops and knows the whole year", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia&month=3");
    await page.getByRole("button", { name: "Play the year" }).click();
    await page.waitForTimeout(1700);
    await page.getByRole("button", { name: "Pause" }).click();
    await expect.poll(() => Number(state(page).get("month"))).toBeGreaterThan(3);
    await page.getByRole("slider", { name: "Month" }).press("Home");
    await expect.poll(() => state(page).get("month")).toBeNull();
    await close();
  });

  test("a cell says its value under the pointer and opens its place at a click", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia&month=6");
    await page.mouse.move(...SPOT);
    await page.getByText("within its data").waitFor();
    await page.mouse.click(...SPOT);
    await page.getByText("Expected here in June").waitFor();
    expect(state(page).get("place")).toMatch(/^-?\d+\.\d+,\d+\.\d+$/);
    await close();
  });

  test("the link that is copied opens the same", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia&month=6&ramp=ember&globe=1");
    await page.getByRole("button", { name: "Copy link" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(new URL(copied).search).toContain("taxon=Ciconia+ciconia&ramp=ember&month=6&globe=1");
    await close();
  });

  test("a name that is not there is answered in words, with what to do", async () => {
    const { page, close } = await on.open("?view=species&taxon=Nullus+nemo");
    const said = await page.getByRole("alert").innerText();
    expect(said).toMatch(/not among the 12 .* nearest: 'Hirundo rustica'/);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("group", { name: "Did you mean" }).getByRole("button", { name: "Barn Swallow" }).click();
    await page.getByRole("heading", { name: /Barn Swallow/ }).waitFor();
    await close();
  });

  test("a model that was forgotten is said, and the way on is a button", async () => {
    const { page, wrong, close } = await on.open("?view=species&model=gone&taxon=Ciconia+ciconia");
    expect(await page.getByRole("alert").innerText()).toContain("“gone”");
    await page.getByRole("button", { name: "Show the first that is here" }).click();
    await page.getByRole("heading", { name: /White Stork/ }).waitFor();
    expect(wrong).toEqual([]);
    await close();
  });

  test("effort has its own unit, and no threshold of suitability on its ramp", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia&threshold=0.5");
    const legend = page.getByRole("region", { name: "Legend" });
    await legend.getByRole("slider", { name: "Threshold" }).waitFor();
    await legend.getByRole("button", { name: "Effort" }).click();
    await legend.getByText("× the mean").waitFor();
    expect(await legend.getByRole("slider").count()).toBe(0);
    await close();
  });

  test("a phone's legend opens whole, and closes again", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia&threshold=0.5", "phone");
    await page.getByRole("button", { name: "More of the legend" }).click();
    await page.getByRole("switch", { name: "Same scale for all species" }).click();
    await expect.poll(() => state(page).get("scale")).toBe("all");
    await page.getByRole("button", { name: "Less of the legend" }).click();
    await page.getByRole("button", { name: "More of the legend" }).waitFor();
    await close();
  });

  test("a phone's display settings are all within the screen, and give the focus back", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia", "phone");
    await page.getByRole("button", { name: "Display" }).click();
    const box = await page.getByRole("dialog").boundingBox();
    expect(box?.y).toBeGreaterThanOrEqual(0);
    await page.getByRole("button", { name: "Globe" }).click();
    await expect.poll(() => state(page).get("globe")).toBe("1");
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Display");
    await close();
  });

  test("at sizes between a phone's and a desk's nothing lies over another thing or runs out of the panel", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia&threshold=0.5");
    for (const [width, height] of [[768, 1024], [844, 390], [1280, 600], [320, 568]] as const) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(300);
      const boxes = await Promise.all(["Legend", "Month", "Map controls"].map((name) => page.getByRole("region", { name, exact: true }).boundingBox()));
      for (const [i, a] of boxes.entries())
        for (const b of boxes.slice(i + 1))
          expect(a && b && a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height, `${width} x ${height}: ${JSON.stringify([a, b])}`).toBe(false);
      expect(await page.locator("#panel > [role=region]").evaluate((panel) => panel.scrollWidth <= panel.clientWidth)).toBe(true);
    }
    await close();
  });

  test("a phone's panel has three stops, by hand and by key", async () => {
    const { page, close } = await on.open("?view=species&taxon=Ciconia+ciconia", "phone");
    const height = (): Promise<number> => page.locator("#panel").evaluate((panel) => panel.getBoundingClientRect().height);
    const half = await height();
    const grip = page.getByRole("button", { name: /Size of the panel/ });
    await grip.press("ArrowUp");
    expect(await height()).toBeGreaterThan(half * 1.5);
    await grip.press("ArrowDown");
    await grip.press("ArrowDown");
    expect(await height()).toBeLessThan(150);
    await close();
  });
});
