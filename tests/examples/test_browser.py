"""The example in a browser, in one without a window, on files that this machine alone serves."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue

import numpy as np
import onnxruntime
import pytest
import torch
from made_runs import PX, make_run
from PIL import Image
from small_methods import METHODS

from birdsat.methods.classifier import ClassifierConfig
from birdsat.training.run_folder import MODEL_FILE, load_run, replace_weights
from birdsat.workflows.export import export
from birdsat.workflows.requests.export import ExportRequest

EXAMPLE = Path(__file__).parents[2] / "examples" / "browser"
TAXA = ("Corvus corax", "Pica pica", "Parus major", "Cyanistes caeruleus")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
# Added to the page: tells the server of this test what the list says, as soon as it says something.
TELLS = """<script>
new MutationObserver(() => fetch("/said", {method: "POST", body: document.querySelector("ol").innerText}))
  .observe(document.querySelector("ol"), {childList: true});
addEventListener("unhandledrejection", (event) => fetch("/said", {method: "POST", body: "failed: " + event.reason}));
</script>"""


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, "Queue[str]"]]:
    """The folder by HTTP on this machine, and what pages tell of themselves."""
    said: Queue[str] = Queue()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            said.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", said
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The example with what it needs beside it, and a photo."""
    page = shutil.copytree(EXAMPLE, tmp_path / "page", ignore=shutil.ignore_patterns("node_modules"))
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    done = subprocess.run(
        [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=page, capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"npm cannot fetch onnxruntime-web: {done.stderr[-300:]!r}")
    run = make_run(tmp_path / "run", ClassifierConfig(backbone=METHODS["mae"], taxa=TAXA, class_counts=(1, 1, 1, 1)))
    method = load_run(run).method
    with torch.no_grad():
        method.head.taxa.weight.mul_(100)  # type: ignore[union-attr, operator]  # else all taxa are about as likely
    replace_weights(method, run / MODEL_FILE)
    export(ExportRequest(run=run, out=page / "exported", part="classifier", int8=True))
    pixels = np.random.default_rng(3).integers(0, 256, (PX, PX, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(page / "bird.png")
    html = (page / "index.html").read_text()
    (page / "index.html").write_text(html.replace("<script type", f"{TELLS}\n<script type", 1))
    return page


@pytest.mark.slow
def test_the_page_names_a_photo_as_the_same_file_does_in_python(page: Path, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Debian's chromium is not installed")
    with served(page) as (address, said):
        own = f"--user-data-dir={tmp_path / 'profile'}"
        browser = subprocess.Popen(
            [chromium, *FLAGS, own, f"{address}/index.html?photo=bird.png"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            lines = said.get(timeout=60).splitlines()
        except Empty:
            pytest.fail("the page said nothing in a minute")
        finally:
            browser.terminate()
            browser.wait(timeout=20)
    labels = json.loads((page / "exported" / "export.json").read_text())["labels"]
    pixels = np.asarray(Image.open(page / "bird.png")).transpose(2, 0, 1)[None]
    session = onnxruntime.InferenceSession(
        page / "exported" / "classifier-int8.onnx", providers=["CPUExecutionProvider"]
    )
    (probability,) = session.run(["probability"], {"photo": pixels})[0]
    best = np.argsort(-probability)[:3]
    assert [line.rpartition(": ")[0] for line in lines] == [labels[label] for label in best]
    shares = [float(line.rpartition(": ")[2]) for line in lines]
    assert shares == pytest.approx(probability[best].tolist(), abs=0.01)


def test_the_page_is_short_and_asks_nothing_beyond_its_own_server() -> None:
    html = (EXAMPLE / "index.html").read_text()
    assert len(html.splitlines()) <= 36 and "http://" not in html and "https://" not in html
