"""How fast the explorer answers: the first view, a change of map, fifty tiles at once, and one's own map.

    python benchmarks/explorer.py [--rounds N] [--fit]

Starts a server in a folder of its own, with the example of invented birds (26,601 cells, 12 months), asks it over
loopback from this process, and prints a table and JSON. --fit: also how long a table of 3,600 records takes from the
upload to the map. Server and client share the processor.
"""

import argparse
import http.client
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from birdsat.workflows.explorer_example import example_table

AT_ONCE = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--store", type=Path, default=None, help="one that was used before")
    asked = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = asked.store or Path(folder) / "store"
        with _server(store) as (port, _):
            _look(port)
        with _server(store) as (port, begun):
            _get(port, "/v1/about")
            figures["started until /v1/about is answered, s"] = time.perf_counter() - begun
            base, keys = _model(port)
            figures["/v1/about, ms"] = _median(port, ["/v1/about"] * asked.rounds)
            figures["another taxon: what is said and its twelve months, kept, ms"] = 1000 * statistics.median(
                _seconds(port, [f"{base}/maps/{key}", f"{base}/maps/{key}/suitability.bin"]) for key in keys
            )
            figures["a place: all taxa and their years, ms"] = _median(
                port, [f"{base}/place?lon={-100 + n}&lat=40" for n in range(asked.rounds)]
            )
            tiles = [
                f"/v1/tiles/models/{base.split('/')[-1]}/{keys[0]}/suitability/{month}/5/{x}/{y}.png"
                for month in range(12)
                for x in range(5, 10)
                for y in range(10, 15)
            ][:AT_ONCE]
            _get(port, tiles[-1].replace("/5/", "/6/"))  # the region is prepared: its values are in memory
            figures[f"tiles not asked for before, {AT_ONCE} at once, median ms"] = _at_once(port, tiles)
            time.sleep(3)
            again = [_at_once(port, tiles) for _ in range(asked.rounds)]
            figures[f"the same tiles again, {AT_ONCE} at once, median ms"] = statistics.median(again)
            if asked.fit:
                figures["own table: upload to map, s"] = _own_map(port, example_table(Path(folder)))
    print("| what | |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value:.3g} |")
    print(json.dumps({"processor": platform.processor() or platform.machine(), **figures}))


@contextmanager
def _server(store: Path) -> Iterator[tuple[int, float]]:
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "birdsat", "serve", "--store", str(store), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = next(line for line in process.stderr if "http://" in line)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield int(line.split("http://127.0.0.1:")[1].split("/")[0]), begun
    finally:
        process.terminate()
        process.wait()


def _get(port: int, address: str, connection: http.client.HTTPConnection | None = None) -> bytes:
    connection = connection or http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", address, headers={"accept-encoding": "gzip"})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{address}: {answer.status} {data[:200]!r}")
    return data


def _said(port: int, address: str) -> object:
    import gzip

    data = _get(port, address)
    return json.loads(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)


def _look(port: int) -> None:
    base, keys = _model(port)
    for key in keys:  # so that what is measured is kept, as after a first look
        _get(port, f"{base}/maps/{key}")


def _model(port: int) -> tuple[str, list[str]]:
    models = _said(port, "/v1/models")
    assert isinstance(models, list)
    base = f"/v1/models/{models[0]['id']}"
    taxa = _said(port, f"{base}/taxa")
    assert isinstance(taxa, list)
    return base, [row["key"] for row in taxa]


def _seconds(port: int, addresses: Sequence[str]) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    begun = time.perf_counter()
    for address in addresses:
        _get(port, address, connection)
    return time.perf_counter() - begun


def _median(port: int, addresses: Sequence[str]) -> float:
    return 1000 * statistics.median(_seconds(port, [address]) for address in addresses)


def _at_once(port: int, addresses: Sequence[str]) -> float:
    """Median of the milliseconds that each takes when all are asked for at the same moment, connected before."""
    taken: list[float] = []
    ready = threading.Barrier(len(addresses))

    def ask(address: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.connect()
        ready.wait()
        begun = time.perf_counter()
        _get(port, address, connection)
        taken.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=ask, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1000 * statistics.median(taken)


def _own_map(port: int, table: Path) -> float:
    begun = time.perf_counter()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="mine.csv"\r\n\r\n'
        + table.read_bytes()
        + b"\r\n--x--\r\n"
    )
    upload = _post(port, "/v1/uploads", body, "multipart/form-data; boundary=x")
    fit = json.dumps({"verb": "fit", "upload": upload["id"], "name": "benchmark"}).encode()
    job = _post(port, "/v1/jobs", fit, "application/json")
    while (said := _said(port, f"/v1/jobs/{job['id']}")) and said["state"] in ("queued", "running"):  # type: ignore[index]
        time.sleep(0.2)
    base = f"/v1/models/{said['model']}"  # type: ignore[index]
    key = _said(port, f"{base}/taxa")[0]["key"]  # type: ignore[index]
    _get(port, f"{base}/maps/{key}")
    _get(port, f"{base}/maps/{key}/suitability.bin")
    return time.perf_counter() - begun


def _post(port: int, address: str, body: bytes, kind: str) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", address, body, {"content-type": kind})
    said: dict[str, str] = json.loads(connection.getresponse().read())
    return said


if __name__ == "__main__":
    main()
