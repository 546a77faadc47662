"""How cells are held out from a model that they evaluate, as one setting."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from birdsat.observations.blocks import (
    BLOCK_DEGREES,
    FOLDS,
    RANDOM_WARNING,
    blocks_by_degrees,
    deal_folds,
    hold_out_regions,
    random_folds,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldOut:
    """Cells are held out in turns, each once."""

    by: Literal["blocks", "regions", "random"] = "blocks"
    folds: int = FOLDS  # of blocks or cells, or so many regions
    degrees: float = BLOCK_DEGREES  # side of a block

    def fold(self, lon_lat: NDArray[np.float64], seed: int = 0) -> NDArray[np.int64]:
        """(n,) fold of each place (n, 2), from 0. Raises InputError where it cannot be done."""
        match self.by:
            case "blocks":
                return deal_folds(blocks_by_degrees(lon_lat, self.degrees), self.folds, seed)
            case "regions":
                return hold_out_regions(lon_lat, self.folds, seed)
            case "random":
                return random_folds(len(lon_lat), self.folds, seed)

    @property
    def warning(self) -> str | None:
        """What must stand beside the figures; None where nothing must."""
        return RANDOM_WARNING if self.by == "random" else None

    def __str__(self) -> str:
        match self.by:
            case "blocks":
                return f"{self.degrees:g}-degree blocks in {self.folds} folds"
            case "regions":
                return f"{self.folds} whole regions"
            case "random":
                return f"cells at random in {self.folds} folds"
