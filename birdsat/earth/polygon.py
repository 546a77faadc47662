"""A region bounded by polygons, read from GeoJSON."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS

from birdsat.earth.box import Box
from birdsat.earth.crs import WGS84, named_crs, transformed
from birdsat.earth.grid import AnyGrid
from birdsat.earth.rings import Rings, unwrapped
from birdsat.errors import ConfigError, InputError
from birdsat.reading import read_json

_ALLOWED = "a Polygon, a MultiPolygon, or a Feature or FeatureCollection of them, in WGS84"
_MOST_BYTES = 1 << 27  # of a file; the borders of a country to the metre are a fifth of it
_MOST_DEPTH = 20  # of collections in collections
_MOST_DEGREES = 1_000_000.0  # that all rings go up and down; the world's coasts at 1:10 million take a tenth
_PIECES = 32  # to which an edge that is straight in a declared CRS is cut before it is projected
_DENSE = 10_000  # positions of a ring from which on its edges are short enough as they are
# "EPSG:32643", "urn:ogc:def:crs:EPSG::4326", "http://www.opengis.net/def/crs/EPSG/0/4326", and of OGC its CRS84.
_CRS_NAME = re.compile(r"(?:.*[:/])?(?P<authority>EPSG|ESRI|OGC)[:/](?:[\d.]*[:/])?(?P<code>\d+|CRS\d+)", re.IGNORECASE)


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
        up_and_down = sum(float(np.abs(np.diff(ring[:, 1])).sum()) for rings in polygons for ring in rings)
        if up_and_down > _MOST_DEGREES:
            raise InputError(
                f"the rings go up and down by {up_and_down:,.0f} degrees in all; allowed: {_MOST_DEGREES:,.0f}. "
                "Simplify them."
            )
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

    A CRS that the file declares, as those of before RFC 7946 do, is followed. Raises InputError for a file that is
    something else, is empty, declares a CRS that is not known, or has positions that are not on Earth, as when latitude
    comes first; and for an edge of more than 180 degrees, which may be meant to go over the antimeridian or not.
    """
    try:
        content = read_json(path, most_bytes=_MOST_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{path} cannot be read (it is not there); give a GeoJSON file.") from error
    except InputError as error:
        raise InputError(f"{path} cannot be read: {error} Export the region as GeoJSON.") from error
    try:
        return Polygons([_rings(coordinates, crs) for coordinates, crs in _found(content, WGS84, 0)])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _found(content: Any, crs: CRS, depth: int) -> Iterator[tuple[Any, CRS]]:
    """The coordinates of every polygon, and the CRS that they are in. crs: what holds where none is declared."""
    if depth > _MOST_DEPTH:
        raise InputError(f"collections lie in one another more than {_MOST_DEPTH} deep; export the region again.")
    kind = content.get("type") if isinstance(content, dict) else None
    if isinstance(content, dict) and content.get("crs") is not None:
        crs = _declared(content["crs"])
    if kind == "FeatureCollection" and isinstance(content.get("features"), list):
        for feature in content["features"]:
            yield from _found(feature, crs, depth + 1)
    elif kind == "GeometryCollection" and isinstance(content.get("geometries"), list):
        for geometry in content["geometries"]:
            yield from _found(geometry, crs, depth + 1)
    elif kind == "Feature":
        if content.get("geometry") is not None:
            yield from _found(content["geometry"], crs, depth + 1)
    elif kind == "Polygon" and content.get("coordinates"):
        yield content["coordinates"], crs
    elif kind == "MultiPolygon" and isinstance(content.get("coordinates"), list):
        yield from ((coordinates, crs) for coordinates in content["coordinates"])
    elif kind == "Polygon":
        raise InputError(f"a Polygon has no coordinates; give {_ALLOWED}.")
    else:
        raise InputError(f"found {_shown(kind) if kind else type(content).__name__}; give {_ALLOWED}.")


def _rings(coordinates: Any, crs: CRS) -> list[NDArray[np.float64]]:
    try:
        rings = [np.array([position[:2] for position in ring], dtype=np.float64) for ring in coordinates]
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InputError("a polygon's coordinates are not rings of [longitude, latitude]; export it again.") from error
    if not rings or any(ring.ndim != 2 or ring.shape[1] != 2 for ring in rings):
        raise InputError("a polygon's coordinates are not rings of [longitude, latitude]; export it again.")
    return rings if crs == WGS84 else [_to_wgs84(ring, crs) for ring in rings]


def _to_wgs84(ring: NDArray[np.float64], crs: CRS) -> NDArray[np.float64]:
    """A ring in a declared CRS, whose edges are straight there. (n, 2) -> (m, 2) degrees."""
    if not crs.is_geographic and np.abs(ring).max(initial=0) <= 360:
        raise InputError(
            f"its CRS is {_shown(crs)}, which is not in degrees, but its positions look like degrees; project the "
            "region to EPSG:4326, or take the CRS out."
        )
    if not crs.is_geographic and len(ring) < _DENSE:
        share = (np.arange(_PIECES) / _PIECES)[None, :, None]
        cut = ring[:-1, None] + share * (ring[1:] - ring[:-1])[:, None]
        ring = np.vstack([cut.reshape(-1, 2), ring[-1:]])
    lon, lat = transformed(crs, WGS84, *ring.T)
    if not (np.isfinite(lon) & np.isfinite(lat)).all():
        raise InputError(f"positions such as {ring[~np.isfinite(lon)][0].tolist()} are not on Earth in its CRS, {crs}.")
    if crs.is_geographic:
        lon = lon + 360 * np.round((ring[:, 0] - lon) / 360)  # a turn that was written is kept
        return np.column_stack([lon, lat])
    return unwrapped(np.column_stack([lon, lat]))


def _declared(crs: Any) -> CRS:
    """The CRS that a "crs" of before RFC 7946 names. Raises InputError where it is not known."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name: Any = crs
    if isinstance(properties, dict):
        name = properties.get("name", f"EPSG:{properties['code']}" if "code" in properties else None)
    parts = _CRS_NAME.fullmatch(name.strip()) if isinstance(name, str) and len(name) < 100 else None
    found = None
    if parts is not None:
        authority, code = parts["authority"].upper(), parts["code"].upper()
        found = WGS84 if (authority, code) == ("OGC", "CRS84") else named_crs(f"{authority}:{code}")
    if found is None:
        raise InputError(
            f"its CRS is {_shown(name if name else crs)}, which is not known; project the region to EPSG:4326."
        )
    return found


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
            "GeoJSON has degrees of WGS84."
        )


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


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
