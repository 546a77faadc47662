"""Polygons as files have them, mended where their edges cross, and brought to WGS84 degrees."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from birdsat.earth.crs import WGS84, in_degrees_of_arc, transformed
from birdsat.earth.polygon import Polygons, check_positions, check_ring
from birdsat.earth.rings import closed, unwrapped
from birdsat.errors import BirdsatWarning, InputError

_PIECES = 4096  # to which the rings of a polygon that is straight in another CRS are cut before they are projected
_FARTHEST = 1e10  # in any unit; see `birdsat.earth.crs`
# Pairs of edges that may meet, by their bounds, in a polygon that is mended: more take minutes and gigabytes.
_MOST_PAIRS, _PAIRS_AN_EDGE, _PAIRS_AT_ONCE = 100_000, 20, 4_000_000

Ring = NDArray[np.float64]  # (n, 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A polygon of a file."""

    rings: Sequence[Ring]  # the outer one, then those of its holes; in units of the CRS, x (or longitude) first
    crs: CRS
    feature: int | None = None  # which of the file's it belongs to, from 1; None: there is one alone


def polygons_of(shapes: Iterable[Shape], path: str) -> Polygons:
    """The region that some shapes are together. path: of the file, for messages.

    Polygons whose edges cross, or whose holes reach out of them, are mended, with a warning that names the first: what
    is inside any part of the outer ring, and in no hole, is inside. Those without area, as slivers that were rounded
    away, are passed over, unless there are no others. Raises InputError, with the number of the feature,
    where one is not of places on Earth, or crosses itself too often to be mended.
    """
    found: list[list[Ring]] = []
    mended: list[Shape] = []
    flat = 0
    for shape in shapes:
        try:
            parts, was_valid = _in_degrees(shape)
        except InputError as error:
            raise InputError(f"{_prefix(shape)}{error}") from error
        found += parts
        flat += not parts
        if parts and not was_valid:
            mended.append(shape)
    if flat and not found:
        raise InputError("its polygons have no width or height: they enclose no area; draw them again.")
    region = Polygons(found)
    if mended:
        which = "" if mended[0].feature is None else f", the first of them in feature {mended[0].feature}"
        warnings.warn(
            f"{path}: {len(mended):,} of its polygons cross themselves{which}; they are taken as the area that their "
            "outer rings enclose, without their holes.",
            BirdsatWarning,
            stacklevel=2,
        )
    return region


def _prefix(shape: Shape) -> str:
    return "" if shape.feature is None else f"feature {shape.feature}: "


def _in_degrees(shape: Shape) -> tuple[list[list[Ring]], bool]:
    """The polygons (rings in WGS84 degrees) that a shape is, and whether it was valid."""
    crs, rings = shape.crs, list(shape.rings)
    for ring in rings:
        check_positions(ring)
    if not (crs.is_geographic or crs.is_projected):
        raise InputError(f"its CRS is {_shown(crs)}, which is not one of maps of the Earth; project it to EPSG:4326.")
    if crs == WGS84 or in_degrees_of_arc(crs):
        if crs != WGS84:
            rings = [_to_wgs84(ring, crs) for ring in rings]
        for ring in rings:
            check_ring(ring)
        whole = [closed(ring) for ring in rings]
        return _mended([whole[0], *_holes_within(whole[0], whole[1:])])
    farthest = max(float(np.abs(ring).max()) for ring in rings)
    if crs.is_projected and farthest <= 360:
        raise InputError(
            f"its CRS is {_shown(crs)}, which is not in degrees, but its positions look like degrees; write in the "
            "CRS that they are of, `ogr2ogr -a_srs EPSG:4326 OUT.gpkg IN`."
        )
    if farthest > _FARTHEST:
        raise InputError(f"some of its positions are not on Earth in its CRS, {_shown(crs)}; export it again.")
    polygons, was_valid = _mended(rings)  # in the plane in which it was drawn
    length = sum(float(np.hypot(*np.diff(ring, axis=0).T).sum()) for polygon in polygons for ring in polygon)
    bent = [[unwrapped(_to_wgs84(_cut(ring, length / _PIECES), crs)) for ring in polygon] for polygon in polygons]
    for ring in (ring for polygon in bent for ring in polygon):
        check_ring(ring)
    return bent, was_valid


def _to_wgs84(ring: Ring, crs: CRS) -> Ring:
    """(n, 2) degrees. Of a CRS of degrees, the turn that was written is kept."""
    lon, lat = transformed(crs, WGS84, *ring.T)
    if not (np.isfinite(lon) & np.isfinite(lat)).all():
        at = ring[~np.isfinite(lon)][0].tolist()
        raise InputError(f"positions such as {at} are not on Earth in its CRS, {_shown(crs)}; export it again.")
    if in_degrees_of_arc(crs):
        lon = lon + 360 * np.round((ring[:, 0] - lon) / 360)
    return np.column_stack([lon, lat])


def _cut(ring: Ring, step: float) -> Ring:
    """The ring with positions added along edges that are longer than a step."""
    coordinates: Ring = shapely.get_coordinates(shapely.segmentize(shapely.linestrings(ring), step))
    return coordinates


def _holes_within(outer: Ring, holes: Sequence[Ring]) -> list[Ring]:
    """The holes in the turns of 360 degrees in which the outer ring lies; over the antimeridian, in two of them."""
    west, east = outer[:, 0].min(), outer[:, 0].max()
    found = []
    for hole in holes:
        left, right = hole[:, 0].min(), hole[:, 0].max()
        found += [
            hole + np.array([360.0 * turn, 0.0])
            for turn in range(-3, 4)
            if left + 360 * turn < east and right + 360 * turn > west
        ]
    return found


def _mended(rings: Sequence[Ring]) -> tuple[list[list[Ring]], bool]:
    """A polygon, or the polygons that it is when its edges do not cross, none where it has no area; and whether they
    did not from the start."""
    polygon = shapely.polygons(shapely.linearrings(rings[0]), [shapely.linearrings(ring) for ring in rings[1:]] or None)
    if shapely.is_valid(polygon):
        return [list(rings)], True
    _refuse_knots(rings)
    whole = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    parts = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon" and not part.is_empty]
    return [rings_of(part) for part in parts], False


def rings_of(polygon: shapely.Polygon) -> list[Ring]:
    """The outer ring, then those of the holes."""
    return [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]


def _refuse_knots(rings: Sequence[Ring]) -> None:
    """Raise InputError where so many edges may cross each other that they cannot be told apart in reasonable time."""
    pairs = np.concatenate([np.stack([ring[:-1], ring[1:]], axis=1) for ring in rings])
    edges = shapely.linestrings(pairs)
    tree = shapely.STRtree(edges)
    at_once = max(1, _PAIRS_AT_ONCE // len(edges))
    meet = 0
    for start in range(0, len(edges), at_once):
        meet += tree.query(edges[start : start + at_once]).shape[1]
        if meet > _MOST_PAIRS + _PAIRS_AN_EDGE * len(edges):
            raise InputError("its edges cross each other too often to be mended; draw it again.")


def _shown(crs: CRS) -> str:
    text = str(crs)
    return text if len(text) <= 100 else f"{text[:100]}..."
