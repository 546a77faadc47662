"""Square pictures of a raster for maps in the browser: Web Mercator, 256 pixels, numbered as XYZ."""

import math
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from birdsat.earth.open_raster import damaged, open_raster
from birdsat.errors import ConfigError, InputError

TILE_PX = 256
DEEPEST = 22
_HALF = math.pi * 6_378_137.0  # of the Earth's side in Web Mercator, metres


def check_tile(z: int, x: int, y: int) -> None:
    """Raise ConfigError for a tile that there is not."""
    if not (0 <= z <= DEEPEST and 0 <= x < 1 << z and 0 <= y < 1 << z):
        raise ConfigError(f"there is no tile {z}/{x}/{y}; x and y go from 0 to 2^z - 1, and z to {DEEPEST}.")


def tile_bounds(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, south, east, north, in metres of Web Mercator (EPSG:3857)."""
    side = 2 * _HALF / (1 << z)
    return -_HALF + x * side, _HALF - (y + 1) * side, -_HALF + (x + 1) * side, _HALF - y * side


def tile_lon_lat(z: int, x: int, y: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes (256,) of a tile's columns and latitudes (256,) of its rows, at the middles of pixels."""
    along = (np.arange(TILE_PX) + 0.5) / TILE_PX
    lon = (x + along) / (1 << z) * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(math.pi * (1 - 2 * (y + along) / (1 << z)))))
    return lon, lat


class RasterTiles:
    """A raster of any CRS as tiles: its first three bands in 0..255, or one in grey. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Raises InputError as `open_raster` does, and for a raster that is not of 8 bits."""
        self._path, self._dataset = path, open_raster(path)
        colours = [i for i, kind in enumerate(self._dataset.colorinterp, start=1) if kind != ColorInterp.alpha]
        self._bands = colours[:3] if len(colours) >= 3 else colours[:1] * 3
        if any(self._dataset.dtypes[band - 1] != "uint8" for band in self._bands):
            self._dataset.close()
            raise InputError(f"{path} does not hold colours of 8 bits, which tiles are made of; give one that does.")
        self._smaller: dict[int, rasterio.DatasetReader] = {}

    def close(self) -> None:
        for dataset in (self._dataset, *self._smaller.values()):
            dataset.close()

    def _fit(self, bounds: tuple[float, float, float, float]) -> rasterio.DatasetReader:
        """The raster, or the smallest of its overviews that still has a pixel for each of a tile's."""
        west, _, east, _ = transform_bounds("EPSG:3857", self._dataset.crs, *bounds)
        times = abs(east - west) / abs(self._dataset.transform.a) / TILE_PX
        fit = [level for level, factor in enumerate(self._dataset.overviews(1)) if factor <= times]
        if not fit:
            return self._dataset
        if fit[-1] not in self._smaller:
            self._smaller[fit[-1]] = open_raster(self._path, overview=fit[-1])
        return self._smaller[fit[-1]]

    def tile(self, z: int, x: int, y: int) -> NDArray[np.uint8]:
        """(256, 256, 4) red, green, blue and how much is there. Raises ConfigError for a tile that there is not,
        InputError where the file is damaged."""
        check_tile(z, x, y)
        west, south, east, north = tile_bounds(z, x, y)
        # A picture of each tile's own: one of the whole raster would reach to the poles, which are infinitely far off.
        grid = {
            "transform": from_bounds(west, south, east, north, TILE_PX, TILE_PX),
            "width": TILE_PX,
            "height": TILE_PX,
        }
        with (
            damaged(self._path),
            rasterio.Env(GDAL_CACHEMAX=64),
            WarpedVRT(
                self._fit((west, south, east, north)),
                crs="EPSG:3857",
                resampling=Resampling.bilinear,
                add_alpha=True,
                **grid,
            ) as warped,
        ):
            read = warped.read([*self._bands, warped.count])
        return np.ascontiguousarray(read.transpose(1, 2, 0))
