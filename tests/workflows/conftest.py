"""The parts of the tiny world by name. Shared: a test that writes into one takes a copy."""

from pathlib import Path
from typing import Any

import pytest
from tiny_world import SETTINGS, TinyWorld

from birdsat.ranges.fit import fit_ranges as fit_points
from birdsat.ranges.model import RangeModel
from birdsat.ranges.points import Points
from birdsat.workflows import fit_ranges


@pytest.fixture(scope="session")
def dataset(tiny_world: TinyWorld) -> Path:
    return tiny_world.dataset


@pytest.fixture(scope="session")
def run(tiny_world: TinyWorld) -> Path:
    return tiny_world.run


@pytest.fixture(scope="session")
def region(tiny_world: TinyWorld) -> Path:
    return tiny_world.region


@pytest.fixture(scope="session")
def records(tiny_world: TinyWorld) -> Path:
    return tiny_world.records


@pytest.fixture(scope="session")
def ranges(tiny_world: TinyWorld) -> Path:
    return tiny_world.ranges


@pytest.fixture(scope="session")
def photo(tiny_world: TinyWorld) -> Path:
    return tiny_world.photo


@pytest.fixture
def small_fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The verbs fit a small network in few steps, in place of a real fit; how many points each fit was made to."""
    made: list[int] = []

    def fit_small(points: Points, *given: Any, **named: Any) -> RangeModel:
        made.append(len(points.presences))
        return fit_points(points, *given, **(named | {"settings": SETTINGS}))

    monkeypatch.setattr(fit_ranges, "fit_points", fit_small)
    return made
