// How long the page takes, in a browser on a running server: from the address to the first coloured map, and from a key
// to the map of the next month. Draws of cells are told from MapLibre's own by their 32-bit triangles.
//
//   birdsat explore --no-browser --port 8431 &
//   node scripts/measure.mjs "http://127.0.0.1:8431/?view=species&taxon=Fictavis+borealis&month=1" 10
import { chromium } from "playwright-core";

const [address, times = "10"] = process.argv.slice(2);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const middle = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const [first, months] = [[], []];
for (let i = 0; i < Number(times); i++) {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.addInitScript(() => {
    const draw = WebGL2RenderingContext.prototype.drawElements;
    WebGL2RenderingContext.prototype.drawElements = function (mode, count, type, offset) {
      draw.call(this, mode, count, type, offset);
      if (type !== this.UNSIGNED_INT) return;
      this.finish(); // the colours are there, not only asked for
      performance.mark("cells");
    };
  });
  await page.goto(address);
  const drawn = await page.waitForFunction(() => performance.getEntriesByName("cells")[0]?.startTime, null, { timeout: 60_000 });
  first.push(await drawn.jsonValue());
  await page.waitForTimeout(1500);
  await page.getByRole("slider", { name: "Month" }).focus();
  for (let month = 0; month < 6; month++) {
    await page.evaluate(() => {
      performance.clearMarks("cells");
      addEventListener("keydown", () => performance.mark("key"), { once: true, capture: true });
    });
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => performance.getEntriesByName("cells").length > 0);
    months.push(await page.evaluate(() => performance.getEntriesByName("cells")[0].startTime - performance.getEntriesByName("key").at(-1).startTime));
    await page.waitForTimeout(300);
  }
  await page.context().close();
}
console.log(`first map: median ${middle(first).toFixed(0)} ms, longest ${Math.max(...first).toFixed(0)} ms, of ${first.length}`);
console.log(`next month: median ${middle(months).toFixed(0)} ms, longest ${Math.max(...months).toFixed(0)} ms, of ${months.length}`);
await browser.close();
