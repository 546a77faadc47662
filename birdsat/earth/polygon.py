"""A region bounded by polygons, read from GeoJSON."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid
from birdsat.earth.rings import Rings
from birdsat.errors import ConfigError, InputError

_ALLOWED = "a Polygon, a MultiPolygon, or a Feature or FeatureCollection of them, in WGS84"
_CRS84 = ("CRS84", "4326")  # how files of before RFC 7946 name WGS84


class Polygons:
    """The union of polygons with holes: its bounding box, and the cells of a grid with their centre in it.

    polygons: for each, its outer ring and the rings of its holes, (n, 2) longitude and latitude in WGS84 degrees,
    closed or not. One over the antimeridian is cut there (RFC 7946), or goes on past 180. Raises InputError for a ring
    without area, and for positions that are not on Earth.
    """

    def __init__(self, polygons: Sequence[Sequence[NDArray[np.float64]]]) -> None:
        if not polygons:
            raise InputError(f"there is no polygon; give {_ALLOWED}.")
        for rings in polygons:
            for ring in rings:
                _check(ring)
        self._polygons = [Rings(rings) for rings in polygons]
        self.box = _bounds([rings[0] for rings in polygons])

    def contains(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which places lie in it. lon, lat: (n,) degrees -> (n,) bool; NaN is outside."""
        inside = np.zeros(len(lon), dtype=bool)
        for polygon in self._polygons:
            inside |= polygon.contains(lon, lat)
        return inside

    def mask(self, grid: AnyGrid, rows: slice = slice(None)) -> NDArray[np.bool_]:
        """Which cells have their centre in it: (rows, columns), of the whole grid or of some of its rows.

        Raises InputError when it is the whole grid and no cell has.
        """
        lon, lat = grid.lon, grid.lat[rows]
        inside = np.zeros((len(lat), len(lon)), dtype=bool)
        for polygon in self._polygons:
            inside |= polygon.cells(lon, lat)
        if rows == slice(None) and not inside.any():
            raise InputError(
                f"no cell of {grid.step_text} in box {grid.box} has its centre in the polygon, which lies in "
                f"{self.box}; take a smaller step, or that box."
            )
        return inside


def read_polygons(path: Path) -> Polygons:
    """The region in a GeoJSON file: a Polygon, MultiPolygon, Feature or FeatureCollection of them (RFC 7946, WGS84).

    Raises InputError for a file that is something else, is empty, names another CRS, or has positions that are not on
    Earth, as when latitude comes first.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); give a GeoJSON file.") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}); export the region as GeoJSON.") from error
    try:
        _refuse_other_crs(content)
        return Polygons([_rings(coordinates) for coordinates in _found(content)])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _found(content: Any) -> Iterator[Any]:
    """The coordinates of every polygon."""
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection" and isinstance(content.get("features"), list):
        for feature in content["features"]:
            yield from _found(feature)
    elif kind == "GeometryCollection" and isinstance(content.get("geometries"), list):
        for geometry in content["geometries"]:
            yield from _found(geometry)
    elif kind == "Feature":
        if content.get("geometry") is not None:
            yield from _found(content["geometry"])
    elif kind == "Polygon" and content.get("coordinates"):
        yield content["coordinates"]
    elif kind == "MultiPolygon" and isinstance(content.get("coordinates"), list):
        yield from content["coordinates"]
    elif kind == "Polygon":
        raise InputError(f"a Polygon has no coordinates; give {_ALLOWED}.")
    else:
        raise InputError(f"found {kind or type(content).__name__}; give {_ALLOWED}.")


def _rings(coordinates: Any) -> list[NDArray[np.float64]]:
    try:
        rings = [np.array([position[:2] for position in ring], dtype=np.float64) for ring in coordinates]
    except (TypeError, ValueError) as error:
        raise InputError("a polygon's coordinates are not rings of [longitude, latitude]; export it again.") from error
    if not rings or any(ring.ndim != 2 or ring.shape[1] != 2 for ring in rings):
        raise InputError("a polygon's coordinates are not rings of [longitude, latitude]; export it again.")
    return rings


def _check(ring: NDArray[np.float64]) -> None:
    if len(np.unique(ring, axis=0)) < 3:
        raise InputError(f"a ring has only {len(np.unique(ring, axis=0))} different positions; 3 are needed.")
    lon, lat = ring.T
    if not np.isfinite(ring).all():
        raise InputError("a position is not finite; leave it out.")
    if np.abs(lat).max() > 90:
        swapped = np.abs(lon).max() <= 90
        raise InputError(
            f"latitude {lat[np.abs(lat).argmax()]:g} is outside -90..90; "
            + (
                "longitude and latitude are swapped: GeoJSON has longitude first."
                if swapped
                else "GeoJSON has degrees of WGS84, longitude first; project the region to EPSG:4326."
            )
        )
    if np.abs(lon).max() > 540 or np.ptp(lon) > 360:
        raise InputError(
            f"longitudes from {lon.min():g} to {lon.max():g} go around the Earth more than once; "
            "GeoJSON has degrees of WGS84."
        )


def _refuse_other_crs(content: Any) -> None:
    if isinstance(content, dict) and content.get("crs") is not None:
        name = str(content["crs"])
        if not any(known in name for known in _CRS84):
            raise InputError(f"its CRS is {name}; project the region to EPSG:4326.")


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
