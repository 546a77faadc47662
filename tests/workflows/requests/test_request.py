"""What every request does with what it is given."""

import ast
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from birdsat.errors import ConfigError
from birdsat.workflows.requests import request
from birdsat.workflows.requests.export import ExportRequest
from birdsat.workflows.requests.maps import MapRequest, RichnessRequest
from birdsat.workflows.requests.ranges import FitRequest


@pytest.mark.parametrize("given", ["hf://anna/birds", "hf://anna/birds@wide", Path("hf://anna/birds")])
def test_a_model_on_the_hub_is_told_to_be_fetched_first_where_a_folder_is_needed(given: str | Path) -> None:
    with pytest.raises(
        ConfigError, match=r"run is hf://anna/birds.*`birdsat.load\('hf://anna/birds.*save\(FOLDER\)`"
    ) as e:
        ExportRequest(run=given, out="out")
    assert e.value.settings == ("run",)
    with pytest.raises(ConfigError, match="ranges is hf://anna/birds"):
        MapRequest(taxon="Corvus corax", ranges=given, out="out")


@pytest.mark.parametrize("name", ["bird.tif", "maps/Bird.GeoJSON", "out.csv", "model.onnx"])
def test_what_has_the_name_of_a_file_is_refused_where_a_folder_is_needed(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"out is {name}, which has the name of a file; .* such as") as e:
        MapRequest(taxon="Corvus corax", occurrences="t.csv", out=name)
    assert e.value.settings == ("out",)
    with pytest.raises(ConfigError, match="a folder is needed"):
        FitRequest(tables="t.csv", out=name)
    there = tmp_path / Path(name).name
    there.mkdir()
    assert MapRequest(taxon="Corvus corax", occurrences="t.csv", out=there).out == there  # somebody's folder


@pytest.mark.parametrize("name", ["maps", "runs/v1.5", "Corvus c. corax", "../maps.old"])
def test_folders_may_have_points_in_their_names(name: str) -> None:
    assert MapRequest(taxon="Corvus corax", occurrences="t.csv", out=name).out == Path(name)


def test_many_threads_read_what_fields_mean_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a server do: Python's reader of source fails in two at once."""
    at_once, most = 0, 0
    counting, parse = threading.Lock(), ast.parse

    def counted(source: str) -> ast.Module:
        nonlocal at_once, most
        with counting:
            at_once += 1
            most = max(most, at_once)
        try:
            threading.Event().wait(0.005)
            return parse(source)
        finally:
            with counting:
                at_once -= 1

    monkeypatch.setattr(request.ast, "parse", counted)
    request._attribute_docs.cache_clear()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            docs = list(pool.map(lambda kind: kind.field_docs(), [MapRequest, RichnessRequest] * 8))
    finally:
        sys.setswitchinterval(before)
    assert most == 1 and docs[0] == docs[2] and "taxon" in docs[0]


def test_what_fields_mean_is_read_once() -> None:
    assert request._attribute_docs(MapRequest) is request._attribute_docs(MapRequest)
