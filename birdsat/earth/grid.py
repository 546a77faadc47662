"""A regular longitude-latitude grid over a box."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.place import Place
from birdsat.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells of `step_degrees`, laid from the box's north-west corner; every centre lies in the box.

    A side that is no multiple of the step is rounded to whole cells.
    """

    box: Box
    step_degrees: float  # side of a cell, degrees

    def __post_init__(self) -> None:
        if not (math.isfinite(self.step_degrees) and self.step_degrees > 0):
            raise ConfigError(f"grid step is {self.step_degrees} degrees; it must be above 0.")
        if self.rows < 1 or self.columns < 1:
            raise ConfigError(
                f"grid step of {self.step_degrees} degrees leaves no cell in box {self.box}; "
                "take a smaller step or a larger box."
            )

    @property
    def rows(self) -> int:
        return _whole_cells(self.box.north - self.box.south, self.step_degrees)

    @property
    def columns(self) -> int:
        return _whole_cells(self.box.width_degrees, self.step_degrees)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    @property
    def lon(self) -> NDArray[np.float64]:
        """(columns,) longitudes of cell centres, degrees, west first; past 180 over the antimeridian."""
        centres: NDArray[np.float64] = (
            self.box.west + (np.arange(self.columns, dtype=np.float64) + 0.5) * self.step_degrees
        )
        return centres

    @property
    def lat(self) -> NDArray[np.float64]:
        """(rows,) latitudes of cell centres, degrees, north first."""
        centres: NDArray[np.float64] = (
            self.box.north - (np.arange(self.rows, dtype=np.float64) + 0.5) * self.step_degrees
        )
        return centres

    def cells_at(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Positions, row by row from the north-west, of the cells in which places lie; -1 outside the grid and for NaN.

        lon, lat: (n,) degrees -> (n,).
        """
        known = np.isfinite(lon) & np.isfinite(lat)
        # Counted from the western edge, so that -180 and 180 are the same meridian.
        column = _cells_along(np.mod(np.where(known, lon, 0) - self.box.west, 360), self.step_degrees, self.columns)
        row = _cells_along(self.box.north - np.where(known, lat, 0), self.step_degrees, self.rows)
        inside = known & (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        return np.where(inside, row * self.columns + column, -1)

    def places(self, block: int = 4096) -> Iterator[list[Place]]:
        """Cell centres row by row from the north-west, at most `block` at a time.

        Longitudes are wrapped to -180..180. Joined, the blocks are in the order of a (rows, columns) array.
        """
        lon, lat = (self.lon + 180) % 360 - 180, self.lat
        cells = self.rows * self.columns
        for start in range(0, cells, block):
            row, column = np.divmod(np.arange(start, min(start + block, cells)), self.columns)
            yield [Place(x, y) for x, y in zip(lon[column].tolist(), lat[row].tolist(), strict=True)]


def _whole_cells(degrees: float, step: float) -> int:
    # Half a cell is the least that still holds a centre; 1e-9 forgives steps such as 0.1 that are not exact.
    return math.floor(degrees / step + 0.5 + 1e-9)


def _cells_along(distance: NDArray[np.float64], step: float, cells: int) -> NDArray[np.int64]:
    """Which cell a distance from the first edge falls into; the last edge belongs to the last cell."""
    cell = np.floor(distance / step).astype(np.int64)
    return np.where(distance == cells * step, cells - 1, cell)
