"""Coordinates from one reference system to another."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError, CPLE_NotSupportedError
from rasterio.crs import CRS as CRS  # others take it from here
from rasterio.env import Env
from rasterio.errors import RasterioError
from rasterio.warp import transform

from birdsat.errors import InputError

# In any unit; what lies farther is not on Earth, and PROJ goes around it turn by turn, for years at 1e18.
_FARTHEST = 1e10
WGS84 = CRS.from_epsg(4326)
_FARTHEST_RECORD = 1e8  # in any unit of a plane; the Earth is 4e7 metres around
_BACK = 1.0  # units of the CRS by which a place may miss itself on the way to WGS84 and back; wrong ones miss by far
_LONGEST = 20_000  # characters; WKT of the fullest definitions has some thousands
# An authority's code, by itself, as a URN or as OGC's address of it (which is not fetched); WKT; PROJJSON; PROJ. What
# else GDAL takes are names of files and addresses, which it would read.
_FORMS = re.compile(
    r"[A-Za-z_0-9]+:[\w.+]+|urn:(?:ogc|x-ogc):def:crs:[\w.:]+|https?://www\.opengis\.net/def/crs/[\w./]+"
    r"|[A-Za-z_0-9]+\s*\[.*\]|\{.*\}|\+proj=(?!pipeline\b).*",
    re.DOTALL,
)
_SPHEROID = re.compile(r'SPHEROID\["[^"]*",\s*([\d.eE+]+)')
_EARTH_M = 6.3e6, 6.45e6  # that its radius is taken to be


def named_crs(name: str) -> CRS | None:
    """The CRS of an authority's code, such as "EPSG:32643"; None where there is none of that name."""
    try:
        with Env():
            return CRS.from_string(name)
    except (RasterioError, CPLE_BaseError, ValueError):
        return None


def read_crs(text: str) -> CRS:
    """The CRS that a text names: an authority's code such as "EPSG:25832", WKT, PROJJSON, or PROJ's "+proj=...".

    No file is read and nothing fetched for it. Raises InputError where none is known of that name, and for one that is
    not of places on Earth in two coordinates.
    """
    shown = f"{' '.join(text[:80].split())}{'...' if len(text) > 80 else ''}"
    said = f"the CRS {shown!r} is not known; give an authority's code such as EPSG:25832, WKT, or PROJ's '+proj=...'."
    if len(text) > _LONGEST or "\0" in text or not _FORMS.fullmatch(text.strip()):
        raise InputError(said)
    try:
        with Env():  # which keeps GDAL's own words off stderr
            found = CRS.from_user_input(text.strip())
            wkt = found.to_wkt()
    except (RasterioError, CPLE_BaseError, ValueError, TypeError, KeyError) as error:
        raise InputError(said) from error
    radius = _SPHEROID.search(wkt)
    on_earth = radius is None or _EARTH_M[0] < float(radius[1]) < _EARTH_M[1]
    if not (found.is_geographic or found.is_projected) or not on_earth:
        raise InputError(
            f"the CRS {shown!r} is not one of maps of the Earth; give one of degrees or of a projection, such as "
            "EPSG:4326 or EPSG:25832."
        )
    return found


def declared_crs(crs: Any) -> CRS:
    """The CRS that GeoParquet declares: PROJJSON, or a text. Raises InputError as `read_crs` does."""
    id = crs.get("id") if isinstance(crs, dict) else None
    if isinstance(id, dict) and id.get("authority") and id.get("code"):
        return read_crs(f"{id['authority']}:{id['code']}")
    return read_crs(crs if isinstance(crs, str) else json.dumps(crs))


def in_degrees_of_arc(crs: CRS) -> bool:
    """Whether coordinates of a CRS are longitude and latitude in degrees: not of a projection, nor in grads."""
    return bool(crs.is_geographic) and math.isclose(crs.units_factor[1], math.pi / 180, rel_tol=1e-6)


def central_meridian(crs: CRS) -> float | None:
    """Longitude, degrees, of the middle of a transverse Mercator projection, as UTM and most national grids are; None
    of another CRS."""
    text = crs.to_wkt(version="WKT1_GDAL")
    if 'PROJECTION["Transverse_Mercator"]' not in text:
        return None
    found = re.search(r'PARAMETER\["central_meridian",\s*([-+.\deE]+)\]', text)
    return None if found is None else float(found[1])


def places_of(
    crs: CRS, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude (n,) in WGS84 degrees of places x, y (n,) in a CRS; NaN where it has no such place.

    What a projection would wrap around the Earth, as Web Mercator does beyond its edges, is not a place either: it does
    not come back to where it was.
    """
    if crs == WGS84:
        inside = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        return np.where(inside, x, np.nan), np.where(inside, y, np.nan)
    near = (np.abs(x) <= _FARTHEST_RECORD) & (np.abs(y) <= _FARTHEST_RECORD)
    lon, lat = transformed(crs, WGS84, np.where(near, x, np.nan), np.where(near, y, np.nan))
    again = transformed(WGS84, crs, lon, lat)
    most = 1e-3 if crs.is_geographic else _BACK
    good = (np.abs(again[0] - x) <= most) & (np.abs(again[1] - y) <= most) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    return np.where(good, lon, np.nan), np.where(good, lat, np.nan)


def transformed(
    source: CRS, target: CRS, x: Sequence[float] | NDArray[np.float64], y: Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x, y (n,) in another CRS; NaN where it has no such place."""
    far = ~((np.abs(x) <= _FARTHEST) & (np.abs(y) <= _FARTHEST))
    if np.any(far):
        x, y = np.where(far, np.nan, x), np.where(far, np.nan, y)
    try:
        found = np.array(transform(source, target, x, y))
    except CPLE_NotSupportedError:  # there is no way from one to the other, as to another planet's
        return np.full(len(x), np.nan), np.full(len(x), np.nan)
    except (RasterioError, CPLE_BaseError):  # one bad point fails them all: look for it
        if len(x) == 1:
            return np.full(1, np.nan), np.full(1, np.nan)
        half = len(x) // 2
        parts = transformed(source, target, x[:half], y[:half]), transformed(source, target, x[half:], y[half:])
        found = np.concatenate(parts, axis=1)
    found[:, ~np.isfinite(found).all(axis=0)] = np.nan
    return found[0], found[1]
