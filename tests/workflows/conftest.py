"""The parts of the tiny world by name. Shared: a test that writes into one takes a copy."""

from pathlib import Path

import pytest
from tiny_world import TinyWorld


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
