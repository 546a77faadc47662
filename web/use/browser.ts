/** A real browser on the built page, beside the stand-in of the server, and what every test of use looks after. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium, type Browser, type Page } from "playwright-core";
// @ts-expect-error a plain script
import { serve } from "../mock/server.mjs";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const PICTURES = new URL("../pictures/", import.meta.url).pathname;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const canBrowse = existsSync(CHROMIUM);

export interface Opened {
  readonly page: Page;
  readonly wrong: string[]; // what the console said, requests that failed, requests to elsewhere
  close(): Promise<void>;
}

export interface Bench {
  readonly address: string;
  open(search: string, size?: Size, scheme?: "light" | "dark"): Promise<Opened>;
  end(): Promise<void>;
}

export type Size = "desktop" | "phone";
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;

export async function bench(): Promise<Bench> {
  const server = (await serve(0)) as { port: number; close(): Promise<void> };
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  const address = `http://127.0.0.1:${server.port}/`;
  return {
    address,
    async open(search, size = "desktop", scheme = "light") {
      const context = await browser.newContext({ viewport: SIZES[size], colorScheme: scheme, locale: "en-GB", permissions: ["clipboard-read", "clipboard-write"], reducedMotion: "reduce" });
      const page = await context.newPage();
      const wrong: string[] = [];
      page.on("console", (message) => { if (message.type() === "error") wrong.push(`console: ${message.text()}`); });
      page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
      page.on("request", (request) => { if (!request.url().startsWith(address) && !/^(blob|data):/.test(request.url())) wrong.push(`request to elsewhere: ${request.url()}`); });
      let open = 0;
      page.on("request", () => { open++; });
      for (const end of ["requestfinished", "requestfailed"] as const) page.on(end as "requestfinished", () => { open--; });
      inFlight.set(page, () => open);
      await page.goto(address + search);
      await settled(page);
      return { page, wrong, close: () => context.close() };
    },
    async end() {
      await browser.close();
      await server.close();
    },
  };
}

const inFlight = new WeakMap<Page, () => number>();

/** Until the page is not busy and nothing has been asked for a while. */
export async function settled(page: Page): Promise<void> {
  await page.locator("[aria-busy=false]").first().waitFor();
  for (let quiet = 0; quiet < 7; quiet++) {
    await page.waitForTimeout(100);
    if ((inFlight.get(page)?.() ?? 0) > 0) quiet = 0;
  }
}

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}${name}.png` });
}

/** Rules of WCAG 2.1 A and AA, and axe's best practices, that the page breaks. */
export async function broken(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[] }> } };
    const { violations } = await axe.run();
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 240)}`).join(" | ")}`);
  });
}

/** Colour of a pixel of the screen. */
export async function pixel(page: Page, x: number, y: number): Promise<number[]> {
  const shot = (await page.screenshot({ clip: { x, y, width: 1, height: 1 } })).toString("base64");
  return page.evaluate(async (text) => {
    const image = new Image();
    image.src = `data:image/png;base64,${text}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext("2d");
    pen?.drawImage(image, 0, 0);
    return [...(pen?.getImageData(0, 0, 1, 1).data ?? [])].slice(0, 3);
  }, shot);
}
