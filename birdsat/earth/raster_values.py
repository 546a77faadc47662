"""Raw values of a raster at places: climate, elevation, colour."""

import warnings
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from birdsat.earth.crs import WGS84, transformed
from birdsat.earth.open_raster import damaged, open_raster
from birdsat.earth.undeclared import ABSURD, LoneValues
from birdsat.errors import BirdsatWarning, ConfigError

_MOST_SIDE = 1024  # pixels of a window that are held, each way
_MOST_ACROSS = 64  # places of a cell, each way, whose mean is taken


def raster_values(
    path: Path, lon_lat: NDArray[np.float64], *, cell_degrees: float | None = None
) -> NDArray[np.float32]:
    """Values (n, bands) of a raster of any CRS at places (n, 2), in the raster's own units.

    Without `cell_degrees`: of the pixel that holds the place. With it: the mean over the square of that side around the
    place, of as many places within it as the raster has pixels there, up to 64 x 64; what is not data does not count.
    NaN where there is no data, and outside the raster. Alpha bands are left out. A warning tells of numbers that look
    as if they stood for no data, where the file does not say so. Raises InputError as `open_raster` does, and for a
    file that is damaged.
    """
    if cell_degrees is not None and not 0 < cell_degrees <= 90:
        raise ConfigError(f"cells are {cell_degrees} degrees wide; allowed: above 0, up to 90.")
    with open_raster(path) as dataset, damaged(path):
        values, lone = _values(dataset, lon_lat, cell_degrees)
    for remark in lone.remarks([1.0] * values.shape[1], [0.0] * values.shape[1]):
        warnings.warn(f"{path.name}: {remark}", BirdsatWarning, stacklevel=2)
    return values


def _values(
    dataset: rasterio.DatasetReader, lon_lat: NDArray[np.float64], cell_degrees: float | None
) -> tuple[NDArray[np.float32], LoneValues]:
    bands = [i for i, meaning in enumerate(dataset.colorinterp, start=1) if meaning != ColorInterp.alpha]
    values: NDArray[np.float32] = np.full((len(lon_lat), len(bands)), np.nan, dtype=np.float32)
    lone = LoneValues(len(bands))
    for number, place in enumerate(lon_lat):
        column, row = _pixels(dataset, _cell_places(dataset, place, cell_degrees))
        inside = (column >= 0) & (column < dataset.width) & (row >= 0) & (row < dataset.height)
        if not inside.any():
            continue
        column, row = column[inside].astype(np.int64), row[inside].astype(np.int64)
        top, left, rows, columns = row.min(), column.min(), np.ptp(row) + 1, np.ptp(column) + 1
        # Of a large window no more pixels are held than serve the lattice.
        shape = min(int(rows), _MOST_SIDE), min(int(columns), _MOST_SIDE)
        window = Window(left, top, columns, rows)
        read = dataset.read(bands, window=window, out_shape=(len(bands), *shape), masked=True)
        read = read[:, (row - top) * shape[0] // rows, (column - left) * shape[1] // columns]
        known = np.ma.filled(read.astype(np.float64), np.nan)
        known[np.abs(known) > ABSURD] = np.nan
        lone.add(known.T.astype(np.float32))
        for band, some in enumerate(known):
            some = some[np.isfinite(some)]
            if len(some):
                values[number, band] = some.mean()
    return values, lone


def _cell_places(
    dataset: rasterio.DatasetReader, place: NDArray[np.float64], cell_degrees: float | None
) -> NDArray[np.float64]:
    """(m, 2) places of a cell: its middle alone, or a lattice about as dense as the raster's pixels."""
    if cell_degrees is None:
        return place[None]
    half = cell_degrees / 2
    cross = place + half * np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])
    column, row = _pixels(dataset, cross)
    east_west = np.hypot(column[1] - column[0], row[1] - row[0])
    north_south = np.hypot(column[3] - column[2], row[3] - row[2])
    # Where an arm of the cross lies beyond the raster's system or its seam, the cell is looked up as densely as can be.
    across, down = (
        int(np.clip(np.rint(pixels), 1, _MOST_ACROSS)) if np.isfinite(pixels) else _MOST_ACROSS
        for pixels in (east_west, north_south)
    )
    lon = place[0] + ((np.arange(across) + 0.5) / across - 0.5) * cell_degrees
    lat = place[1] + ((np.arange(down) + 0.5) / down - 0.5) * cell_degrees
    lattice = np.stack(np.meshgrid(lon, lat[np.abs(lat) <= 90]), axis=-1)
    return lattice.reshape(-1, 2)


def _pixels(
    dataset: rasterio.DatasetReader, lon_lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fractional columns and rows (0 at the outer edge) of places; NaN where the raster's system has no such place."""
    lon, lat = (lon_lat[:, 0] + 180) % 360 - 180, lon_lat[:, 1]
    x, y = (lon, lat) if dataset.crs == WGS84 else transformed(WGS84, dataset.crs, lon, lat)
    if dataset.crs.is_geographic:  # a raster may begin at any meridian
        across, down, first, *_ = dataset.transform
        left = first + min(0, across * dataset.width) + min(0, down * dataset.height)
        x = (x - left) % 360 + left
    a, b, c, d, e, f, *_ = ~dataset.transform
    return a * x + b * y + c, d * x + e * y + f
