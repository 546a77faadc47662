"""Many at once, and for long: the server stays up, says only what it may, and its memory stays flat."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_world import TinyWorld

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]
_SOAK_MINUTES = float(os.environ.get("BIRDSAT_SOAK_MINUTES", "3"))  # 30 before a release
_GROWTH_MB = 48
_COUNT = """
local threads = {}
local paths = {%s}
function setup(thread) table.insert(threads, thread) end
function init(args) others, good, at = 0, 0, 0 end
function request() at = at + 1; return wrk.format("GET", paths[at %% #paths + 1]) end
function response(status)
  if status == 200 then good = good + 1 elseif status ~= 429 and status ~= 503 then others = others + 1 end
end
function done(summary, latency, requests)
  local o, g = 0, 0
  for _, thread in ipairs(threads) do o = o + thread:get("others"); g = g + thread:get("good") end
  print("counted " .. o .. " " .. g)
end
"""


class _Server:
    def __init__(self, tiny_world: TinyWorld, store: Path) -> None:
        words = ["serve", "--ranges", str(tiny_world.ranges), "--store", str(store), "--port", "0"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "birdsat", *words], stderr=subprocess.PIPE, text=True, env={**os.environ}
        )
        assert self.process.stderr is not None
        line = next(line for line in self.process.stderr if "http://" in line)
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.address = line.split()[4].removesuffix("v1/openapi.json").rstrip("/")
        models = json.loads(self.get("/v1/models"))
        self.base = f"/v1/models/{models[0]['id']}"
        self.keys = [row["key"] for row in json.loads(self.get(f"{self.base}/taxa"))]

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            data: bytes = answer.read()
        return data

    def paths(self) -> list[str]:
        of_taxa = [f"{self.base}/maps/{key}{ending}" for key in self.keys for ending in ("", "/suitability.bin")]
        model = self.base.split("/")[-1]
        tiles = [f"/v1/tiles/models/{model}/{self.keys[0]}/suitability/{n}/1/0/0.png" for n in range(12)]
        return ["/v1/about", "/v1/models", f"{self.base}/richness", f"{self.base}/cells.bin", *of_taxa, *tiles]

    @property
    def memory_mb(self) -> float:
        """Resident."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.fixture
def server(tiny_world: TinyWorld, tmp_path: Path) -> Iterator[_Server]:
    started = _Server(tiny_world, tmp_path / "store")
    yield started
    started.process.terminate()
    started.process.wait(20)


def test_two_hundred_connections_get_answers_or_are_told_to_wait(server: _Server, tmp_path: Path) -> None:
    wrk = shutil.which("wrk")
    if wrk is None:
        pytest.skip("wrk is not installed (apt install wrk)")
    script = tmp_path / "count.lua"
    script.write_text(_COUNT % ", ".join(json.dumps(path) for path in server.paths()))

    def load(seconds: int) -> tuple[int, int]:
        words = [wrk, "-t2", "-c200", f"-d{seconds}s", "-s", str(script), server.address]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        others, good = done.stdout.split("counted ")[1].split()[:2]
        return int(others), int(good)

    load(20)  # until all threads are there
    before = server.memory_mb
    others, good = load(60)
    assert others == 0 and good > 1000
    assert server.memory_mb - before < _GROWTH_MB
    time.sleep(6)
    assert json.loads(server.get("/v1/about"))["models"]


def test_memory_stays_flat_through_mixed_use(server: _Server) -> None:
    seen: Counter[int] = Counter()
    random_one, paths = random.Random(0), server.paths()
    csv = b"occurrenceID,scientificName,decimalLongitude,decimalLatitude\n" + b"a,Turdus merula,10,50\n" * 2000

    def ask(path: str, method: str = "GET", body: bytes | None = None, kind: str = "application/json") -> bytes:
        asked = urllib.request.Request(server.address + path, body, {"content-type": kind}, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                seen[answer.status] += 1
                data: bytes = answer.read()
                return data
        except urllib.error.HTTPError as error:
            seen[error.code] += 1
            return b""

    def use() -> None:
        form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + csv + b"\r\n--x--\r\n"
        if sent := ask("/v1/uploads", "POST", form, "multipart/form-data; boundary=x"):
            upload = json.loads(sent)["id"]
            ask(f"/v1/uploads/{upload}/check", "POST", b"")
            time.sleep(3)
            ask(f"/v1/uploads/{upload}", "DELETE")
        for _ in range(200):
            lon, lat = random_one.uniform(-180, 180), random_one.uniform(-60, 70)
            ask(f"{server.base}/place?lon={lon}&lat={lat}")
            ask(random_one.choice(paths))

    end, measured = time.monotonic() + 60 * _SOAK_MINUTES, []
    while time.monotonic() < end:
        use()
        measured.append(server.memory_mb)
    assert set(seen) <= {200, 201, 202, 204, 404, 422, 429, 503}, seen
    third = len(measured) // 3
    assert max(measured[2 * third :]) - max(measured[: third + 1]) < _GROWTH_MB, measured
