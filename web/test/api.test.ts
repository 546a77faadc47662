import { afterEach, describe, expect, test, vi } from "vitest";
import { address, ApiError, follow, getJson, jsonAddress, post, wasStopped } from "../src/api";
import type { Job } from "../src/records";

const answers = (...given: (Response | Error)[]) =>
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    const next = given.shift() ?? new Error("nothing more was to be asked");
    if (next instanceof Error) throw next;
    return next;
  });
const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response => new Response(JSON.stringify(body), { status, headers });

afterEach(() => {
  vi.restoreAllMocks();
  document.head.innerHTML = "";
});

describe("errors", () => {
  test("say what birdsat said", async () => {
    answers(json({ error: { kind: "UnknownNameError", message: "taxon 'x' is not among the 12; nearest: 'y'.", settings: [] } }, 404));
    await expect(getJson("v1/models/a/maps/x")).rejects.toMatchObject({ message: "taxon 'x' is not among the 12; nearest: 'y'.", kind: "UnknownNameError", status: 404 });
  });

  test("without words have ours", async () => {
    answers(new Response("<html>", { status: 500 }));
    await expect(getJson("v1/about")).rejects.toThrow(/status 500/);
    answers(new TypeError("Failed to fetch"));
    await expect(getJson("v1/about")).rejects.toThrow(/does not answer/);
    answers(new Response("", { status: 401 }));
    await expect(getJson("v1/about")).rejects.toThrow(/token/);
  });

  test("a busy server is asked again, a change is not sent twice", async () => {
    const asked = answers(json({}, 503, { "Retry-After": "0" }), json({ ok: 1 }));
    await expect(getJson("v1/about")).resolves.toEqual({ ok: 1 });
    expect(asked).toHaveBeenCalledTimes(2);
    vi.restoreAllMocks();
    const sent = answers(json({}, 429, { "Retry-After": "7" }));
    await expect(post("v1/jobs", {})).rejects.toMatchObject({ status: 429, retryAfter: 7, message: expect.stringContaining("7 seconds") });
    expect(sent).toHaveBeenCalledTimes(1);
  });
});

describe("jobs", () => {
  const job = (more: Partial<Job<string>>): Job<string> => ({ id: "j", verb: "fit", state: "running", ...more });

  test("are followed to their result", async () => {
    answers(json(job({ done: 0.5 })), json(job({ state: "done", result: "made" })));
    const told: (number | null | undefined)[] = [];
    await expect(follow(job({ state: "queued", done: 0 }), (now) => told.push(now.done))).resolves.toBe("made");
    expect(told).toEqual([0, 0.5, undefined]);
  });

  test("that fail say why", async () => {
    await expect(follow(job({ state: "failed", error: { message: "no row has coordinates" } }), () => undefined)).rejects.toThrow("no row has coordinates");
  });

  test("that are stopped are cancelled there too", async () => {
    const asked = answers(json({}));
    const control = new AbortController();
    setTimeout(() => control.abort(), 5);
    const error = await follow(job({}), () => undefined, control.signal).catch((caught: unknown) => caught);
    expect(wasStopped(error)).toBe(true);
    expect(asked.mock.calls[0]?.[1]).toMatchObject({ method: "DELETE" });
  });
});

describe("addresses", () => {
  test("are under the page's folder, whatever an answer names", () => {
    expect(address("v1/about")).toBe("http://localhost:3000/v1/about");
    expect(address("/v1/about")).toBe("http://localhost:3000/v1/about");
  });

  test("in an export are files", () => {
    expect(jsonAddress("v1/models/a/taxa?limit=10000")).toMatch(/v1\/models\/a\/taxa\?limit=10000&language=en-US$/);
    document.head.innerHTML = '<meta name="birdsat-static" content="1">';
    expect(jsonAddress("v1/models/a/taxa?limit=10000")).toMatch(/v1\/models\/a\/taxa\.json$/);
    expect(jsonAddress("v1/models/a/places.json")).toMatch(/places\.json$/);
  });
});

test("an error has its kind and status", () => {
  expect(new ApiError("words", "PlaceError", 422)).toMatchObject({ name: "ApiError", status: 422 });
});
