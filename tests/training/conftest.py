"""A dataset and a method that train in a second."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from birdsat.dataset.build import build_dataset
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.earth.place import Place
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.imagery.photos import encode_jpeg
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.observations.observation import Observation, Split
from birdsat.observations.splits import SplitRule
from birdsat.training.config import RunConfig
from birdsat.training.optimiser import OptimiserConfig
from birdsat.training.pretrain import pretrain

PX = 16
TRAIN_ROWS, VAL_ROWS = 40, 10


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """More threads only get into each other's way with models this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class NoiseImages:
    """A photo for every observation and a chip for every place, of noise."""

    ground_km = (5.0,)
    px = PX
    identity: ClassVar = {"class": "NoiseImages"}

    def photo(self, observation: Observation) -> bytes:
        return _noise(int(observation.id), 20)

    def encoded_chip(self, place: Place) -> bytes:
        return _noise(1000 + int(place.lon), PX)


def _noise(seed: int, px: int) -> bytes:
    return encode_jpeg(np.random.default_rng(seed).integers(0, 256, (px, px, 3), dtype=np.uint8))


def make_dataset(folder: Path, *, train: int = TRAIN_ROWS, val: int = VAL_ROWS, with_chips: bool = True) -> Dataset:
    splits: list[Split] = ["train"] * train + ["val"] * val
    rows = [
        Observation(
            id=str(number),
            taxon=("Corvus corax", "Pica pica")[number % 2],
            photo=str(number),
            place=Place(float(number), 10.0),
            date=datetime.date(2020, 1 + number % 12, 1),
            split=split,
        )
        for number, split in enumerate(splits)
    ]
    images = NoiseImages()
    build_dataset(
        folder,
        rows,
        photos=images,
        chips=images if with_chips else None,
        splits=SplitRule(val_fraction=0, test_fraction=0),
        workers=0,
    )
    return Dataset(folder)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("data") / "noise")


@pytest.fixture(scope="session")
def dataset_without_val(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("data") / "noise", val=0)


@pytest.fixture(scope="session")
def dataset_without_chips(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("data") / "photos", with_chips=False)


@pytest.fixture(scope="session")
def config() -> RunConfig:
    """12 steps of 2 batches of 8: an epoch has 5 batches, so runs end and resume within one."""
    encoder = ViewEncoderConfig(views=(View(px=PX, patch_px=8),), width=16, depth=1, heads=2)
    photo = MaskedConfig(encoder=encoder, decoder=PixelDecoderConfig(width=16, depth=1, heads=2))
    return RunConfig(
        method=CveMaeConfig(photo=photo, chip_encoder=encoder, place_time=PlaceTimeConfig(hidden_width=16)),
        views=ViewsConfig(photo_px=PX, chip_px=PX),
        optimiser=OptimiserConfig(average_decay=0.9, muon_lr=1e-3),
        batch_size=8,
        steps=12,
        accumulate=2,
        workers=0,
        log_every=2,
        val_every=5,
        checkpoint_every=7,
    )


@pytest.fixture(scope="session")
def finished(config: RunConfig, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "straight"
    pretrain(config, dataset, out)
    return out
