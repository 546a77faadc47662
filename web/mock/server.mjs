// A stand-in of birdsat's server for the page's own tests and for work on the page: made-up species on a lattice over
// Europe and North Africa, and the built page beside it. Nothing of it is shipped.
//
//   npm run mock -- 8791
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { answer } from "./answers.mjs";

const PAGE = fileURLToPath(new URL("../../birdsat/explorer/page/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".jpg": "image/jpeg", ".svg": "image/svg+xml" };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; worker-src 'self'; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function serve(port = 0) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://x");
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (url.pathname.startsWith("/v1/")) {
      const { status = 200, type = "application/json", body } = await answer(request.method, url, Buffer.concat(chunks));
      response.writeHead(status, { "Content-Type": type, "X-Content-Type-Options": "nosniff" });
      response.end(body instanceof Uint8Array || typeof body === "string" ? body : JSON.stringify(body));
      return;
    }
    const path = url.pathname === "/" ? "index.html" : normalize(url.pathname).slice(1);
    try {
      const body = await readFile(join(PAGE, path));
      response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream", "Content-Security-Policy": POLICY });
      response.end(body);
    } catch {
      response.writeHead(404, { "Content-Type": "application/json" });
      response.end("{}");
    }
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve({ port: server.address().port, close: () => new Promise((done) => server.close(done)) })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { port } = await serve(Number(process.argv[2] ?? 8791));
  console.log(`http://127.0.0.1:${port}/`);
}
