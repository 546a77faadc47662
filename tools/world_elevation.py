"""How high cells lie, and how uneven the land around them is, from a coarse raster of elevation."""

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from birdsat.errors import InputError


def elevation_and_spread(raster: Path, lon_lat: NDArray[np.float64]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Elevation (n,) at places (n, 2), interpolated bilinearly between the raster's pixels, and the standard deviation
    of the 3 x 3 pixels around, interpolated alike; metres, rounded.

    Raises InputError for a raster that is not of the whole world in degrees, north up.
    """
    with rasterio.open(raster) as dataset:
        values = dataset.read(1).astype(np.float64)
        left, bottom, right, top = dataset.bounds
        whole = np.allclose([left, right, bottom, top], [-180, 180, -90, 90], atol=1e-6)
        if not whole or dataset.crs is None or not dataset.crs.is_geographic:
            raise InputError(f"{raster} is not a raster of the world in degrees; give one of -180..180 and -90..90.")
    around = np.pad(np.pad(values, ((0, 0), (1, 1)), mode="wrap"), ((1, 1), (0, 0)), mode="edge")
    rows, columns = values.shape
    windows = np.stack([around[i : i + rows, j : j + columns] for i in range(3) for j in range(3)])
    return _at(values, lon_lat), _at(windows.std(axis=0), lon_lat)


def _at(values: NDArray[np.float64], lon_lat: NDArray[np.float64]) -> NDArray[np.int16]:
    rows, columns = values.shape
    down = np.clip((90 - lon_lat[:, 1]) * rows / 180 - 0.5, 0, rows - 1)
    along = (lon_lat[:, 0] + 180) * columns / 360 - 0.5
    north, west = np.minimum(np.floor(down).astype(np.int64), rows - 2), np.floor(along).astype(np.int64)
    south_share, east_share = down - north, along - west
    total = np.zeros(len(lon_lat))
    for i, part in ((north, 1 - south_share), (north + 1, south_share)):
        for j, share in ((west, 1 - east_share), (west + 1, east_share)):
            total += part * share * values[i, j % columns]
    return np.rint(total).astype(np.int16)
