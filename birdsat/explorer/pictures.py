"""Pictures of places: from imagery that was named, or cut from the small Blue Marble."""

import io
import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from birdsat.earth.place import EARTH_RADIUS_KM, Place
from birdsat.imagery.open_imagery import open_imagery
from birdsat.imagery.sources import ChipSource


def chip_png(imagery: str | None, basemap: Path, lon: float, lat: float, km: float, px: int) -> bytes:
    """A square of `px` pixels and `km` kilometres around a place, north up. Raises PlaceError, InputError."""
    if imagery is None:
        return _png(_of_basemap(_picture(basemap), lon, lat, km, px))
    (chip,) = _source(imagery, km, px).chips(Place(lon, lat))
    return _png(chip)


@lru_cache(maxsize=16)
def _source(imagery: str, km: float, px: int) -> ChipSource:
    return open_imagery(imagery).chips(ground_km=(km,), px=px)


@lru_cache(maxsize=1)
def _picture(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _of_basemap(world: NDArray[np.uint8], lon: float, lat: float, km: float, px: int) -> NDArray[np.uint8]:
    """By an equidistant projection around the place, between the four pixels around."""
    height, width, _ = world.shape
    side = (np.arange(px) + 0.5) / px - 0.5
    east, north = np.meshgrid(side * km, -side * km)
    distance = np.hypot(east, north) / EARTH_RADIUS_KM
    bearing = np.arctan2(east, north)
    start = math.radians(lat)
    sine = np.sin(start) * np.cos(distance) + np.cos(start) * np.sin(distance) * np.cos(bearing)
    lats = np.arcsin(np.clip(sine, -1, 1))
    lons = math.radians(lon) + np.arctan2(
        np.sin(bearing) * np.sin(distance) * np.cos(start), np.cos(distance) - np.sin(start) * sine
    )
    column = (np.degrees(lons) + 180) / 360 * width - 0.5
    row = np.clip((90 - np.degrees(lats)) / 180 * height - 0.5, 0, height - 1)
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    below = np.minimum(top + 1, height - 1)
    x, y = (column - left)[..., None], (row - top)[..., None]
    above = world[top, left % width] * (1 - x) + world[top, (left + 1) % width] * x
    under = world[below, left % width] * (1 - x) + world[below, (left + 1) % width] * x
    pixels: NDArray[np.uint8] = np.rint(above * (1 - y) + under * y).astype(np.uint8)
    return pixels


def _png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()
