/** Long work and other views, used: own records, photos, places, data, comparisons. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, bench, broken, canBrowse, picture, pixel } from "./browser";

const TABLE = { name: "gbif.csv", mimeType: "text/csv", buffer: Buffer.from("species,decimalLatitude,decimalLongitude\n") };
const photo = (name: string) => ({ name, mimeType: "image/jpeg", buffer: Buffer.from("not looked at") });

describe.skipIf(!canBrowse)("work", () => {
  let on: Bench;
  beforeAll(async () => { on = await bench(); });
  afterAll(() => on.end());

  test("a table becomes a map: read, checked, chosen, fitted, forgotten", async () => {
    const { page, wrong, close } = await on.open("?view=records");
    await page.locator("input[type=file]").setInputFiles(TABLE);
    await page.getByRole("progressbar").waitFor();
    await page.getByText("What became of the rows").waitFor();
    await page.getByText("no coordinates").waitFor();
    await picture(page, "records-checked");
    expect(await broken(page)).toEqual([]);
    await page.getByRole("button", { name: "Choose none" }).click();
    await page.getByLabel(/White Stork/).check();
    await page.getByRole("button", { name: "Map 1 species" }).click();
    await page.getByRole("button", { name: "Stop" }).waitFor();
    await page.getByRole("heading", { name: /White Stork/ }).waitFor();
    expect(page.url()).toMatch(/model=mine/);
    await page.getByRole("button", { name: "My records" }).click();
    await page.getByRole("button", { name: "Forget", exact: true }).click();
    await page.getByRole("button", { name: /Forget this map/ }).click();
    await page.getByText("Saved on this machine").waitFor({ state: "detached" });
    expect(wrong).toEqual([]);
    await close();
  });

  test("work that is stopped is cancelled", async () => {
    const { page, close } = await on.open("?view=records");
    const cancelled = page.waitForRequest((request) => request.method() === "DELETE" && request.url().includes("/jobs/"));
    const followed = page.waitForRequest((request) => request.method() === "GET" && request.url().includes("/jobs/"));
    await page.locator("input[type=file]").setInputFiles(TABLE);
    await followed;
    await page.getByRole("button", { name: "Stop" }).click();
    await cancelled;
    await page.getByText("Drop a table here").waitFor();
    await close();
  });

  test("a file that cannot be read is refused in words", async () => {
    const { page, close } = await on.open("?view=records");
    await page.locator("input[type=file]").setInputFiles({ ...TABLE, name: "setup.exe" });
    expect(await page.getByRole("alert").innerText()).toContain("allowed: CSV");
    await close();
  });

  test("on a phone an error comes into view", async () => {
    const { page, close } = await on.open("?view=records", "phone");
    await page.locator("input[type=file]").setInputFiles({ ...TABLE, name: "setup.exe" });
    const alert = page.getByRole("alert");
    await alert.waitFor();
    const [box, rail] = [await alert.boundingBox(), await page.getByRole("navigation").boundingBox()];
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual((rail?.y ?? 0) + 1);
    await close();
  });

  test("photos are named, accepted and corrected by keys", async () => {
    const { page, wrong, close } = await on.open("?view=photos");
    await page.locator("input[type=file]").setInputFiles([photo("one.jpg"), TABLE, { ...photo("setup.exe"), name: "setup.exe" }, photo("two.jpg"), photo("three.jpg")]);
    await page.getByText("1 of 3").waitFor();
    expect(await page.getByRole("alert").innerText()).toMatch(/left out[^]*gbif.csv is not a photo[^]*setup.exe was left out/);
    await picture(page, "photos-named");
    expect(await broken(page)).toEqual([]);
    const reviewed = page.waitForRequest((request) => request.url().endsWith("/v1/review"));
    await page.locator("body").press("a");
    expect((await reviewed).postDataJSON()).toMatchObject({ verdict: "accepted" });
    await page.getByText("2 of 3").waitFor();
    await page.getByRole("heading", { name: /A bird of genus/ }).waitFor();
    await page.locator("body").press("ArrowRight");
    await page.getByRole("heading", { name: "Not among these birds" }).waitFor();
    const before = await pixel(page, 860, 520);
    await page.getByRole("button", { name: "Where it may have been taken" }).click();
    await expect.poll(() => pixel(page, 860, 520)).not.toEqual(before);
    await page.locator("body").press("c");
    await page.getByLabel("Which bird is it?").fill("swift");
    await page.keyboard.press("Enter");
    await page.getByText("Corrected to Apus apus").waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("photo-2");
    expect(wrong.filter((one) => !one.includes("415"))).toEqual([]);
    await close();
  });

  test("a place is found by its coordinates, and a wrong one is explained", async () => {
    const { page, close } = await on.open("?view=place");
    await page.getByLabel("Latitude, longitude").fill("somewhere");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    expect(await page.getByRole("alert").innerText()).toContain("“somewhere” is not a place");
    await page.getByLabel("Latitude, longitude").fill("48.1 N 11.6 E");
    await page.keyboard.press("Enter");
    await page.getByText("Expected here over the year").waitFor();
    expect(await page.getByRole("img", { name: /over the year: Jan/ }).count()).toBeGreaterThan(5);
    await page.getByRole("button", { name: "1,600 km" }).click();
    await page.getByRole("img", { name: /1,600 km across/ }).waitFor();
    await close();
  });

  test("the place of an address comes into view, also where the model has no cells", async () => {
    const { page, close } = await on.open("?view=place&place=-100,40");
    await page.getByRole("alert").getByText("no cell of this map").waitFor();
    const box = await page.locator("[class*=pin]").boundingBox();
    expect(box?.x).toBeGreaterThan(432);
    expect(box?.x).toBeLessThan(1440);
    await close();
  });

  test("a comparison begins with a species that is offered, and names both sides", async () => {
    const { page, close } = await on.open("?view=compare&manner=side");
    await page.getByRole("button", { name: /: January and July/ }).click();
    await expect.poll(() => page.locator("canvas").count()).toBe(2);
    await page.locator("[class*=module-side]", { hasText: "July" }).waitFor();
    await close();
  });

  test("the range is laid against the truth at a threshold that can be changed there", async () => {
    const { page, close } = await on.open("?view=compare&taxon=Ciconia+ciconia&month=6&pair=truth");
    const missed = page.getByRole("row", { name: /Missed .* km²/ });
    const before = await missed.innerText();
    await page.getByRole("slider", { name: "Best balance" }).fill("0.6");
    await expect.poll(() => missed.innerText()).not.toBe(before);
    await close();
  });

  test("the data set is browsed, filtered and looked at", async () => {
    const { page, wrong, close } = await on.open("?view=data");
    await page.getByText("240 photos").waitFor();
    await page.getByLabel("Used").selectOption("test");
    await page.getByText("40 photos").waitFor();
    await page.getByRole("button", { name: /Photo of/ }).first().click();
    await page.getByRole("img", { name: "Satellite picture of the place" }).waitFor();
    await page.getByRole("button", { name: "Likeness" }).click();
    const box = await page.locator("main canvas").boundingBox();
    for (let x = 10; box && x < box.width && !(await page.locator("main canvas + div img").count()); x += 8) await page.mouse.move(box.x + x, box.y + box.height / 2);
    await page.locator("main canvas + div img").waitFor();
    await picture(page, "data-scatter");
    await page.mouse.down();
    await page.mouse.up();
    await page.getByRole("button", { name: "Close" }).waitFor();
    const row = page.url();
    expect(row).toMatch(/row=\d+/);
    await page.goBack();
    await page.getByLabel("Show one group").selectOption("Family 2");
    await page.goto(row);
    await page.getByRole("img", { name: "Satellite picture of the place" }).waitFor();
    await page.getByRole("button", { name: "Confusions" }).click();
    await page.getByText("7 of 40 photos").waitFor();
    expect(wrong).toEqual([]);
    await close();
  });

  test("the swipe moves by its handle and by keys", async () => {
    const { page, close } = await on.open("?view=compare&taxon=Ciconia+ciconia&month=1&othermonth=7");
    const before = await pixel(page, 1000, 560);
    for (let i = 0; i < 3; i++) await page.getByRole("slider", { name: "Where the two maps meet" }).press("PageUp");
    await expect.poll(() => new URL(page.url()).searchParams.get("split")).toBe("80");
    await expect.poll(() => pixel(page, 1000, 560)).not.toEqual(before);
    await page.getByRole("button", { name: "Side by side" }).click();
    await expect.poll(() => page.locator("canvas").count()).toBe(2);
    await close();
  });

  test("the pointer says the values of both maps, and the figures are of each", async () => {
    const { page, close } = await on.open("?view=compare&taxon=Ciconia+ciconia&month=1&othermonth=7&threshold=0.4");
    await page.mouse.move(1000, 400);
    const said = await page.locator("[class*=hover]").innerText();
    const [january, july] = [/January (\d\.\d\d)/, /July (\d\.\d\d)/].map((one) => Number(one.exec(said)?.[1]));
    expect(january).toBeGreaterThan(0);
    expect(july).not.toBe(january);
    const areas = await page.getByRole("row", { name: /Area at or above/ }).locator("td").allInnerTexts();
    expect(areas[1]).not.toBe(areas[2]);
    await close();
  });

  test("species are sorted by their figures, and each row leads to its map", async () => {
    const { page, close } = await on.open("?view=taxa");
    await page.getByRole("button", { name: "AUC", exact: true }).click();
    const values = (await page.locator("tbody td:nth-child(3)").allInnerTexts()).map(Number);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    await page.locator("tbody a").first().press("Enter");
    await page.getByText("How good is it?").waitFor();
    expect(await page.evaluate(() => document.activeElement?.closest("#panel") !== null)).toBe(true);
    await close();
  });
});
