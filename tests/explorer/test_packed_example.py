"""The example that comes with birdsat: small, whole, of this birdsat, and as good as one fitted here."""

from pathlib import Path

import numpy as np
import pytest

from birdsat.embeddings.regions.world import open_world
from birdsat.explorer.packed_example import PACKED, unpack_example
from birdsat.ranges.facts import SCHEMA_VERSION
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.workflows.explorer_example import BIRDS, BOX, TABLE, example_table, true_range

_AGAIN = "make it again: python tools/make_example.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    unpacked = tmp_path_factory.mktemp("example")
    unpack_example(unpacked)
    return unpacked


@pytest.fixture(scope="module")
def model(folder: Path) -> RangeModel:
    return load_ranges(folder / "model")


def test_it_is_small_and_names_no_folder_of_whoever_made_it(model: RangeModel) -> None:
    assert PACKED.stat().st_size < 1_000_000
    assert "/" not in model.facts.command and model.facts.tables == (TABLE,)


def test_it_is_of_this_birdsat_and_its_world(model: RangeModel) -> None:
    assert model.facts.schema_version == SCHEMA_VERSION, _AGAIN
    assert model.facts.model == open_world(BOX).model, _AGAIN
    assert model.facts.taxa == tuple(sorted(bird.taxon for bird in BIRDS)), _AGAIN


def test_its_records_are_those_of_the_invented_birds(folder: Path, tmp_path: Path) -> None:
    assert (folder / TABLE).read_bytes() == example_table(tmp_path).read_bytes(), _AGAIN


def test_its_maps_tell_where_the_birds_live_from_where_they_do_not(model: RangeModel) -> None:
    region = open_world(BOX)
    every = region.cells()[::40]
    points = region.at(region.grid.centres(every))
    assert points.found.all()
    for bird in BIRDS:
        there = true_range(bird, region, every)[5]
        found = [
            block.suitability[0, 0]
            for block in model.predict(
                (model.features(block) for block in region.blocks(model.columns)), [bird.taxon], (6,)
            )
        ]
        suits = np.concatenate(found)[::40]
        order = np.argsort(suits, kind="stable")
        rank = np.empty(len(suits))
        rank[order] = np.arange(len(suits))
        auc = (rank[there].mean() - (there.sum() - 1) / 2) / (~there).sum()
        assert auc > 0.85, (bird.taxon, auc)
