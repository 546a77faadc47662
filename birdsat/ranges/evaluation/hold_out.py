"""How cells are held out from a model that they evaluate, as one setting."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.errors import InputError
from birdsat.observations.blocks import (
    BLOCK_DEGREES,
    FOLDS,
    RANDOM_WARNING,
    blocks_by_degrees,
    deal_folds,
    hold_out_regions,
    random_folds,
)

_Rows = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldOut:
    """Cells are held out in turns, each once."""

    by: Literal["blocks", "regions", "random"] = "blocks"
    folds: int = FOLDS  # of blocks or cells, or so many regions
    degrees: float = BLOCK_DEGREES  # side of a block
    buffer_km: float = 0  # cells whose middle is not farther from that of a test cell are not learned from

    def fold(self, lon_lat: NDArray[np.float64], seed: int = 0) -> NDArray[np.int64]:
        """(n,) fold of each place (n, 2), from 0. Raises InputError where it cannot be done."""
        match self.by:
            case "blocks":
                return deal_folds(blocks_by_degrees(lon_lat, self.degrees), self.folds, seed)
            case "regions":
                return hold_out_regions(lon_lat, self.folds, seed)
            case "random":
                return random_folds(len(lon_lat), self.folds, seed)

    def turns(
        self, lon_lat: NDArray[np.float64], seed: int = 0, evaluated: NDArray[np.float64] | None = None
    ) -> Iterator[tuple[_Rows, _Rows]]:
        """Which cells (n, 2) to learn from, and which to evaluate on, in the turns where there are both.

        evaluated: (m, 2) cells that are evaluated on in place of these, dealt together with them, so that no block is
        on both sides. Raises InputError where it cannot be done, and where the buffer takes out all that a turn could
        learn from.
        """
        if evaluated is None:
            fold = test_fold = self.fold(lon_lat, seed)
        else:
            both = self.fold(np.concatenate([lon_lat, evaluated]), seed)
            fold, test_fold = both[: len(lon_lat)], both[len(lon_lat) :]
        for number in range(int(max(fold.max(), test_fold.max())) + 1):
            train, test = fold != number, test_fold == number
            if not (train.any() and test.any()):
                continue
            if self.buffer_km > 0:
                tested = lon_lat if evaluated is None else evaluated
                train[train] = ~_within(lon_lat[train], tested[test], self.buffer_km)
                if not train.any():
                    raise InputError(
                        f"a buffer of {self.buffer_km:g} km takes out every cell that part {number + 1} of "
                        f"{self.folds} could be learned from; take a smaller buffer or, so that fewer blocks are held "
                        "out at a time, more folds.",
                        settings=("buffer_km", "folds"),
                    )
            yield train, test

    @property
    def warning(self) -> str | None:
        """What must stand beside the figures; None where nothing must."""
        return RANDOM_WARNING if self.by == "random" else None

    def repeated(self, repeats: int) -> str:
        """As text, with how many times folds are drawn anew."""
        return f"{self}, drawn {repeats:,} times" if repeats > 1 else str(self)

    def __str__(self) -> str:
        apart = f", {self.buffer_km:g} km apart" if self.buffer_km > 0 else ""
        match self.by:
            case "blocks":
                return f"{self.degrees:g}-degree blocks in {self.folds} folds{apart}"
            case "regions":
                return f"{self.folds} whole regions{apart}"
            case "random":
                return f"cells at random in {self.folds} folds{apart}"


def _within(lon_lat: NDArray[np.float64], others: NDArray[np.float64], km: float) -> _Rows:
    """(n,) whether any of others (m, 2) lies within so many kilometres of each place (n, 2), on a great circle."""
    from sklearn.neighbors import KDTree  # here, as it takes half a second to import

    chord = KDTree(unit_sphere(*others.T)).query(unit_sphere(*lon_lat.T))[0][:, 0]
    near: _Rows = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0, 1)) <= km
    return near
