"""Which part of the built-in world a map is of: that of its records and a margin, unless one is named."""

import math

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.embeddings.regions.world import WorldRegion, open_world
from birdsat.errors import about
from birdsat.workflows.requests.regions import ExtentOptions

_FEW = 200  # of so many places, one beyond the others on any side may be a stray one
_LEAST = 20  # of fewer, none is stray
_WIDER = 2.0  # by how much strays make a map larger before they are told
MARGIN_SHARE = 0.15  # of the longer side of what the records span
LEAST_MARGIN_DEGREES = 5.0  # of latitude, and as many kilometres of longitude


def named_extent(options: ExtentOptions) -> WorldRegion | None:
    """The box, or the world, that a request names; None where it leaves that to the records."""
    if options.box is not None:
        with about("box"):
            return open_world(Box.parse(str(options.box)))
    return open_world() if options.world else None


def extent_of(lon_lat: NDArray[np.float64]) -> Box:
    """The box around places (n, 2), one or more, in degrees, longitude first, with a margin on each side.

    Of the boxes that hold all places, the one with the fewest degrees of longitude, which may lie over the
    antimeridian; with its margin, it may be all the way around.
    """
    lon, lat = lon_lat.T
    west, width = _shortest_arc(lon)
    south, north = float(lat.min()), float(lat.max())
    shrunk = math.cos(math.radians(min(80.0, abs(south + north) / 2)))  # of a degree of longitude, by one of latitude
    margin = max(LEAST_MARGIN_DEGREES, MARGIN_SHARE * max(width * shrunk, north - south))
    south, north = max(-90.0, south - margin), min(90.0, north + margin)
    west, width = west - margin / shrunk, width + 2 * margin / shrunk
    if width >= 360 or south == -90 or north == 90:  # around a pole, all meridians are near
        return Box(-180.0, south, 180.0, north)
    return Box(_wrapped(west), south, _wrapped(west + width), north)


def stray_note(lon_lat: NDArray[np.float64]) -> str:
    """For people: that a few of places (n, 2), one in 200 on any side, make the box around all of them much larger; ""
    where none do. They may be escaped birds or wrong signs, and what lies around them is easily told from the range.
    """
    n = len(lon_lat)
    if n < _LEAST:
        return ""
    west, _ = _shortest_arc(lon_lat[:, 0])
    across = np.column_stack([np.mod(lon_lat[:, 0] - west, 360), lon_lat[:, 1]])
    ranked = np.sort(across, axis=0)
    left_out = max(1, n // _FEW)
    core = ((across >= ranked[left_out]) & (across <= ranked[-1 - left_out])).all(axis=1)
    without = extent_of(lon_lat[core])
    far = ~without.contains(*lon_lat.T)
    wider = _area(extent_of(lon_lat)) / _area(without)
    if not far.any() or wider < _WIDER:
        return ""
    lon, lat = lon_lat[far][0]
    count = int(np.count_nonzero(far))
    lies, makes = ("lies", "makes") if count == 1 else ("lie", "make")
    return (
        f"{count:,} of {n:,} records {lies} far from the others (one at {lon:.2f}, {lat:.2f}) and {makes} the map "
        f"{wider:.1f} times as large; what is far away is easily told from the range, so that figures look better. "
        "Name a box, or take these records out, where the map is not to reach them."
    )


def _area(box: Box) -> float:
    """A share of the sphere's."""
    return box.width_degrees / 360 * (math.sin(math.radians(box.north)) - math.sin(math.radians(box.south))) / 2


def _shortest_arc(lon: NDArray[np.float64]) -> tuple[float, float]:
    """The western end and the width of the shortest stretch that holds all longitudes: all but the widest gap."""
    sorted_lon = np.unique(np.mod(lon + 180, 360) - 180)
    gaps = np.diff(np.append(sorted_lon, sorted_lon[0] + 360))
    widest = int(np.argmax(gaps))
    return float(sorted_lon[(widest + 1) % len(sorted_lon)]), 360.0 - float(gaps[widest])


def _wrapped(lon: float) -> float:
    return (lon + 180) % 360 - 180
