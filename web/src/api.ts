/** All that the page asks of the server, or of the plain files of an export. */
import { inLanguage } from "./language";
import type { Job, JobError } from "./records";
import { strings } from "./strings";

/** Whether the page stands among plain files: the exporter says so in its head. */
export const isStatic = (): boolean => document.querySelector("meta[name=birdsat-static]") !== null;

/** An answer that was not what was asked for: what was got, what is allowed, what to do, in birdsat's own words. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly kind: string,
    readonly status: number,
    readonly retryAfter: number | null = null,
    readonly job: JobError | null = null, // what a job ended with
  ) {
    super(message);
    this.name = "ApiError";
  }
}

const TOKEN = "birdsat-token";
let token: string | null = null;

/** Take the token out of `#token=...` so that it does not stay in the address, the history or a copied link. */
export function takeToken(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  token = sessionStorage.getItem(TOKEN);
}

export const hasToken = (): boolean => token !== null;

/** The address of squares of a raster, its {z}, {x} and {y} left to be filled in. */
export const tileAddress = (path: string): string => address(path).replaceAll("%7B", "{").replaceAll("%7D", "}");

/** For requests that MapLibre makes itself. */
export const withToken = (url: string): { url: string; headers?: Record<string, string> } => (token && url.startsWith(address("")) ? { url, headers: headers() } : { url });

/** The address of a path of the interface, or of an address that an answer named. */
export function address(path: string): string {
  const base = new URL(".", document.baseURI);
  const under = isStatic() ? path.replace(/^\//, "") : inLanguage(path.replace(/^\//, ""));
  return new URL(under, base).href;
}

/** The address of a JSON answer: in an export a file of its name, without the question's filters. */
export function jsonAddress(path: string): string {
  if (!isStatic()) return address(path);
  const bare = path.split("?")[0] ?? path;
  return address(bare.endsWith(".json") ? bare : `${bare}.json`);
}

function headers(more: Record<string, string> = {}): Record<string, string> {
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

/** What an answer that is not ok says, as an error in words. */
export async function readError(response: Response): Promise<ApiError> {
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfter = response.headers.has("Retry-After") && Number.isFinite(seconds) ? seconds : null;
  try {
    const body = (await response.json()) as { error?: { kind?: unknown; message?: unknown } };
    if (typeof body.error?.message === "string")
      return new ApiError(body.error.message, String(body.error.kind ?? ""), response.status, retryAfter);
  } catch {
    // not JSON: said below by its status alone
  }
  const busy = response.status === 429 || response.status === 503;
  const message = busy ? strings.errors.busy(retryAfter ?? 1) : response.status === 401 ? strings.errors.token : strings.errors.status(response.status);
  return new ApiError(message, "", response.status, retryAfter);
}

export const wait = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    }, { once: true });
  });

async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers: headers(init.headers as Record<string, string> | undefined) });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError(strings.errors.gone, "Unreachable", 0);
    }
    if (response.ok) return response;
    const wrong = await readError(response);
    const again = (response.status === 429 || response.status === 503) && attempt < 2 && (init.method ?? "GET") === "GET";
    if (!again) throw wrong;
    await wait(Math.min(5, wrong.retryAfter ?? 1) * 1000, init.signal ?? undefined);
  }
}

const options = (signal?: AbortSignal): RequestInit => (signal ? { signal } : {});

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await ask(jsonAddress(path), options(signal))).json()) as T;
}

export async function getBytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await ask(address(path), options(signal))).arrayBuffer();
}

export async function getBlob(path: string, signal?: AbortSignal): Promise<Blob> {
  return (await ask(address(path), options(signal))).blob();
}

const CHANGE = { "X-Birdsat": "1" }; // a page of another origin cannot send it: nothing is changed from elsewhere

export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const init = { ...options(signal), method: "POST", headers: { ...CHANGE, "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await ask(address(path), init);
  return (response.status === 204 ? null : await response.json()) as T;
}

export async function remove(path: string): Promise<void> {
  await ask(address(path), { method: "DELETE", headers: CHANGE });
}

/** Send a file, telling how much of it is there (0..1). Aborting the signal stops it. */
export function upload<T>(path: string, file: File, progress: (share: number) => void, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(path));
    for (const [name, value] of Object.entries(headers(CHANGE))) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(new ApiError(strings.errors.gone, "Unreachable", 0));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText) as T);
      else void readError(new Response(request.responseText, { status: request.status })).then(reject);
    };
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    const form = new FormData();
    form.append("file", file, file.name);
    request.send(form);
  });
}

/** Wait for a job, telling of each change. Aborting the signal cancels it there too. */
export async function follow<T>(started: Job<T>, tell: (job: Job<T>) => void, signal?: AbortSignal): Promise<T> {
  let job = started;
  let pause = 150;
  try {
    for (;;) {
      tell(job);
      if (job.state === "done") return job.result as T;
      if (job.state === "cancelled") throw new DOMException("stopped", "AbortError");
      if (job.state === "failed") {
        const said = typeof job.error === "string" ? { message: job.error } : job.error;
        throw new ApiError(said?.message ?? strings.errors.failed, "JobFailed", 200, null, said ?? null);
      }
      await wait(pause, signal);
      pause = Math.min(pause * 1.3, 1000);
      job = await getJson<Job<T>>(`v1/jobs/${encodeURIComponent(started.id)}`, signal);
    }
  } catch (error) {
    if (signal?.aborted) await remove(`v1/jobs/${encodeURIComponent(started.id)}`).catch(() => undefined);
    throw error;
  }
}

export async function runJob<T>(body: unknown, tell: (job: Job<T>) => void, signal?: AbortSignal, path = "v1/jobs"): Promise<T> {
  const started = await post<{ id: string } & Partial<Job<T>>>(path, body, signal);
  return follow({ verb: "", state: "queued", ...started } as Job<T>, tell, signal);
}

/** An answer that is made when it is first asked for: a job is told of and followed, and the answer asked for again. */
export async function getMade<T extends object>(path: string, tell: (job: Job<unknown> | null) => void, signal: AbortSignal): Promise<T> {
  for (;;) {
    const answer = await getJson<T | Job<unknown>>(path, signal);
    if (!("state" in answer && "verb" in answer)) return answer as T;
    await follow(answer, tell, signal);
    tell(null);
  }
}

export const wasStopped = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";
export const inWords = (error: unknown): string => (error instanceof Error ? error.message : String(error));
