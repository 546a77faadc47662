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


@pytest.mark.parametrize("given", ["hf://anna/birds", "hf://anna/birds@wide", Path("hf://anna/birds")])
def test_a_model_on_the_hub_is_told_to_be_fetched_first_where_a_folder_is_needed(given: str | Path) -> None:
    with pytest.raises(
        ConfigError, match=r"run is hf://anna/birds.*`birdsat.load\('hf://anna/birds.*save\(FOLDER\)`"
    ) as e:
        ExportRequest(run=given, out="out")
    assert e.value.settings == ("run",)
    with pytest.raises(ConfigError, match="ranges is hf://anna/birds"):
        MapRequest(taxon="Corvus corax", ranges=given, out="out")


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
