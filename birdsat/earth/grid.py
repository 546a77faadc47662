"""Regular grids over a box: of degrees, or of equal areas."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth import equal_area
from birdsat.earth.box import Box
from birdsat.earth.place import EARTH_RADIUS_KM, Place
from birdsat.errors import ConfigError

Affine = tuple[float, float, float, float, float, float]  # x = a*column + b*row + c, y = d*column + e*row + f


class RegularGrid(ABC):
    """Cells laid from the box's north-west corner, along meridians and parallels; every centre lies in the box.

    A side that is not a multiple of the step is rounded to whole cells. The *plane* is the grid's own map: its cells
    are squares of `step` there. East on the plane grows with longitude alone, north with latitude alone.
    """

    __slots__ = ()
    box: Box

    @property
    @abstractmethod
    def epsg(self) -> int:
        """EPSG code of the plane."""

    @property
    @abstractmethod
    def step(self) -> float:
        """Side of a cell on the plane, in its units."""

    @property
    @abstractmethod
    def step_text(self) -> str:
        """Side of a cell for people, with its unit."""

    @abstractmethod
    def plane(
        self, lon: NDArray[np.float64] | float, lat: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """East and north on the plane of longitudes and latitudes, degrees, of any shapes. No longitude is wrapped."""

    @abstractmethod
    def degrees(
        self, east: NDArray[np.float64] | float, north: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The inverse of `plane`."""

    @property
    def rows(self) -> int:
        south, north = self.plane(0.0, np.array([self.box.south, self.box.north]))[1]
        return _whole_cells(float(north - south), self.step)

    @property
    def columns(self) -> int:
        return _whole_cells(float(self.plane(self.box.width_degrees, 0.0)[0]), self.step)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    @property
    def cells(self) -> int:
        """Number of cells, whose positions are counted row by row from the north-west."""
        return self.rows * self.columns

    @property
    def affine(self) -> Affine:
        """From column and row (0, 0 at the north-west corner) to east and north on the plane."""
        west, north = self.plane(self.box.west, self.box.north)
        return self.step, 0.0, float(west), 0.0, -self.step, float(north)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south, north of the cells' outer edges on the plane; past 180 degrees over the antimeridian."""
        _, _, west, _, _, north = self.affine
        return west, west + self.columns * self.step, north - self.rows * self.step, north

    @property
    def east(self) -> NDArray[np.float64]:
        """(columns,) cell centres on the plane, west first."""
        return np.asarray(self.affine[2] + (np.arange(self.columns, dtype=np.float64) + 0.5) * self.step)

    @property
    def north(self) -> NDArray[np.float64]:
        """(rows,) cell centres on the plane, north first."""
        return np.asarray(self.affine[5] - (np.arange(self.rows, dtype=np.float64) + 0.5) * self.step)

    @property
    def lon(self) -> NDArray[np.float64]:
        """(columns,) longitudes of cell centres, degrees, west first; past 180 over the antimeridian."""
        return self.degrees(self.east, 0.0)[0]

    @property
    def lat(self) -> NDArray[np.float64]:
        """(rows,) latitudes of cell centres, degrees, north first."""
        return self.degrees(0.0, self.north)[1]

    def edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes (columns + 1,) and latitudes (rows + 1,) of the cells' edges, degrees, within the poles."""
        east = self.affine[2] + np.arange(self.columns + 1, dtype=np.float64) * self.step
        north = self.affine[5] - np.arange(self.rows + 1, dtype=np.float64) * self.step
        lon, lat = self.degrees(east, north[:1])[0], self.degrees(0.0, north)[1]
        return lon, np.clip(lat, -90, 90)

    def cells_at(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Positions, row by row from the north-west, of the cells in which places lie; -1 outside the grid and for NaN.

        lon, lat: (n,) degrees -> (n,).
        """
        known = np.isfinite(lon) & np.isfinite(lat)
        # Counted from the western edge, so that -180 and 180 are the same meridian.
        east, north = self.plane(np.mod(np.where(known, lon, 0) - self.box.west, 360), np.where(known, lat, 0))
        column = _cells_along(east, self.step, self.columns)
        row = _cells_along(self.affine[5] - north, self.step, self.rows)
        inside = known & (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        return np.where(inside, row * self.columns + column, -1)

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
        lon, lat = self.degrees(  # as in `lon` and `lat`, of these cells alone
            self.affine[2] + (column + 0.5) * self.step, self.affine[5] - (row + 0.5) * self.step
        )
        return np.stack([(lon + 180) % 360 - 180, lat], axis=1)

    def cell_area(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """(c,) areas of cells on a sphere, square kilometres."""
        lon, lat = self.edges()
        south, north = np.sin(np.radians(lat[1:])), np.sin(np.radians(lat[:-1]))
        band = EARTH_RADIUS_KM**2 * np.radians(lon[1] - lon[0]) * (north - south)
        return np.asarray(band[cells // self.columns])

    def _refuse_empty(self) -> None:
        if not (math.isfinite(self.step) and self.step > 0):
            raise ConfigError(f"grid step is {self.step_text}; it must be above 0.")
        if self.rows < 1 or self.columns < 1:
            raise ConfigError(
                f"grid step of {self.step_text} leaves no cell in box {self.box}; take a smaller step or a larger box."
            )


@dataclass(frozen=True, slots=True)
class Grid(RegularGrid):
    """Cells of `step_degrees` of longitude and latitude; the plane is of degrees (EPSG:4326)."""

    box: Box
    step_degrees: float  # side of a cell, degrees

    def __post_init__(self) -> None:
        self._refuse_empty()

    @property
    def epsg(self) -> int:
        return 4326

    @property
    def step(self) -> float:
        return self.step_degrees

    @property
    def step_text(self) -> str:
        return f"{self.step_degrees:g} degree{'' if self.step_degrees == 1 else 's'}"

    def plane(
        self, lon: NDArray[np.float64] | float, lat: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)

    def degrees(
        self, east: NDArray[np.float64] | float, north: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.plane(east, north)


@dataclass(frozen=True, slots=True)
class EqualAreaGrid(RegularGrid):
    """Cells of one area, `step_km` squared, all over the world; the plane is EASE-Grid 2.0's (EPSG:6933), in metres.

    Cells are true squares at 30 degrees north and south, wide and low nearer to the equator, narrow and high nearer to
    the poles.
    """

    box: Box
    step_km: float  # square root of a cell's area, kilometres

    def __post_init__(self) -> None:
        self._refuse_empty()

    @property
    def epsg(self) -> int:
        return equal_area.EPSG

    @property
    def step(self) -> float:
        return self.step_km * 1000

    @property
    def step_text(self) -> str:
        return f"{self.step_km:g} km"

    def plane(
        self, lon: NDArray[np.float64] | float, lat: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.asarray(lon, dtype=np.float64) * equal_area.METRES_A_DEGREE, equal_area.northing(lat)

    def degrees(
        self, east: NDArray[np.float64] | float, north: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.asarray(east, dtype=np.float64) / equal_area.METRES_A_DEGREE, equal_area.latitude(north)


AnyGrid = Grid | EqualAreaGrid


def _whole_cells(length: float, step: float) -> int:
    # Half a cell is the least that still holds a centre; 1e-9 forgives steps such as 0.1 that are not exact.
    return math.floor(length / step + 0.5 + 1e-9)


def _cells_along(distance: NDArray[np.float64], step: float, cells: int) -> NDArray[np.int64]:
    """Which cell a distance from the first edge falls into; the last edge belongs to the last cell."""
    cell = np.floor(distance / step).astype(np.int64)
    return np.where(distance == cells * step, cells - 1, cell)
