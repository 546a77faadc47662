"""A method whose embeddings can be worked out by hand, and a run of it, for tests of regions."""

import datetime
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.dataset.views import ViewsConfig
from birdsat.earth.place import Place
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import PlaceError
from birdsat.imagery.open_imagery import Imagery
from birdsat.imagery.sources import ChipSource
from birdsat.methods.mae import MaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.method import Method
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import DatasetFacts, Run

KM, PX = 5.0, 4
_ENCODER = ViewEncoderConfig(views=(View(px=PX, patch_px=2),), width=8, depth=1, heads=2)
_ANY_METHOD = MaeConfig(image=MaskedConfig(encoder=_ENCODER, decoder=PixelDecoderConfig(width=8, depth=1, heads=2)))


class Longitudes:
    """Chips whose red is the whole degrees of longitude east of 90 E; none north of `north`."""

    px = PX
    ground_km: tuple[float, ...] = (KM,)

    def __init__(self, north: float = 90.0) -> None:
        self.north = north
        self.cut = 0

    def chips(self, place: Place, *, date: datetime.date | None = None) -> tuple[NDArray[np.uint8], ...]:
        self.cut += 1
        if place.lat > self.north:
            raise PlaceError("no imagery")
        return (np.full((PX, PX, 3), round((place.lon - 90) % 360) % 256, dtype=np.uint8),)


@dataclass(frozen=True)
class MadeImagery(Imagery):
    """Imagery of one chip source."""

    text: str = field(default="red", kw_only=True)
    source: ChipSource

    def _chips(self, sizes_km: tuple[float, ...], px: int, *_: object) -> ChipSource:
        assert sizes_km == self.source.ground_km
        return self.source


class Seasons(Method):
    """Features: the chip's red, and its square. The embedding turns once and twice a year, by how much red there is."""

    sees_chips = True
    uses_metadata = True

    def __init__(self, red: float = 1.0) -> None:
        super().__init__()
        self.red = nn.Parameter(torch.tensor(red), requires_grad=False)

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        raise NotImplementedError

    def encode_chip(self, chip: Tensor) -> Tensor:
        red = chip[:, 0].float().mean((1, 2)) / 255 * self.red
        return torch.stack([red, red**2], dim=1)

    def embed_chip(self, features: Tensor, lon_lat: Tensor, year_fraction: Tensor) -> Tensor:
        turn = 2 * torch.pi * year_fraction
        parts = [features[:, 0], lon_lat[:, 1] / 90, turn.cos() * features[:, 1], (2 * turn).sin()]
        return nn.functional.normalize(torch.stack(parts, dim=1), dim=1)


class Steady(Seasons):
    """Knows no dates."""

    uses_metadata = False

    def embed_chip(self, features: Tensor, lon_lat: Tensor, year_fraction: Tensor) -> Tensor:
        return nn.functional.normalize(torch.cat([features, torch.ones(len(features), 2)], dim=1), dim=1)


class PhotosOnly(Seasons):
    sees_chips = False


def run_of(method: Method, name: str = "mine") -> Run:
    """A run in memory that holds `method`."""
    facts = DatasetFacts(
        title="none",
        licence="",
        fingerprint="",
        train_rows=0,
        val_rows=0,
        taxa=(),
        photo_mean=None,
        photo_std=None,
        chip_mean=None,
        chip_std=None,
        chip_px=PX,
        chip_ground_km=(KM,),
    )
    config = RunConfig(method=_ANY_METHOD, views=ViewsConfig(photo_px=PX, chip_px=PX), batch_size=2, steps=1)
    return Run(path=Path(name), config=config, dataset=facts, method=method.eval())
