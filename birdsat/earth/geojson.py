"""Polygons in GeoJSON (RFC 7946), read by `birdsat.reading` and no other parser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS

from birdsat.earth.crs import WGS84, named_crs
from birdsat.earth.shapes import Shape
from birdsat.errors import InputError
from birdsat.reading import read_json

_ALLOWED = "a Polygon, a MultiPolygon, or a Feature or FeatureCollection of them, in WGS84"
_MOST_BYTES = 1 << 27  # of a file; the borders of a country to the metre are a fifth of it
_MOST_DEPTH = 20  # of collections in collections
# "EPSG:32643", "urn:ogc:def:crs:EPSG::4326", "http://www.opengis.net/def/crs/EPSG/0/4326", and of OGC its CRS84.
_CRS_NAME = re.compile(r"(?:.*[:/])?(?P<authority>EPSG|ESRI|OGC)[:/](?:[\d.]*[:/])?(?P<code>\d+|CRS\d+)", re.IGNORECASE)


def geojson_shapes(content: Any) -> Iterator[Shape]:
    """The polygons of GeoJSON, as JSON gives it.

    A CRS that it declares, as files of before RFC 7946 do, is followed; else it is WGS84. Raises InputError for what is
    not polygons, with the number of the feature, and for a CRS that is not known.
    """
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        for coordinates, crs in _found(content, WGS84, 0):
            yield Shape(rings=_rings(coordinates), crs=crs)
        return
    of_all = WGS84 if content.get("crs") is None else _declared(content["crs"])
    for number, feature in enumerate(features, 1):
        try:
            for coordinates, crs in _found(feature, of_all, 1):
                yield Shape(rings=_rings(coordinates), crs=crs, feature=number)
        except InputError as error:
            raise InputError(f"feature {number}: {error}") from error


def read_geojson(path: Path) -> Any:
    """The JSON of a file. Raises InputError for what is not JSON, or is too large, too deep or too long a number."""
    try:
        return read_json(path, most_bytes=_MOST_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{path} cannot be read (it is not there); give a file of polygons.") from error
    except InputError as error:
        raise InputError(
            f"{path} cannot be read: {error} Export the region as GeoJSON, as a GeoPackage or as a shapefile."
        ) from error


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
    elif kind == "Polygon" and content.get("coordinates") == []:
        return  # empty, as those are that clipping left nothing of
    elif kind == "MultiPolygon" and isinstance(content.get("coordinates"), list):
        yield from ((coordinates, crs) for coordinates in content["coordinates"] if coordinates != [])
    elif kind == "Polygon":
        raise InputError(f"a Polygon has no coordinates; give {_ALLOWED}.")
    else:
        raise InputError(f"found {_shown(kind) if kind else type(content).__name__}; give {_ALLOWED}.")


def _rings(coordinates: Any) -> list[NDArray[np.float64]]:
    try:
        rings = [np.array([position[:2] for position in ring], dtype=np.float64) for ring in coordinates]
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InputError("a polygon's coordinates are not rings of [longitude, latitude]; export it again.") from error
    if not rings or any(ring.ndim != 2 or ring.shape[1] != 2 for ring in rings):
        raise InputError("a polygon's coordinates are not rings of [longitude, latitude]; export it again.")
    return rings


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


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:100]}..."
