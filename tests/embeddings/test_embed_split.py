"""From a dataset on disk to embeddings, with a real method."""

import datetime
import io
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from region_methods import KM, run_of

from birdsat.dataset.build import build_dataset
from birdsat.dataset.read import row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.earth.place import Place
from birdsat.embeddings.embed import embed_blocks, embed_split
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import DatasetError
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.method import MethodSettings
from birdsat.observations.observation import Observation
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import Run

ENCODER = ViewEncoderConfig(views=(View(px=16, patch_px=8),), width=16, depth=1, heads=2)
PHOTO = MaskedConfig(encoder=ENCODER, decoder=PixelDecoderConfig(width=8, depth=1, heads=2))
CVE = CveMaeConfig(photo=PHOTO, chip_encoder=ENCODER, place_time=PlaceTimeConfig())


class Noise:
    """Photos and chips of noise, another for every row and place."""

    ground_km, px = (KM,), 16
    identity: ClassVar = {"class": "Noise"}

    def photo(self, observation: Observation) -> bytes:
        return self._picture(int(observation.id))

    def encoded_chip(self, place: Place) -> bytes:
        return self._picture(int(place.lon) + 1000)

    def _picture(self, seed: int) -> bytes:
        file = io.BytesIO()
        pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("birds")
    birds = [
        Observation(
            id=str(number),
            taxon=("Apus apus", "Corvus corax")[number % 2],
            photo=str(number),
            place=None if number == 3 else Place(number, 10),
            date=None if number == 5 else datetime.date(2020, 1 + number % 12, 9),
            split="test" if number < 11 else "train",
        )
        for number in range(20)
    ]
    build_dataset(folder, birds, photos=Noise(), chips=Noise(), workers=0)
    return Dataset(folder)


def fresh(config: MethodSettings) -> Run:
    torch.manual_seed(0)
    views = ViewsConfig(photo_px=16, chip_px=16)
    return replace(run_of(config.build()), config=RunConfig(method=config, views=views))


def test_every_row_of_the_split_is_embedded_in_file_order_with_its_facts(dataset: Dataset) -> None:
    table = embed_split(fresh(CVE), dataset, "test", batch_size=4)
    facts = row_facts(dataset, "test")
    assert table.ids == facts.ids and len(table) == 11
    np.testing.assert_array_equal(table.lon_lat, facts.lon_lat)
    np.testing.assert_array_equal(table.year_fraction, facts.year_fraction)
    assert table.taxa == ("Apus apus", "Corvus corax")
    assert table.knows_metadata and table.has_photo.all()
    assert table.ids[int(np.flatnonzero(~table.has_chip)[0])] == "3"  # no place, no chip


def test_batch_size_and_workers_change_nothing(dataset: Dataset) -> None:
    run = fresh(CVE)
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
        embed_split(fresh(CVE), dataset, "val")
