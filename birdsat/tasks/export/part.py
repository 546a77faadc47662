"""A part of a model that is exported: a plain module, and what goes into it and comes out."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

PartName = Literal["photo-encoder", "place-encoder", "classifier", "range-model"]
PART_NAMES: tuple[PartName, ...] = ("photo-encoder", "place-encoder", "classifier", "range-model")
TensorType = Literal["uint8", "float32", "bool"]
BATCH = "n"  # in shapes: as many as are given

_DTYPES = {"uint8": torch.uint8, "float32": torch.float32, "bool": torch.bool}


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """One tensor that goes into a part or comes out."""

    name: str
    type: TensorType
    shape: tuple[int | str, ...]  # BATCH first
    meaning: str  # with its unit

    def example(self) -> Tensor:
        """Two samples of zeros."""
        return torch.zeros([2 if side == BATCH else int(side) for side in self.shape], dtype=_DTYPES[self.type])


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A module whose `forward` takes the inputs by position, and gives the outputs as a tuple."""

    name: PartName
    module: nn.Module  # in eval mode
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


PHOTO = "RGB, 0 to 255, upright, the central square of the photo; it is normalised inside"
CHIP = "RGB, 0 to 255, north up, of the ground size below; it is normalised inside"
LON_LAT = "degrees WGS84, longitude first; NaN where not known"
YEAR_FRACTION = "of the year that has passed, 0 on 1 January; NaN where not known"


def photo_port(px: int) -> Port:
    """Photos that go in."""
    return Port(name="photo", type="uint8", shape=(BATCH, 3, px, px), meaning=PHOTO)


def chip_port(px: int, sizes: int) -> Port:
    """Chips that go in: one of a place, or one of each ground size."""
    if sizes == 1:
        return Port(name="chip", type="uint8", shape=(BATCH, 3, px, px), meaning=CHIP)
    meaning = f"{CHIP}; of each ground size, from small to large"
    return Port(name="chip", type="uint8", shape=(BATCH, sizes, 3, px, px), meaning=meaning)


def place_ports() -> tuple[Port, Port]:
    """Places and dates that go in."""
    return (
        Port(name="lon_lat", type="float32", shape=(BATCH, 2), meaning=LON_LAT),
        Port(name="year_fraction", type="float32", shape=(BATCH,), meaning=YEAR_FRACTION),
    )
