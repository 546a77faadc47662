"""Coordinates from one reference system to another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform

# In any unit; what lies farther is not on Earth, and PROJ goes around it turn by turn, for years at 1e18.
_FARTHEST = 1e10
WGS84 = CRS.from_epsg(4326)


def named_crs(name: str) -> CRS | None:
    """The CRS of an authority's code, such as "EPSG:32643"; None where there is none of that name."""
    try:
        return CRS.from_string(name)
    except (RasterioError, CPLE_BaseError, ValueError):
        return None


def transformed(
    source: CRS, target: CRS, x: Sequence[float] | NDArray[np.float64], y: Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x, y (n,) in another CRS; NaN where it has no such place."""
    far = ~((np.abs(x) <= _FARTHEST) & (np.abs(y) <= _FARTHEST))
    if np.any(far):
        x, y = np.where(far, np.nan, x), np.where(far, np.nan, y)
    try:
        found = np.array(transform(source, target, x, y))
    except (RasterioError, CPLE_BaseError):  # one bad point fails them all: look for it
        if len(x) == 1:
            return np.full(1, np.nan), np.full(1, np.nan)
        half = len(x) // 2
        parts = transformed(source, target, x[:half], y[:half]), transformed(source, target, x[half:], y[half:])
        found = np.concatenate(parts, axis=1)
    found[:, ~np.isfinite(found).all(axis=0)] = np.nan
    return found[0], found[1]
