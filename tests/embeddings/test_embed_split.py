"""From a dataset on disk to embeddings, with a real method."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_runs import CROSS_VIEW, OTHER, PHOTO, PX, TAXON, make_dataset, rows
from region_methods import run_of

from birdsat.dataset.read import row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.embeddings.embed import embed_blocks, embed_split
from birdsat.errors import DatasetError
from birdsat.methods.mae import MaeConfig
from birdsat.methods.method import MethodSettings
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import Run


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    birds = rows(["test"] * 11 + ["train"] * 9)
    birds[3], birds[5] = replace(birds[3], place=None), replace(birds[5], date=None)
    return make_dataset(tmp_path_factory.mktemp("birds"), birds)


def fresh(config: MethodSettings) -> Run:
    torch.manual_seed(0)
    views = ViewsConfig(photo_px=PX, chip_px=PX)
    return replace(run_of(config.build()), config=RunConfig(method=config, views=views))


def test_every_row_of_the_split_is_embedded_in_file_order_with_its_facts(dataset: Dataset) -> None:
    table = embed_split(fresh(CROSS_VIEW), dataset, "test", batch_size=4)
    facts = row_facts(dataset, "test")
    assert table.ids == facts.ids and len(table) == 11
    np.testing.assert_array_equal(table.lon_lat, facts.lon_lat)
    np.testing.assert_array_equal(table.year_fraction, facts.year_fraction)
    assert table.taxa == (TAXON, OTHER)
    assert table.knows_metadata and table.has_photo.all()
    assert table.ids[int(np.flatnonzero(~table.has_chip)[0])] == "3"  # no place, no chip


def test_batch_size_and_workers_change_nothing(dataset: Dataset) -> None:
    run = fresh(CROSS_VIEW)
    one = embed_split(run, dataset, "test", batch_size=11)
    other = embed_split(run, dataset, "test", batch_size=3, workers=1)
    assert one.ids == other.ids
    np.testing.assert_allclose(one.photo, other.photo, atol=1e-6)
    np.testing.assert_allclose(one.chip, other.chip, atol=1e-6)  # type: ignore[arg-type]


def test_blocks_come_a_batch_at_a_time(dataset: Dataset) -> None:
    blocks = embed_blocks(fresh(MaeConfig(image=PHOTO)), dataset, "test", batch_size=4)
    sizes = [(len(block), block.chip) for block in blocks]
    assert sizes == [(4, None), (4, None), (3, None)]


def test_an_empty_split_is_refused(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="'val' of the dataset has no rows"):
        embed_split(fresh(CROSS_VIEW), dataset, "val")
