"""Names of taxa, files and columns that would be markup, a formula or mathematics somewhere: they stay text."""

import html
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_explorer import Opened
from recorded import RecordedProgress
from starlette.testclient import TestClient
from tiny_world import BOX, NORTH, SOUTH, STEP, TinyWorld, small_fit

from birdsat.explorer import verbs
from birdsat.explorer.answers import to_json
from birdsat.explorer.export import export_site
from birdsat.explorer.site import Site
from birdsat.explorer.state import State
from birdsat.workflows.requests.explorer import ServeRequest

SCRIPT, IMAGE = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'
TAXA = (SCRIPT, IMAGE, "$\\frac{1$ <svg onload=alert(1)>", "=HYPERLINK(1)")
COLUMN = "<script>alert(2)</script>"
TABLE = '"><img src=x onerror=alert(3)>.csv'
_RAW = re.compile(r"<\s*(?:script|img\s+src=x|svg\s+onload)", re.IGNORECASE)


@dataclass(frozen=True)
class Hostile:
    """A model of such names, and an explorer of it."""

    table: Path
    ranges: Path
    client: TestClient

    @property
    def base(self) -> str:
        return f"/v1/models/{self.client.get('/v1/models').json()[0]['id']}"


@pytest.fixture(scope="module")
def hostile(opened: Opened, tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    table = folder / TABLE
    rows = [f'"{COLUMN}",lon,lat,date']
    lons = [BOX.west + STEP * (n + 0.5) for n in range(6)]
    for n, taxon in enumerate(TAXA):
        quoted = '"' + taxon.replace('"', '""') + '"'
        rows += [f"{quoted},{lon},{NORTH if n % 2 else SOUTH},2020-0{1 + n}-10" for lon in lons]
    table.write_text("\n".join(rows) + "\n")
    ranges = folder / "model"
    small_fit(tables=table, region=tiny_world.region, out=ranges, columns=(f"taxon={COLUMN}",))
    yield Hostile(table, ranges, opened(ranges=ranges, region=tiny_world.region))


def test_the_api_sends_them_as_json_in_which_no_tag_begins(hostile: Hostile) -> None:
    client, base = hostile.client, hostile.base
    taxa = client.get(f"{base}/taxa")
    assert {row["taxon"] for row in taxa.json()} == set(TAXA)
    keys = [row["key"] for row in taxa.json()]
    assert all(re.fullmatch(r"[\w.$=-]+|[\w.=-]+", key) for key in keys)
    place = {"lon": BOX.west + 1, "lat": NORTH}
    asked = [
        ("/v1/about", {}),
        ("/v1/models", {}),
        (f"{base}/taxa", {"q": SCRIPT}),
        (f"{base}/taxa", {"q": "nothing <script>"}),
        (f"{base}/place", place),
        (f"{base}/richness", {}),
        (f"{base}/places.json", {}),
        *((f"{base}/maps/{key}", {}) for key in keys),
        *((f"{base}/records/{key}", {}) for key in keys),
        (f"{base}/maps/{SCRIPT}x", {}),  # which are not there: what was asked for is in the error
        (f"{base}/maps/x", {"<script>": "<script>"}),
        ("/v1/jobs/<script>", {}),
        ("/v1/<script>alert(1)</script>", {}),
    ]
    for address, query in asked:
        for accept in ("application/json", "text/html"):
            answer = client.get(address, params=query, headers={"accept": accept})
            assert not _RAW.search(answer.text), address
            assert answer.headers["content-type"] == "application/json", address
            assert answer.headers["x-content-type-options"] == "nosniff"
            json.loads(answer.text)
    table = client.get(f"{base}/place.csv", params=place)
    assert table.headers["content-type"].startswith("text/csv") and "attachment" in table.headers["content-disposition"]
    assert "'=HYPERLINK(1)" in table.text


def test_a_page_of_an_error_shows_them_as_text(hostile: Hostile) -> None:
    page = hostile.client.get("/<script>alert(1)</script>.html", headers={"accept": "text/html"})
    assert page.status_code == 404 and page.headers["content-type"].startswith("text/html")
    assert not _RAW.search(page.text) and "&lt;script&gt;" in page.text
    assert "script-src" not in page.headers["content-security-policy"]


@pytest.mark.parametrize("taxon", [SCRIPT, TAXA[2]])
def test_maps_pictures_and_reports_show_them_as_text(hostile: Hostile, taxon: str, tmp_path: Path) -> None:
    asked = {
        "ranges": str(hostile.ranges),
        "region": None,
        "taxon": taxon,
        "months": [6],
        "threshold": "max_sss",
        "out": str(tmp_path),
    }
    report = Path(verbs.download({**asked, "ending": "html"}, RecordedProgress())["file"])
    page = report.read_text()
    assert not _RAW.search(page) and html.escape(taxon) in page.replace("&#x27;", "&#39;")
    assert not re.search(r"<(script|link|iframe|object|embed)\b", page)
    table = Path(verbs.download({**asked, "ending": "csv"}, RecordedProgress())["file"])
    assert not any(line.startswith("=") for line in table.read_text().splitlines())
    for path in tmp_path.rglob("*"):  # styles for QGIS, and whatever else is XML
        assert path.resolve().is_relative_to(tmp_path.resolve())
        if path.suffix in (".qml", ".svg", ".xml"):
            ET.fromstring(path.read_text())


def test_a_static_site_has_them_in_no_page(hostile: Hostile, tiny_world: TinyWorld, tmp_path: Path) -> None:
    state = State.of(Site(ServeRequest(ranges=hostile.ranges, region=tiny_world.region, store=tmp_path / "store")))
    try:
        files = export_site(state, tmp_path / "site")
    finally:
        state.stop()
    texts = [path for path in files if path.suffix in (".html", ".svg", ".json")]
    assert len([path for path in texts if path.suffix == ".json"]) > 2 * len(TAXA)
    for path in texts:
        if "assets" not in path.parts:
            assert not re.search(r"alert\(\d\)</script|<img src=x|<svg onload", path.read_text()), path
    assert all(path.resolve().is_relative_to((tmp_path / "site").resolve()) for path in files)


def test_a_table_and_its_columns_are_called_so_in_answers(hostile: Hostile) -> None:
    client = hostile.client
    sent = client.post("/v1/uploads", files={"file": ("<script>alert(4)</script>.csv", hostile.table.read_bytes())})
    assert sent.status_code == 201 and not _RAW.search(sent.text)
    address = f"/v1/uploads/{sent.json()['id']}"
    job = client.post(f"{address}/check").json()["id"]
    events = client.get(f"/v1/jobs/{job}/events").text
    assert "has no column for the taxon" in events and not _RAW.search(events)
    said = client.get(f"/v1/jobs/{job}")
    assert not _RAW.search(said.text) and said.json()["error"]["table"]["columns"][0]["name"] == COLUMN
    for listing in ("/v1/uploads", "/v1/jobs"):
        assert not _RAW.search(client.get(listing).text)


def test_what_became_of_the_rows_of_such_a_table_is_told(hostile: Hostile, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(hostile.table.read_bytes())
    asked = {"folder": str(tmp_path), "file": "file.csv", "name": TABLE, "upload": "u", "columns": [f"taxon={COLUMN}"]}
    said = verbs.check(asked, RecordedProgress())
    assert {one["taxon"] for one in said["taxa"]} == set(TAXA) and not _RAW.search(to_json(said).decode())
