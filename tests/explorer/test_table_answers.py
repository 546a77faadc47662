"""Tables that their reader asks about: what is got, and how the answer is given."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from made_explorer import Opened
from starlette.testclient import TestClient

from birdsat.errors import ConfigError, InputError
from birdsat.explorer import verbs, work
from birdsat.explorer.table_answers import answered, columns_of
from birdsat.progress import QUIET
from birdsat.workflows import fit_ranges
from birdsat.workflows.requests.ranges import FitRequest

ART = "\n".join(["Art,Rechts,lat,Tag", *(f"Turdus merula,{10 + n / 9},{50 + n / 9},2020-05-01" for n in range(9))])
SWAPPED = "\n".join(["species,lon,lat", *(f"Turdus merula,{35 + n},{-95 + n}" for n in range(9))])


def _asked(tmp_path: Path, text: str, **more: Any) -> dict[str, Any]:
    (tmp_path / "file.csv").write_text(text)
    told = {"folder": str(tmp_path), "file": "file.csv", "name": "mine.csv", "upload": "u", "taxa": [], **more}
    return {"out": str(tmp_path / "model"), "called": "Mine", **told}


def _ended(client: TestClient, job: str) -> Any:
    until = time.monotonic() + 60
    while (said := client.get(f"/v1/jobs/{job}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < until, said
        time.sleep(0.1)
    return said


def test_a_check_that_fails_says_the_columns_and_is_answered_with_which_is_which(opened: Opened) -> None:
    client = opened()
    upload = client.post("/v1/uploads", files={"file": ("mine.csv", ART.encode())}).json()["id"]
    address = f"/v1/uploads/{upload}/check"
    error = _ended(client, client.post(address).json()["id"])["error"]
    assert error["settings"] == ["columns"] and "mine.csv has no column for the taxon" in error["message"]
    table = error["table"]
    assert [one["name"] for one in table["columns"]] == ["Art", "Rechts", "lat", "Tag"]
    assert table["columns"][0]["examples"] == ["Turdus merula"] and table["found"] == {"lat": "lat"}
    columns = {"taxon": "Art", "lon": "Rechts", "date": "Tag"}
    said = _ended(client, client.post(address, json={"columns": columns}).json()["id"])
    assert said["state"] == "done" and said["result"]["kept"] == 9
    points = client.get(f"/{said['result']['records_url']}").json()
    assert points["lon"][0] == 10 and points["month"][0] == 5
    wrong = _ended(client, client.post(address, json={"columns": {"taxon": "Vogel"}}).json()["id"])
    assert "no column 'Vogel'" in wrong["error"]["message"] and wrong["error"]["table"]["columns"]
    for asked, what in (
        ({"columns": ["Art"]}, "columns"),
        ({"columns": {"bird": "Art"}}, "columns"),
        ({"columns": {"taxon": 5}}, "columns"),
        ({"crs": 25832}, "crs"),
        ({"trust_places": True}, "trust_places"),  # which is asked of a fit
    ):
        refused = client.post(address, json=asked)
        assert refused.status_code == 422 and refused.json()["error"]["settings"] == [what], asked


def test_a_fit_of_swapped_places_is_refused_and_done_when_they_are_to_be_believed_or_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _asked(tmp_path, SWAPPED)
    with pytest.raises(InputError, match="longitude and latitude look swapped") as caught:
        verbs.fit(asked, QUIET)
    assert caught.value.settings == ("columns", "trust_places")
    said = work._of_table({"verb": "fit", "asked": asked})["table"]
    assert said["found"] == {"taxon": "species", "lon": "lon", "lat": "lat"}

    requests: list[FitRequest] = []

    def fitted(request: FitRequest, progress: Any) -> None:
        requests.append(request)
        Path(request.out).mkdir(exist_ok=True)

    monkeypatch.setattr(fit_ranges, "fit_ranges", fitted)
    verbs.fit({**asked, "trust_places": True}, QUIET)
    assert requests[-1].trust_places and requests[-1].columns == ()
    exchanged = {**asked, **answered({"columns": {"lon": "lat", "lat": "lon"}})}
    verbs.fit(exchanged, QUIET)
    assert requests[-1].columns == ("lat=lon", "lon=lat") and not requests[-1].trust_places
    assert (tmp_path / "read_as.json").read_text() == '{"columns": ["lat=lon", "lon=lat"], "crs": null}'
    assert verbs.check({**exchanged}, QUIET)["kept"] == 9  # and the records beside the model are those of the fit


def test_what_was_read_one_way_is_read_again_where_it_is_to_be_read_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _asked(tmp_path, ART.replace("Art", "species").replace("Rechts", "lon"))
    verbs.check(asked, QUIET)
    cleaned: list[Any] = []
    monkeypatch.setattr(fit_ranges, "fit_ranges", lambda request, progress: Path(request.out).mkdir(exist_ok=True))
    clean = verbs._clean
    monkeypatch.setattr(verbs, "_clean", lambda asked, progress: cleaned.append(asked) or clean(asked, progress))
    verbs.fit(asked, QUIET)
    assert not cleaned
    verbs.fit({**asked, "columns": ["lat=lon", "lon=lat"]}, QUIET)
    assert len(cleaned) == 1
    verbs.fit({**asked, "columns": ["lat=lon", "lon=lat"]}, QUIET)
    assert len(cleaned) == 1


def test_what_cannot_be_meant_is_refused_before_anything_is_read() -> None:
    assert answered({}) == {"columns": [], "crs": None, "trust_places": False}
    assert answered({"columns": {"taxon": "a=b"}})["columns"] == ["taxon=a=b"]
    for asked in (
        {"columns": "taxon=Art"},
        {"columns": {"taxon": ""}},
        {"columns": {"taxon": "x" * 301}},
        {"columns": {"speceis": "Art"}},
        {"crs": ""},
        {"trust_places": "yes"},
    ):
        with pytest.raises(ConfigError):
            answered(asked)


def test_a_check_waits_for_nothing_that_models_and_pictures_alone_need(tmp_path: Path) -> None:
    asked = json.dumps(_asked(tmp_path, SWAPPED.replace("lon,lat", "lat,lon")))
    code = "import json, sys; from birdsat.explorer.verbs import check; from birdsat.progress import QUIET\n"
    code += f"assert check(json.loads({asked!r}), QUIET)['kept'] == 9\n"
    code += "print([name for name in ('torch', 'matplotlib', 'lightning') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_columns_of_any_name_are_told_and_a_table_without_any_tells_none(tmp_path: Path) -> None:
    table = tmp_path / "file.csv"
    table.write_text(f"{'long' * 100},<b>,taxon\n1,2,{'a' * 500}\n")
    said = columns_of(table)
    assert [one["name"] for one in said["columns"]] == ["<b>", "taxon"]
    assert said["columns"][1]["examples"] == ["a" * 40]
    table.write_bytes(b"")
    assert work._of_table({"verb": "check", "asked": {"folder": str(tmp_path), "file": "file.csv"}}) == {}
    assert work._of_table({"verb": "thumb", "asked": {}}) == {}
