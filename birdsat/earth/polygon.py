"""A region bounded by polygons: its bounding box, and what lies in it."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid
from birdsat.earth.rings import Rings, closed
from birdsat.errors import ConfigError, InputError

_MOST_DEGREES = 1_000_000.0  # that all rings go up and down; the world's coasts at 1:10 million take a tenth
_NORTHERNMOST = np.nextafter(90.0, 0)  # a ring holds what lies on its southern edges, not on its northern ones
_MARGIN = 1e-6  # degrees around a polygon's bounds, within which it is asked itself


class Polygons:
    """The union of polygons with holes: its bounding box, and the cells of a grid with their centre in it.

    polygons: for each, its outer ring and the rings of its holes, (n, 2) longitude and latitude in WGS84 degrees,
    closed or not. One over the antimeridian is cut there (RFC 7946), or goes on past 180. Raises InputError for a ring
    without area, and for positions that are not on Earth.
    """

    def __init__(self, polygons: Sequence[Sequence[NDArray[np.float64]]]) -> None:
        if not polygons:
            raise InputError("there is no polygon; give polygons, alone or several together.")
        for rings in polygons:
            for ring in rings:
                check_ring(ring)
        up_and_down = sum(float(np.abs(np.diff(ring[:, 1])).sum()) for rings in polygons for ring in rings)
        if up_and_down > _MOST_DEGREES:
            raise InputError(
                f"the rings go up and down by {up_and_down:,.0f} degrees in all; allowed: {_MOST_DEGREES:,.0f}. "
                "Simplify them."
            )
        self._polygons = [Rings(rings) for rings in polygons]
        # (n, 4) west, south, east, north of each
        self._bounds = np.array([polygon.bounds for polygon in self._polygons]) + _MARGIN * np.array([-1, -1, 1, 1])
        self.box = _bounds([closed(rings[0]) for rings in polygons])  # with the pole that a ring goes around

    def contains(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which places lie in it. lon, lat: (n,) degrees -> (n,) bool; NaN is outside."""
        inside = np.zeros(len(lon), dtype=bool)
        lat = np.minimum(lat, _NORTHERNMOST)
        order = np.argsort(lat)
        first, behind = np.searchsorted(lat[order], self._bounds[:, 1]), np.searchsorted(lat[order], self._bounds[:, 3])
        for polygon, (west, _, east, _), start, end in zip(self._polygons, self._bounds, first, behind, strict=True):
            near = order[start:end]
            near = near[np.mod(lon[near] - west, 360) <= east - west]
            if len(near):
                inside[near] |= polygon.contains(lon[near], lat[near])
        return inside

    def mask(self, grid: AnyGrid, rows: slice = slice(None)) -> NDArray[np.bool_]:
        """Which cells have their centre in it: (rows, columns), of the whole grid or of some of its rows.

        Raises InputError when it is the whole grid and no cell has.
        """
        lon, lat = grid.lon, grid.lat[rows]
        inside = np.zeros((len(lat), len(lon)), dtype=bool)
        upwards = lat[::-1]
        top = len(lat) - np.searchsorted(upwards, self._bounds[:, 3])
        bottom = len(lat) - np.searchsorted(upwards, self._bounds[:, 1])
        for at in np.flatnonzero(top < bottom).tolist():
            some = slice(top[at], bottom[at])
            for columns in _columns(lon, self._bounds[at, 0], self._bounds[at, 2]):
                inside[some, columns] |= self._polygons[at].cells(lon[columns], lat[some])
        if rows == slice(None) and not inside.any():
            raise InputError(
                f"no cell of {grid.step_text} in box {grid.box} has its centre in the polygon, which lies in "
                f"{self.box}; take a smaller step, or that box."
            )
        return inside


def _columns(lon: NDArray[np.float64], west: float, east: float) -> Iterator[slice]:
    """The columns of a grid, whose longitudes ascend, that lie between two longitudes, one slice for each turn."""
    if east - west >= 360:
        yield slice(None)
        return
    for turn in range(math.ceil((lon[0] - east) / 360), math.floor((lon[-1] - west) / 360) + 1):
        first, behind = np.searchsorted(lon, [west + 360 * turn, east + 360 * turn])
        if first < behind:
            yield slice(first, behind)


def check_ring(ring: NDArray[np.float64]) -> None:
    """Raise InputError for a ring (n, 2) that is not one of WGS84 degrees, longitude first."""
    check_positions(ring)
    lon, lat = ring.T
    if np.abs(lat).max() > 90:
        swapped = np.abs(lon).max() <= 90
        raise InputError(
            f"latitude {lat[np.abs(lat).argmax()]:g} is outside -90..90; "
            + (
                "longitude and latitude are swapped: longitude comes first."
                if swapped
                else "its positions are not degrees of WGS84, longitude first; project the region to EPSG:4326."
            )
        )
    steps = np.abs(np.diff(lon))
    # From -180 to 180 is around the world; at a pole it does not matter.
    far = (steps > 180) & (steps < 360) & ~((np.abs(lat[:-1]) == 90) & (np.abs(lat[1:]) == 90))
    if far.any():
        at = int(far.argmax())
        raise InputError(
            f"an edge goes from longitude {lon[at]:g} to {lon[at + 1]:g}: over the antimeridian, or the long way "
            f"around? Cut the polygon at 180 (RFC 7946) or go on past it (180 to 190), or put a position between."
        )
    if np.abs(lon).max() > 540 or np.ptp(lon) > 360:
        raise InputError(
            f"longitudes from {lon.min():g} to {lon.max():g} go around the Earth more than once; "
            "longitudes are degrees of WGS84."
        )


def check_positions(ring: NDArray[np.float64]) -> None:
    """Raise InputError for a ring (n, 2) that has fewer than three positions, or some that are not finite."""
    if not np.isfinite(ring).all():
        raise InputError("a position is not finite; leave it out.")
    others = ring[(ring != ring[:1]).any(axis=1)]
    third = (others != others[:1]).any()
    if not third:
        raise InputError(
            f"a ring has only {min(1, len(ring)) + min(1, len(others))} different positions; 3 are needed."
        )


def _bounds(outer: Sequence[NDArray[np.float64]]) -> Box:
    """The narrowest box around the rings, over the antimeridian where that is narrower."""
    south, north = (float(edge([edge(ring[:, 1]) for ring in outer])) for edge in (min, max))
    spans = sorted((float(np.mod(ring[:, 0].min() + 180, 360)), float(np.ptp(ring[:, 0]))) for ring in outer)
    # West of each span lies a gap, if all spans before it (and those that reach over the seam) end before it begins.
    west, widest = spans[0][0], -math.inf
    reach = max(start + width for start, width in spans) - 360
    for start, width in spans:
        if start - reach > widest:
            west, widest = start, start - reach
        reach = max(reach, start + width)
    if widest <= 0:
        return Box(-180, south, 180, north)
    east = np.mod(west - widest, 360)
    try:
        return Box(west - 180, south, 180.0 if east == 0 else float(east) - 180, north)
    except ConfigError as error:
        raise InputError(f"the region has no width or height ({error})") from error
