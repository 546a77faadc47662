"""The land under a map: where it is, and its coasts as lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.land import coastline, on_land
from birdsat.earth.rings import closed, turns


@dataclass(frozen=True, slots=True)
class Land:
    """The land of a planet."""

    contains: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]  # lon, lat that broadcast -> bool
    # Rings (n, 2) in degrees; None: lines are drawn around what `contains` finds.
    coasts: Callable[[], Sequence[NDArray[np.float64]]] | None = None
    across: int = 720  # cells along the longer side of a picture in which land is looked for; fewer where that is slow

    def mask(self, grid: AnyGrid) -> NDArray[np.bool_]:
        """(h, w) land over the grid's extent, at the detail of a picture whatever the grid's own; north first."""
        return _mask(self, grid)

    def lines(self, grid: AnyGrid, mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
        """Coasts over the grid's extent as lines (n, 2) on its plane. mask: what `mask` found."""
        west, east, south, north = grid.extent
        if self.coasts is None:
            contours = contour_generator(*self.lattice(grid), mask.astype(np.float64))
            return [np.asarray(line) for line in contours.lines(0.5)]
        (left, right), (low, high) = grid.degrees(np.array([west, east]), np.array([south, north]))
        found = []
        for ring in turns(self.coasts(), float(left), float(right)):
            if ring[:, 1].max() >= low and ring[:, 1].min() <= high:
                found += [np.column_stack(grid.plane(*line.T)) for line in _without_cuts(ring)]
        return found

    def areas(self, grid: AnyGrid) -> list[NDArray[np.float64]] | None:
        """The coasts over the grid's extent as closed rings (n, 2) on its plane, to be filled; None: only `mask` knows.

        A ring within another that runs the other way round, such as that of the Caspian Sea, is a hole.
        """
        if self.coasts is None:
            return None
        west, east, _, _ = grid.extent
        left, right = grid.degrees(np.array([west, east]), 0.0)[0]
        rings = turns([closed(ring) for ring in self.coasts()], float(left), float(right))
        return [np.column_stack(grid.plane(*ring.T)) for ring in rings]

    def lattice(self, grid: AnyGrid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """East (w,) and north (h,) on the plane of the centres of a picture's cells."""
        west, east, south, north = grid.extent
        longer = max(east - west, north - south)
        columns, rows = (max(2, round(self.across * side / longer)) for side in (east - west, north - south))
        across, down = np.arange(columns) + 0.5, np.arange(rows) + 0.5
        return np.asarray(west + across * (east - west) / columns), np.asarray(north - down * (north - south) / rows)


EARTH = Land(on_land, coastline)


def _without_cuts(ring: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The ring without edges along the antimeridian, where islands are cut and there is no coast."""
    at_180 = np.mod(ring[:, 0], 360) == 180
    cuts = np.flatnonzero(at_180[:-1] & at_180[1:])
    return [part for part in np.split(ring, cuts + 1) if len(part) > 1]


@lru_cache(maxsize=8)  # pictures of many taxa are of one grid
def _mask(land: Land, grid: AnyGrid) -> NDArray[np.bool_]:
    east, north = land.lattice(grid)
    lon, lat = grid.degrees(east, 0.0)[0], grid.degrees(0.0, north)[1]
    found = np.asarray(land.contains((lon[None] + 180) % 360 - 180, np.clip(lat, -90, 90)[:, None]))
    found.setflags(write=False)
    return found
