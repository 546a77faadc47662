"""How cells are held out from a model that they evaluate, as one setting."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.errors import ConfigError
from birdsat.observations.blocks import (
    BLOCK_DEGREES,
    FOLDS,
    RANDOM_WARNING,
    blocks_by_degrees,
    blocks_by_km,
    deal_folds,
    hold_out_boxes,
    hold_out_regions,
    random_folds,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldOut:
    """Cells are held out in turns, each once, except that with boxes only those within a box are."""

    by: Literal["blocks", "regions", "boxes", "random"] = "blocks"
    folds: int = FOLDS  # of blocks or cells, or so many regions; boxes are a fold each
    degrees: float = BLOCK_DEGREES  # side of a block
    km: float | None = None  # side of a block in km, in place of degrees
    boxes: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        if (self.by == "boxes") != bool(self.boxes):
            raise ConfigError(
                f"cells are held out by {self.by} and {len(self.boxes)} boxes are given; give boxes with by='boxes', "
                "and only then."
            )
        if self.km is not None and self.by != "blocks":
            raise ConfigError(f"km is the side of a block, and cells are held out by {self.by}; leave it out.")

    def fold(self, lon_lat: NDArray[np.float64], seed: int = 0) -> NDArray[np.int64]:
        """(n,) fold of each place (n, 2), from 0; -1 is never held out. Raises InputError where it cannot be done."""
        match self.by:
            case "blocks":
                by_degrees = self.km is None
                blocks = blocks_by_degrees(lon_lat, self.degrees) if by_degrees else blocks_by_km(lon_lat, self.km or 0)
                return deal_folds(blocks, self.folds, seed)
            case "regions":
                return hold_out_regions(lon_lat, self.folds, seed)
            case "boxes":
                return hold_out_boxes(lon_lat, self.boxes)
            case "random":
                return random_folds(len(lon_lat), self.folds, seed)

    @property
    def warning(self) -> str | None:
        """What must stand beside the figures; None where nothing must."""
        return RANDOM_WARNING if self.by == "random" else None

    def __str__(self) -> str:
        match self.by:
            case "blocks":
                side = f"{self.degrees:g}-degree" if self.km is None else f"{self.km:g} km"
                return f"{side} blocks in {self.folds} folds"
            case "regions":
                return f"{self.folds} whole regions"
            case "boxes":
                return f"held-out boxes {'; '.join(map(str, self.boxes))}"
            case "random":
                return f"cells at random in {self.folds} folds"
