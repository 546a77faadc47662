"""From a table that is dropped to a map, a restart later, and gone when asked."""

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_explorer import HERE
from PIL import Image
from starlette.testclient import TestClient

from birdsat.explorer.app import create_app
from birdsat.explorer.site import Site
from birdsat.explorer.state import State
from birdsat.workflows.explorer_example import example_table
from birdsat.workflows.requests.explorer import ServeRequest

pytestmark = pytest.mark.slow


def _client(store: Path) -> TestClient:
    return TestClient(create_app(State.of(Site(ServeRequest(store=store)))), base_url=HERE)


def _ended(client: TestClient, id: str) -> Any:
    until = time.monotonic() + 300
    while (said := client.get(f"/v1/jobs/{id}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < until, said
        time.sleep(0.5)
    return said


def test_a_table_becomes_a_map_that_outlives_a_restart_and_is_forgotten(tmp_path: Path) -> None:
    table = example_table(tmp_path)
    with _client(tmp_path / "store") as client:
        sent = client.post("/v1/uploads", files={"file": ("mine.csv", table.read_bytes())}).json()
        asked = {"verb": "fit", "upload": sent["id"], "taxa": ["Mendosa arida"], "name": "My <b>birds</b>"}
        begun = client.post("/v1/jobs", json=asked).json()
        time.sleep(2)
    with _client(tmp_path / "store") as client:  # the fit was under way
        said = _ended(client, begun["id"])
        assert said["state"] == "done", said
        id = said["result"]["model"]
        base = f"/v1/models/{id}"
    with _client(tmp_path / "store") as client:
        listed = next(one for one in client.get("/v1/models").json() if one["id"] == id)
        assert (listed["name"], listed["kind"], listed["taxa"]) == ("My <b>birds</b>", "project", 1)
        said = client.get(f"{base}/maps/Mendosa_arida").json()
        values = np.frombuffer(client.get(f"/{said['layers']['suitability']['url']}").content, np.uint8)
        assert values.max() > 150 and said["records_url"] and said["layers"]["effort"]
        assert client.get(f"/{said['records_url']}").json()["records"] == 600
        png = client.get(f"/{said['downloads']['png']}", params={"month": 5})
        assert Image.open(io.BytesIO(png.content)).width > 300
        page = client.get(f"/{said['downloads']['report']}")
        assert (
            page.status_code == 200
            and b"Mendosa arida" in page.content
            and "sandbox" in page.headers["content-security-policy"]
        )
        assert client.get(f"/{said['downloads']['gpkg']}").content.startswith(b"SQLite format 3")
        assert client.delete(base).status_code == 204
        assert client.get(f"{base}/grid").status_code == 404 and client.get("/v1/uploads").json()["uploads"] == []
        assert not list((tmp_path / "store" / "projects").iterdir())
        assert client.delete("/v1/models/example").status_code in (404, 422)
