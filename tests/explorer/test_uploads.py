"""Records and photos that are sent, and what becomes of them."""

import io
import time
from pathlib import Path
from typing import Any

import pytest
from made_explorer import Opened
from PIL import Image
from starlette.testclient import TestClient

from birdsat.explorer import uploads


@pytest.fixture(scope="module")
def own(opened: Opened) -> TestClient:
    return opened(upload_mb=0.2, quota_mb=0.5)


@pytest.fixture(autouse=True)
def rested(own: TestClient) -> None:
    """Each test begins as a caller who has asked for nothing yet; all together change more than one caller may."""
    guard: Any = own.app
    guard._rates.clear()


def _send(client: TestClient, data: bytes, name: str = "records.csv") -> Any:
    return client.post("/v1/uploads", files={"file": (name, data)})


def _ended(client: TestClient, job: str, seconds: float = 60) -> Any:
    until = time.monotonic() + seconds
    while (said := client.get(f"/v1/jobs/{job}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < until, said
        time.sleep(0.1)
    return said


def _photo(px: int = 800) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (px, px // 2), "green").save(out, "JPEG")
    return out.getvalue()


def test_a_table_is_sent_checked_listed_and_gone(own: TestClient, records: Path) -> None:
    sent = _send(own, records.read_bytes(), "../../<b>my\u202ebirds</b>.csv")
    assert sent.status_code == 201
    upload = sent.json()
    assert "/" not in upload["name"] and "\u202e" not in upload["name"] and upload["kind"] == "records"
    assert [one["id"] for one in own.get("/v1/uploads").json()["uploads"]] == [upload["id"]]
    address = f"/v1/uploads/{upload['id']}"
    assert own.get(f"{address}/dropped.csv").status_code == 404
    job = _ended(own, own.post(f"{address}/check").json()["id"])
    assert job["state"] == "done" and job["upload"] == upload["id"]
    found = job["result"]
    assert (found["rows"], found["kept"]) == (22, 20)
    assert found["taxa"] == [{"taxon": "Turdus merula", "records": 20}]
    assert sum(one["rows"] for one in found["dropped"]) == 2
    points = own.get(f"/{found['records_url']}").json()
    assert points["records"] == 20 and points["lon"][0] == 10.0 and points["month"][0] == 1
    dropped = own.get(f"/{found['dropped_url']}").text
    assert "'=1+1" in dropped and "\n=" not in dropped and ",=1" not in dropped  # no cell is a formula
    events = own.get(f"/v1/jobs/{job['id']}/events")
    assert events.headers["content-type"].startswith("text/event-stream") and '"state":"done"' in events.text
    assert own.delete(address).status_code == 204
    assert own.get("/v1/uploads").json()["uploads"] == [] and own.delete(address).status_code == 404


def test_a_table_that_cannot_be_read_fails_in_the_words_of_its_owner(own: TestClient) -> None:
    upload = _send(own, b"a,b\n1,2\n", "mine.csv").json()
    job = _ended(own, own.post(f"/v1/uploads/{upload['id']}/check").json()["id"])
    assert job["state"] == "failed" and job["error"]["kind"] == "InputError"
    assert "mine.csv" in job["error"]["message"] and "file.csv" not in job["error"]["message"]
    own.delete(f"/v1/uploads/{upload['id']}")


def test_what_is_too_large_is_refused_and_leaves_nothing(own: TestClient) -> None:
    refused = _send(own, b"x" * 250_000)
    assert refused.status_code == 413 and "0 MB" in refused.json()["error"]["message"]
    kept = [_send(own, b"x" * 150_000).json()["id"] for _ in range(3)]
    full = _send(own, b"x" * 150_000)
    assert full.status_code == 507 and "forget" in full.json()["error"]["message"]
    for id in kept:
        own.delete(f"/v1/uploads/{id}")
    assert own.get("/v1/uploads").json()["bytes"] == 0
    assert _send(own, b"").status_code == 422 and _send(own, b"MZ\x90", "a.exe").status_code == 422


def test_many_small_files_are_refused_as_well(own: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_UPLOADS", 1)
    kept = _send(own, b"a,b\n1,2\n").json()["id"]
    refused = _send(own, b"a,b\n1,2\n")
    assert refused.status_code == 507 and "forget" in refused.json()["error"]["message"]
    own.delete(f"/v1/uploads/{kept}")


def test_a_table_has_no_name_to_accept(own: TestClient) -> None:
    kept = _send(own, b"a,b\n1,2\n").json()["id"]
    said = own.post("/v1/review", json={"upload": kept, "taxon": "Turdus merula", "verdict": "accepted"})
    assert said.status_code == 422 and own.get("/v1/review").json() == []
    own.delete(f"/v1/uploads/{kept}")


def test_forms_that_are_none_are_422(own: TestClient) -> None:
    for content, kind in ((b"x", "text/plain"), (b"x", "multipart/form-data"), (b"{}", "application/json")):
        assert own.post("/v1/uploads", content=content, headers={"content-type": kind}).status_code == 422
    assert own.post("/v1/uploads", data={"file": "text"}).status_code == 422


def test_photos_are_shown_small_without_what_the_camera_wrote(own: TestClient) -> None:
    upload = _send(own, _photo(), "bird.jpg").json()
    thumb = own.get(f"/v1/uploads/{upload['id']}/thumb.jpg")
    picture = Image.open(io.BytesIO(thumb.content))
    assert picture.size == (512, 256) and not picture.getexif()
    broken = _send(own, b"\xff\xd8\xff" + b"x" * 500, "broken.jpg").json()
    answer = own.get(f"/v1/uploads/{broken['id']}/thumb.jpg")
    assert answer.status_code == 422 and answer.json()["error"]["kind"] == "ImageError"
    for one in (upload, broken):
        own.delete(f"/v1/uploads/{one['id']}")


def test_what_cannot_be_asked_of_a_job_says_why(own: TestClient, records: Path) -> None:
    upload = _send(own, records.read_bytes()).json()["id"]
    for asked, word in (
        ({"verb": "fits"}, "nearest: 'fit'"),
        ({"verb": "fit", "upload": "none"}, "no upload"),
        ({"verb": "fit", "upload": upload, "taxa": "x"}, "list"),
        ({"verb": "fit", "upload": upload, "taxon": []}, "nearest: 'taxa'"),
        ({"verb": "identify", "uploads": []}, "no photo"),
        ({"verb": "identify", "uploads": [upload]}, "run"),
        ({"verb": "locate", "upload": upload}, "run"),
        ({}, "allowed: fit"),
    ):
        answer = own.post("/v1/jobs", json=asked)
        assert answer.status_code in (404, 422) and word in answer.json()["error"]["message"], asked
    own.delete(f"/v1/uploads/{upload}")


def test_names_of_photos_are_accepted_corrected_and_given_as_tables(own: TestClient) -> None:
    upload = _send(own, _photo(), "=cmd.jpg").json()["id"]
    said = {"upload": upload, "taxon": "=Turdus  merula", "verdict": "corrected"}
    assert own.post("/v1/review", json=said).status_code == 204
    assert own.get("/v1/review").json()[0]["taxon"] == "=Turdus merula"
    assert "'=Turdus merula" in own.get("/v1/review.csv").text and "'=cmd.jpg" in own.get("/v1/review.csv").text
    assert "scientificName" in own.get("/v1/review.dwc.csv").text
    assert own.post("/v1/review", json={**said, "taxon": "Painted Bunting"}).status_code == 204
    assert "Passerina ciris,Painted Bunting" in own.get("/v1/review.dwc.csv").text  # of a run that speaks English
    assert own.post("/v1/review", json={**said, "verdict": "perhaps"}).status_code == 422
    assert own.post("/v1/review", json={**said, "upload": "0" * 32}).status_code == 404
    own.delete(f"/v1/uploads/{upload}")
    assert own.get("/v1/review").json() == []
