"""Requests of every kind that the API's own description allows, and many that it does not: none is a fault of ours."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from tiny_world import TinyWorld

from birdsat.explorer import app as app_module
from birdsat.explorer import guard
from birdsat.explorer.app import create_app
from birdsat.explorer.site import Site
from birdsat.explorer.state import State
from birdsat.workflows.requests.explorer import ServeRequest

pytestmark = pytest.mark.slow


def test_no_request_is_answered_with_a_fault_of_ours(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    monkeypatch.setattr(app_module, "LOCAL", frozenset({"testserver"}))
    monkeypatch.setattr(guard, "_A_SECOND", 1e9)
    monkeypatch.setattr(guard, "_UPLOADS_A_SECOND", 1e9)
    request = ServeRequest(
        ranges=tiny_world.ranges,
        run=tiny_world.run,
        dataset=tiny_world.dataset,
        region=tiny_world.region,
        imagery="virtual:0",
        store=tmp_path / "store",
    )
    state = State.of(Site(request))
    app: Any = create_app(state)
    model = next(state.site.listed()).id
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    seen: dict[int, int] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in schemathesis.GenerationMode:  # as described, and otherwise
            with suppress(hypothesis.errors.Unsatisfiable):  # what cannot be asked otherwise
                _ask_all(operation.as_strategy(generation_mode=mode), model, seen)
    assert sum(seen.values()) > 500 and max(seen) < 600
    assert not [status for status in seen if status >= 500 and status != 503], seen
    assert seen.get(200, 0) > 20  # some went through
    state.stop()


def _ask_all(strategy: Any, model: str, seen: dict[int, int]) -> None:
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def ask(case: Any) -> None:
        for real in (False, True):
            if real:
                if "model" not in case.path_parameters or "download" in case.path:
                    return
                case.path_parameters["model"] = model
                if "taxon" in case.path_parameters:
                    case.path_parameters["taxon"] = "Corvus_corax"
            answer = case.call()
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            assert answer.status_code < 500 or answer.status_code == 503, (case.method, case.path, answer.text)

    ask()
