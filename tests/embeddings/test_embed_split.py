"""From a dataset on disk to embeddings, with a real method."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_runs import CROSS_VIEW, OTHER, PHOTO, TAXON, make_dataset, rows

from birdsat.dataset.read import row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_blocks, embed_split
from birdsat.errors import DatasetError
from birdsat.methods.mae import MaeConfig
from birdsat.methods.method import Method, MethodSettings


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    birds = rows(["test"] * 11 + ["train"] * 9)
    birds[3], birds[5] = replace(birds[3], place=None), replace(birds[5], date=None)
    return make_dataset(tmp_path_factory.mktemp("birds"), birds)


def fresh(config: MethodSettings) -> Method:
    torch.manual_seed(0)
    return config.build()


def test_every_row_of_the_split_is_embedded_in_file_order_with_its_facts(dataset: Dataset) -> None:
    table = embed_split(fresh(CROSS_VIEW), dataset, "test", photo_px=16, chip_px=16, batch_size=4, device="cpu")
    facts = row_facts(dataset, "test")
    assert table.ids == facts.ids and len(table) == 11
    np.testing.assert_array_equal(table.lon_lat, facts.lon_lat)
    np.testing.assert_array_equal(table.year_fraction, facts.year_fraction)
    assert table.taxa == (TAXON, OTHER)
    assert table.knows_metadata and table.has_photo.all()
    assert table.ids[int(np.flatnonzero(~table.has_chip)[0])] == "3"  # no place, no chip


def test_batch_size_and_workers_change_nothing(dataset: Dataset) -> None:
    method = fresh(CROSS_VIEW)
    one = embed_split(method, dataset, "test", photo_px=16, chip_px=16, batch_size=11, device="cpu")
    other = embed_split(method, dataset, "test", photo_px=16, chip_px=16, batch_size=3, workers=1, device="cpu")
    assert one.ids == other.ids
    np.testing.assert_allclose(one.photo, other.photo, atol=1e-6)
    np.testing.assert_allclose(one.chip, other.chip, atol=1e-6)  # type: ignore[arg-type]


def test_blocks_come_a_batch_at_a_time(dataset: Dataset) -> None:
    blocks = embed_blocks(fresh(MaeConfig(image=PHOTO)), dataset, "test", photo_px=16, chip_px=16, batch_size=4)
    sizes = [(len(block), block.chip) for block in blocks]
    assert sizes == [(4, None), (4, None), (3, None)]


def test_an_empty_split_is_refused(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="'val' of the dataset has no rows"):
        embed_split(fresh(CROSS_VIEW), dataset, "val", photo_px=16, chip_px=16)
