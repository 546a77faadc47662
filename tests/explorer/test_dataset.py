"""A dataset looked through, and photos named and located by a run."""

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_explorer import Opened
from made_runs import make_dataset, make_run, rows
from PIL import Image
from recorded import RecordedProgress
from starlette.testclient import TestClient
from tiny_world import TinyWorld

from birdsat.earth.date import mid_month
from birdsat.embeddings.regions.embed_cells import year_basis
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.errors import InputError, PlaceError
from birdsat.explorer import verbs
from birdsat.explorer.dataset_rows import DatasetRows
from birdsat.explorer.place_photos import PlacePhotos
from birdsat.explorer.scatter_files import ScatterFiles
from birdsat.progress import QUIET
from birdsat.workflows import registry


def test_rows_are_filtered_and_their_images_are_those_of_the_rows(client: TestClient) -> None:
    about = client.get("/v1/dataset").json()
    assert about["rows"] == sum(about["splits"].values()) == sum(one["rows"] for one in about["taxa"])
    everything = client.get("/v1/dataset/rows", params={"limit": 500}).json()
    assert everything["total"] == about["rows"]
    taxon = about["taxa"][0]["taxon"]
    of_taxon = client.get("/v1/dataset/rows", params={"taxon": taxon, "limit": 500}).json()
    assert of_taxon["total"] == about["taxa"][0]["rows"] and {row["taxon"] for row in of_taxon["rows"]} == {taxon}
    test = client.get("/v1/dataset/rows", params={"split": "test", "limit": 500}).json()
    assert test["total"] == about["splits"]["test"] and {row["split"] for row in test["rows"]} <= {"test"}
    months = [client.get("/v1/dataset/rows", params={"month": month}).json()["total"] for month in range(12)]
    assert sum(months) == sum(row["date"] is not None for row in everything["rows"])
    row = everything["rows"][-1]
    for address in (row["photo_url"], row["chip_url"]):
        answer = client.get(f"/{address}")
        assert answer.headers["content-type"].startswith("image/")
        assert Image.open(io.BytesIO(answer.content)).width > 0
    assert client.get(f"/v1/dataset/photo/{about['rows']}.jpg").status_code == 404


def test_without_a_dataset_or_run_that_is_said(opened: Opened) -> None:
    client = opened()
    for address in ("/v1/dataset", "/v1/dataset/rows", "/v1/dataset/scatter", "/v1/dataset/confusions"):
        answer = client.get(address)
        assert answer.status_code == 404 and "was named" in answer.json()["error"]["message"]


def test_photos_lie_in_two_dimensions_with_their_rows(client: TestClient) -> None:
    first = client.get("/v1/dataset/scatter")
    assert first.status_code == 202
    assert client.get("/v1/dataset/scatter").json()["id"] == first.json()["id"]  # one job is enough
    until = time.monotonic() + 60
    while (said := client.get(f"/v1/jobs/{first.json()['id']}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert said["state"] == "done", said
    about = client.get("/v1/dataset/scatter").json()
    data = client.get(f"/{about['points_url']}").content
    n = about["n"]
    points, rows = np.frombuffer(data[: 8 * n], "<f4").reshape(n, 2), np.frombuffer(data[8 * n : 12 * n], "<i4")
    taxa = np.frombuffer(data[12 * n :], "<i4")
    assert np.abs(points).max() == pytest.approx(1) and len(np.unique(rows)) == n
    listed = client.get("/v1/dataset/rows", params={"limit": 500}).json()["rows"]
    assert all(listed[row]["taxon"] == about["taxa"][taxon] for row, taxon in zip(rows, taxa, strict=True))


def test_a_dataset_without_photos_says_so(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", [replace(row, photo=None) for row in rows()])
    asked = {"run": str(make_run(tmp_path / "run")), "dataset": str(dataset.folder), "out": str(tmp_path / "out")}
    with pytest.raises(InputError, match="has no photos"):
        verbs.scatter(asked, QUIET)
    assert not (tmp_path / "out").exists()


def test_a_place_is_shown_the_photos_most_like_it(client: TestClient) -> None:
    at = {"lon": 10.5, "lat": 50.5, "month": 5}
    until = time.monotonic() + 60
    while (answer := client.get("/v1/place/photos", params={**at, "most": 6})).status_code == 202:
        assert time.monotonic() < until
        time.sleep(0.2)
    photos = answer.json()["photos"]
    assert len(photos) == 6 == len({one["row"] for one in photos})
    likeness = [one["similarity"] for one in photos]
    assert likeness == sorted(likeness, reverse=True) and likeness[-1] >= -1 and likeness[0] <= 1
    listed = client.get("/v1/dataset/rows", params={"limit": 500}).json()["rows"]
    assert all({**listed[one["row"]], "similarity": one["similarity"]} == one for one in photos)
    fewer = client.get("/v1/place/photos", params={**at, "most": 2}).json()["photos"]
    assert [one["row"] for one in fewer] == [one["row"] for one in photos[:2]]
    assert client.get("/v1/place/photos", params={"lon": 10.5, "lat": 50.5}).status_code == 200
    assert client.get("/v1/about").json()["has"]["place_photos"] is True


def test_a_region_of_the_run_stands_for_imagery_and_knows_nothing_elsewhere(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    rows = DatasetRows(tiny_world.dataset)
    out = tmp_path / "scatter"
    asked = {"run": str(tiny_world.run), "dataset": str(tiny_world.dataset), "out": str(out)}
    verbs.scatter(asked, RecordedProgress())
    made = ScatterFiles(folder=out)
    embeddings, at = made.photos()
    of_region = PlacePhotos(tiny_world.run, rows, made, region=tiny_world.region, imagery=None)
    lon, lat = open_region(tiny_world.region).grid.centres(open_region(tiny_world.region).cells()[:1])[0].tolist()
    found = of_region.answer(lon, lat, 5, 3)["photos"]
    year = open_region(tiny_world.region).at(np.array([[lon, lat]]), ("year",)).year[0]
    place = year_basis(np.array([mid_month(6)]), (len(year) - 1) // 2) @ year
    cosines = embeddings @ (place[0] / np.linalg.norm(place[0]))
    assert [one["row"] for one in found] == at[np.argsort(-cosines)[:3]].tolist()
    assert [one["similarity"] for one in found] == pytest.approx(np.sort(cosines)[::-1][:3], abs=2e-3)
    with pytest.raises(PlaceError, match="shows nothing"):
        of_region.answer(-170, -80, 5, 3)


def test_a_photo_is_located_among_the_cells(tiny_world: TinyWorld, tmp_path: Path) -> None:
    photo = tmp_path / "file.jpg"
    photo.write_bytes(tiny_world.photo.read_bytes())
    asked = {
        "run": str(tiny_world.run),
        "ranges": None,
        "region": str(tiny_world.region),
        "month": 6,
        "sharpest_km": 1,
        "upload": "u",
        "folder": str(tmp_path),
        "file": "file.jpg",
        "name": "bird.jpg",
    }
    said = verbs.locate(asked, RecordedProgress())
    cells = np.frombuffer((tmp_path / "located-cells.bin").read_bytes(), "<i4")
    values = np.frombuffer((tmp_path / "located.bin").read_bytes(), np.uint8)
    assert cells[0] == len(values) == said["grid"]["cells"] and values.max() == 254
    assert said["layer"]["url"] == "v1/uploads/u/located.bin" and said["estimates"][0]["photo"] == "bird.jpg"
    assert [one["rank"] for one in said["places"]] == list(range(1, len(said["places"]) + 1))
    assert all(one["chip_url"].startswith("v1/chip.png?lon=") for one in said["places"])
    shares = [one["probability"] for one in said["places"]]  # rank and number agree, and both with the map
    assert shares == sorted(shares, reverse=True) and len(set(shares)) > 1
    top = np.sort(values[values < 255])[::-1][: len(shares)] * said["layer"]["scale"]
    assert shares == pytest.approx(top, abs=said["layer"]["scale"])


@dataclass(frozen=True)
class _FakeRequest:
    run: str
    photos: tuple[str, ...]
    out: tuple[Path, ...]
    top: int
    place: tuple[float, float] | None = None
    date: str | None = None


@dataclass(frozen=True)
class _FakeVerb:
    does: Callable[[_FakeRequest, Any], None]
    request = _FakeRequest

    def __call__(self, request: _FakeRequest, progress: Any) -> None:
        self.does(request, progress)


def test_photos_are_named_by_the_verb_identify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[_FakeRequest] = []

    def identify(request: _FakeRequest, progress: Any) -> None:
        asked.append(request)
        lines = [json.dumps({"photo": photo, "taxon": "Turdus merula", "score": 0.9}) for photo in request.photos]
        request.out[0].write_text("\n".join(lines))

    monkeypatch.setitem(registry.VERBS, "identify", _FakeVerb(identify))  # type: ignore[arg-type]
    photos = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 30)).save(tmp_path / name / "file.jpg")
        photos.append(
            {"upload": f"id-{name}", "folder": str(tmp_path / name), "file": "file.jpg", "name": f"{name}.jpg"}
        )
    said = verbs.identify({"run": "r", "photos": photos, "place": [1.5, 2], "date": "2024-05-01"}, QUIET)
    assert [(one["photo"], one["upload"], one["taxon"]) for one in said["photos"]] == [
        ("a.jpg", "id-a", "Turdus merula"),
        ("b.jpg", "id-b", "Turdus merula"),
    ]
    assert said["photos"][0]["thumb_url"] == "v1/uploads/id-a/thumb.jpg" and (tmp_path / "a" / "thumb.jpg").is_file()
    assert asked[0].place == (1.5, 2) and asked[0].date == "2024-05-01"
