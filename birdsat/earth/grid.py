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
    def cells(self) -> int:
        """Number of cells, whose positions are counted row by row from the north-west."""
        return self.rows * self.columns

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

    def places(self, block: int = 4096) -> Iterator[list[Place]]:
        """Cell centres row by row from the north-west, at most `block` at a time.

        Longitudes are wrapped to -180..180. Joined, the blocks are in the order of a (rows, columns) array.
        """
        for start in range(0, self.cells, block):
            centres = self.centres(np.arange(start, min(start + block, self.cells)))
            yield [Place(lon, lat) for lon, lat in centres.tolist()]

    def centres(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """(c, 2) longitudes, wrapped to -180..180, and latitudes of the cells at these positions (c,)."""
        row, column = np.divmod(cells, self.columns)
        lon = self.box.west + (column + 0.5) * self.step_degrees  # as in `lon` and `lat`, of these cells alone
        return np.stack([(lon + 180) % 360 - 180, self.box.north - (row + 0.5) * self.step_degrees], axis=1)

    def cells_at(self, lon_lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,) positions of the cells that hold the places (n, 2), in degrees; -1 outside the grid, and for NaN.

        A place on the edge of two cells is in the southern, eastern one; on the grid's own edges it is inside.
        """
        lon, lat = lon_lat[:, 0], lon_lat[:, 1]
        across, down = (
            np.mod(lon - self.box.west, 360.0) / self.step_degrees,
            (self.box.north - lat) / self.step_degrees,
        )
        with np.errstate(invalid="ignore"):
            inside = (across <= self.columns) & (down >= 0) & (down <= self.rows)
        column = np.minimum(np.where(inside, across, 0).astype(np.int64), self.columns - 1)
        row = np.minimum(np.where(inside, down, 0).astype(np.int64), self.rows - 1)
        cells: NDArray[np.int64] = np.where(inside, row * self.columns + column, -1)
        return cells


def _whole_cells(degrees: float, step: float) -> int:
    # Half a cell is the least that still holds a centre; 1e-9 forgives steps such as 0.1 that are not exact.
    return math.floor(degrees / step + 0.5 + 1e-9)
