"""Files of a map to keep."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from birdsat.explorer.children import Children


def test_files_of_one_map_that_are_asked_for_together_are_made_one_after_another(
    client: TestClient, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work: list[str] = []
    most: list[int] = []

    def run(_: Children, verb: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        at_work.append(asked["out"])
        most.append(at_work.count(asked["out"]))
        time.sleep(0.1)
        file = Path(asked["out"]) / f"map.{asked['ending']}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(asked["ending"])
        at_work.remove(asked["out"])
        return {"file": str(file)}

    monkeypatch.setattr(Children, "run", run)
    key = client.get(f"{base}/taxa").json()[0]["key"]
    endings = ("tif", "html", "tif", "gpkg")
    with ThreadPoolExecutor(len(endings)) as pool:
        answers = list(pool.map(lambda ending: client.get(f"{base}/maps/{key}/download.{ending}"), endings))
    assert [answer.text for answer in answers] == list(endings)
    assert most == [1, 1, 1]  # and what was asked for twice was made once
