"""Runs that were never trained, and datasets of noise that they can be asked about."""

import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from birdsat.dataset.build import build_dataset
from birdsat.dataset.description import Description
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.place import Place
from birdsat.embeddings.taxa import TaxonMeans, save_taxon_means
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.imagery.photos import encode_jpeg
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.method import MethodSettings
from birdsat.observations.observation import Observation, Split
from birdsat.observations.splits import SplitRule
from birdsat.observations.taxonomy import Taxonomy
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import MODEL_FILE, DatasetFacts, prepare_folder, save_weights

PX, KM, WIDTH = 16, 5.0, 16
TAXON, OTHER = "Corvus corax", "Pica pica"
GRID = Grid(Box(10, 40, 14, 44), 2.0)  # 2 x 2 cells
GRID_BOX = "--box=10,40,14,44"
ENCODER = ViewEncoderConfig(views=(View(px=PX, patch_px=8),), width=WIDTH, depth=1, heads=2)
PHOTO = MaskedConfig(encoder=ENCODER, decoder=PixelDecoderConfig(width=16, depth=1, heads=2))
CROSS_VIEW = CveMaeConfig(photo=PHOTO, chip_encoder=ENCODER, place_time=PlaceTimeConfig(hidden_width=16))
FEW: tuple[Split, ...] = ("train", "train", "train", "test", "test")
_WEST, _DEGREES = -150.0, 1 / 8  # the places of rows go eastwards from the west of the tiny world's box


def make_run(folder: Path, method: MethodSettings = CROSS_VIEW, *, seed: int = 0) -> Path:
    """A run of random weights that knows one taxon, from three photos."""
    config = RunConfig(method=method, views=ViewsConfig(photo_px=PX, chip_px=PX), batch_size=2, steps=1)
    facts = DatasetFacts(
        title="none",
        licence="",
        fingerprint="",
        train_rows=0,
        val_rows=0,
        taxa=(TAXON,),
        photo_mean=None,
        photo_std=None,
        chip_mean=None,
        chip_std=None,
        chip_px=PX,
        chip_ground_km=(KM,),
    )
    prepare_folder(folder, config, facts, resume=False)
    torch.manual_seed(seed)
    save_weights(method.build(), folder / MODEL_FILE, {})
    vector = np.full((1, WIDTH), WIDTH**-0.5, dtype=np.float32)
    save_taxon_means(TaxonMeans(taxa=(TAXON,), photos=np.array([3]), embedding=vector), folder)
    return folder


def noise(seed: int, px: int = PX) -> bytes:
    return encode_jpeg(np.random.default_rng(seed).integers(0, 256, (px, px, 3), dtype=np.uint8))


class NoiseImages:
    """Noise: of each row of `rows` photo and chip are the same image, and no two rows have the same."""

    px = PX

    def __init__(self, ground_km: float = KM) -> None:
        self.ground_km: tuple[float, ...] = (ground_km,)
        self.identity: dict[str, object] = {"class": type(self).__name__, "ground_km": ground_km}

    def photo(self, observation: Observation) -> bytes:
        return noise(int(observation.id))

    def encoded_chip(self, place: Place) -> bytes:
        return noise(int((place.lon - _WEST) / _DEGREES))


def rows(splits: Sequence[Split] = FEW, taxa: Sequence[str] = (TAXON, OTHER)) -> list[Observation]:
    """A row of each split named, at a place of its own, on the first of a month, of the taxa in turn."""
    return [
        Observation(
            id=str(number),
            taxon=taxa[number % len(taxa)],
            photo=str(number),
            place=Place(_WEST + (number + 0.5) * _DEGREES, 10.0),
            date=datetime.date(2020, 1 + number % 12, 1),
            split=split,
        )
        for number, split in enumerate(splits)
    ]


def make_dataset(
    folder: Path,
    observations: Sequence[Observation] | None = None,
    *,
    images: NoiseImages | None = None,
    with_chips: bool = True,
    taxonomy: Taxonomy | None = None,
) -> Dataset:
    """The observations (a few rows, if none are given) with their images (noise, unless others are given)."""
    images = images or NoiseImages()
    build_dataset(
        folder,
        rows() if observations is None else observations,
        photos=images,
        chips=images if with_chips else None,
        taxa=taxonomy,
        splits=SplitRule(val_fraction=0, test_fraction=0),
        workers=0,
        description=Description(title="noise"),
    )
    return Dataset(folder)


def ready_chips(path: Path, images: list[bytes], *, off_by: float = 0.0) -> Path:
    """A table of chips at the first cells of GRID."""
    places = [place for block in GRID.places() for place in block][: len(images)]
    table = {"lon": [p.lon + off_by for p in places], "lat": [p.lat for p in places], "chip": images}
    pq.write_table(pa.table(table), path)
    return path
