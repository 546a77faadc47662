"""A static site: the same numbers as the server's, in plain files."""

import json
import threading
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_explorer import Opened
from recorded import RecordedProgress
from starlette.testclient import TestClient
from tiny_world import TinyWorld

from birdsat.errors import ConfigError
from birdsat.explorer import export
from birdsat.explorer.export import MOST_BYTES, STATIC_MARK
from birdsat.explorer.routes import site
from birdsat.explorer.serve import explore
from birdsat.ranges.load import load_ranges
from birdsat.workflows.requests.explorer import ExploreRequest


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page that is built."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><html><head><title>x</title></head></html>")
    (folder / "assets" / "a-1.js").write_text("1")
    monkeypatch.setattr(site, "PAGE", folder)
    return folder


def _export(tiny_world: TinyWorld, tmp_path: Path, **settings: object) -> Path:
    out = tmp_path / "site"
    request = ExploreRequest(ranges=tiny_world.ranges, store=tmp_path / "store", export=out, **settings)  # type: ignore[arg-type]
    explore(request, RecordedProgress())
    return out


def test_a_plain_web_server_gives_what_the_explorer_gives(
    client: TestClient, base: str, tiny_world: TinyWorld, tmp_path: Path, page: Path
) -> None:
    out = _export(tiny_world, tmp_path)
    handler = partial(SimpleHTTPRequestHandler, directory=str(out))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def plain(address: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/{address}") as answer:
            data: bytes = answer.read()
        return data

    assert STATIC_MARK in plain("").decode() and plain("assets/a-1.js") == b"1"
    assert json.loads(plain("v1/about.json"))["page"] == {"static": True}
    id = base.split("/")[-1]
    assert json.loads(plain("v1/models.json"))[0]["id"] == id
    compared = 0
    for row in json.loads(plain(f"v1/models/{id}/taxa.json")):
        said = json.loads(plain(f"v1/models/{id}/maps/{row['key']}.json"))
        assert said["downloads"] is None
        for layer in filter(None, said["layers"].values()):
            assert plain(layer["url"]) == client.get(f"/{layer['url']}").content
            compared += 1
    richness = json.loads(plain(f"v1/models/{id}/richness.json"))
    for layer in filter(None, richness["layers"].values()):
        assert plain(layer["url"]) == client.get(f"/{layer['url']}").content
    assert plain(f"v1/models/{id}/places/0.bin") == client.get(f"{base}/places/0.bin").content
    assert plain(f"v1/models/{id}/cells.bin") == client.get(f"{base}/cells.bin").content
    assert json.loads(plain(f"v1/models/{id}/grid.json")) == client.get(f"{base}/grid").json()
    assert compared >= 8
    server.shutdown()
    assert max(file.stat().st_size for file in out.rglob("*") if file.is_file()) < MOST_BYTES


def test_places_of_sensitive_records_are_left_out(tiny_world: TinyWorld, tmp_path: Path, page: Path) -> None:
    taxon = load_ranges(tiny_world.ranges).facts.taxa[0]
    (tmp_path / "names.txt").write_text(taxon)
    out = _export(tiny_world, tmp_path, sensitive=tmp_path / "names.txt")
    key = taxon.replace(" ", "_")
    (told,), (counted,) = out.rglob(f"records/{key}.json"), out.rglob(f"maps/{key}/records.bin")
    assert json.loads(told.read_text())["lon"] == [] and not any(counted.read_bytes())
    assert any(any(file.read_bytes()) for file in out.rglob("maps/*/records.bin"))  # those of others are there


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("x")
    with pytest.raises(ConfigError, match="holds something"):
        ExploreRequest(export=tmp_path)


def test_a_file_that_hosts_would_refuse_is_an_error_that_names_it(
    tiny_world: TinyWorld, tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_BYTES", 100)
    with pytest.raises(Exception, match="take a model of fewer cells"):
        _export(tiny_world, tmp_path)


def test_the_page_is_served_with_its_assets_kept_for_ever(page: Path, opened: Opened) -> None:
    client = opened()
    first = client.get("/")
    assert first.headers["content-type"].startswith("text/html") and first.headers["cache-control"] == "no-cache"
    asset = client.get("/assets/a-1.js")
    assert "immutable" in asset.headers["cache-control"] and asset.headers["content-type"].startswith("text/javascript")
    (page / "link").symlink_to("/etc/passwd")
    for name in ("link", "../pyproject.toml", "assets", "assets/../index.html/"):
        assert client.get(f"/{name}").status_code in (200, 404) and "root:" not in client.get(f"/{name}").text
