"""A raster's numbers by the cells of a grid, window by window, so that memory grows with neither of them."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from birdsat.earth.crs import WGS84, transformed
from birdsat.earth.grid import AnyGrid
from birdsat.earth.open_raster import damaged, open_raster
from birdsat.earth.undeclared import ABSURD, LoneValues
from birdsat.errors import InputError
from birdsat.progress import QUIET, Progress

_NUMBERS = 1 << 21  # of a window: its samples, in all bands
_CACHE_MB = 256  # of GDAL's, of blocks that windows share; by default a twentieth of the machine's memory
_MOST_ACROSS = 64  # samples of a cell, each way, that are looked at where it has more pixels
_LEAST_ACROSS = 4  # samples of a cell, each way: of larger pixels several are taken, so that none is passed over
_MOST_CELLS = 256  # across a pixel; finer cells would all say the same
_LATTICE = 33  # places each way at which the raster's pixels are compared with cells, and 9 of a window
_POLAR = 85.0  # degrees; beyond, where meridians meet, a pixel may be as wide as hundreds of cells

_Numbers = NDArray[np.float64]
_Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class RasterBands:
    """What the bands of a raster are, transparency left out."""

    numbers: tuple[int, ...]  # of the bands, from 1
    names: tuple[str, ...]  # as the file describes them; "" where it does not
    dtype: str  # of the first
    nodata: float | None  # of the first


@dataclass(frozen=True, kw_only=True, slots=True)
class CellSamples:
    """Samples of a raster, some thousands."""

    cells: NDArray[np.int64]  # (n,) positions of the cells they lie in; -1 outside the grid
    values: NDArray[np.float32]  # (n, bands), scaled as the file says; NaN where there is no data, or beyond 9e19


def raster_bands(path: Path, *, classes: bool = False) -> RasterBands:
    """classes: its numbers stand for classes, which may have a palette.

    Raises InputError as `open_raster` does, and for a raster of transparency or of a palette alone.
    """
    with open_raster(path) as dataset, damaged(path):
        meaning = dataset.colorinterp
        numbers = tuple(i for i, one in enumerate(meaning, start=1) if one != ColorInterp.alpha)
        if not numbers or (ColorInterp.palette in meaning and not classes):
            lost = "transparency only; give bands of numbers"
            if numbers:
                lost = (
                    "a palette, whose numbers stand for classes or colours; give bands of numbers, or say of a "
                    "covariate that it is of classes, NAME=RASTER:categorical"
                )
            raise InputError(f"{path} holds {lost}.")
        return RasterBands(
            numbers=numbers,
            names=tuple(dataset.descriptions[i - 1] or "" for i in numbers),
            dtype=str(dataset.dtypes[numbers[0] - 1]),
            nodata=dataset.nodatavals[numbers[0] - 1],
        )


def raster_samples(
    path: Path, grid: AnyGrid, *, classes: bool = False, least: float = -math.inf, progress: Progress = QUIET
) -> Iterator[CellSamples]:
    """All bands but transparency, of all pixels that lie in cells of the grid: their means are those of the cells.

    A cell that has more than 64 pixels each way is sampled at 64 or more, from overviews where the raster has some; of
    pixels larger than a quarter of a cell several samples are taken, evenly spread, so that a cell's mean weighs pixels
    by what they cover of it, to about an eighth of its side. classes: numbers stand for classes, and overviews, which
    may hold means of them, are not read. Noted: numbers that look as if they stood for no data, where the file does not
    say so; not of those below `least`, which the caller takes for none. Raises InputError as `open_raster` does, for a
    file that is damaged, and for cells that are more than 256 times smaller than pixels.
    """
    bands = raster_bands(path, classes=classes).numbers
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB), open_raster(path) as dataset, damaged(path):
        size = _pixel_in_cells(dataset, grid)
        if size is None:
            return
        if size > _MOST_CELLS:
            raise InputError(
                f"the cells, of {grid.step_text}, are {size:,.0f} times smaller than a pixel of {path}; take larger "
                "cells.",
                settings=("grid", "grid_km"),
            )
        every = 2 ** max(0, math.floor(math.log2(1 / (size * _MOST_ACROSS))))  # pixels to a sample, each way
        split = max(1, math.ceil(size * _LEAST_ACROSS - 1e-9))  # samples to a pixel, each way
        held = 1 if classes else every * every  # pixels that a number which is held stands for
        most = max(1, _NUMBERS * held // (len(bands) * split * split))
        windows = [
            window for window in _windows(dataset, most, every) if _Lattice.of(dataset, grid, *window, 9).near.any()
        ]
        lone = LoneValues(len(bands))
        with progress.bar(f"reading {path.name}", len(windows), unit="windows") as bar:
            for rows, columns in windows:
                shape = math.ceil((rows[1] - rows[0]) / every), math.ceil((columns[1] - columns[0]) / every)
                middles = np.meshgrid(
                    _middles(rows, shape[0] * split), _middles(columns, shape[1] * split), indexing="ij"
                )
                cells = grid.cells_at(*_places(dataset, *middles))
                if (cells >= 0).any():
                    if classes:
                        whole = _read(dataset, bands, rows, columns, (rows[1] - rows[0], columns[1] - columns[0]))
                        down, across = (
                            (_middles(span, n) - span[0]).astype(np.int64)
                            for span, n in zip((rows, columns), shape, strict=True)
                        )
                        values = whole[down[:, None], across]
                    else:
                        values = _read(dataset, bands, rows, columns, shape)
                    if split > 1:
                        values = values.repeat(split, axis=0).repeat(split, axis=1)
                    values = values.reshape(-1, len(bands))
                    inside = values[cells >= 0]
                    lone.add(np.where(inside < least, np.float32(np.nan), inside))
                    yield CellSamples(cells=cells, values=values)
                bar.advance()
        for remark in lone.remarks(*_scales(dataset, bands)):
            progress.note(f"{path.name}: {remark}")


def _middles(span: _Span, parts: int) -> _Numbers:
    """(parts,) the middle of each of so many parts."""
    return np.asarray(span[0] + (np.arange(parts) + 0.5) * ((span[1] - span[0]) / parts), dtype=np.float64)


def _read(
    dataset: rasterio.DatasetReader, bands: Sequence[int], rows: _Span, columns: _Span, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """(*shape, bands) values of a window, or of every n-th pixel of it, scaled as the file says."""
    window = Window.from_slices(rows, columns)
    read = dataset.read(list(bands), window=window, out_shape=(len(bands), *shape), masked=True)
    values = np.ma.filled(read.astype(np.float64), np.nan).transpose(1, 2, 0)
    values[np.abs(values) > ABSURD] = np.nan
    scale, offset = _scales(dataset, bands)
    return np.asarray(values * scale + offset, dtype=np.float32)


def _scales(dataset: rasterio.DatasetReader, bands: Sequence[int]) -> tuple[list[float], list[float]]:
    """Of the bands, what numbers of the file are multiplied by, and what is added then."""
    return [dataset.scales[band - 1] for band in bands], [dataset.offsets[band - 1] for band in bands]


def _places(dataset: rasterio.DatasetReader, row: _Numbers, column: _Numbers) -> tuple[_Numbers, _Numbers]:
    """Longitudes and latitudes (n,) of fractional rows and columns, of any shape; NaN where there is no such place."""
    a, b, c, d, e, f, *_ = dataset.transform
    row, column = row.ravel(), column.ravel()
    lon, lat = a * column + b * row + c, d * column + e * row + f
    if dataset.crs != WGS84:
        lon, lat = transformed(dataset.crs, WGS84, lon, lat)
    beyond = np.abs(lat) > 90  # as of a grid that lies half a pixel over the poles
    return np.where(beyond, np.nan, lon), np.where(beyond, np.nan, lat)


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Places evenly spread over a window of a raster, n by n, and which of them may have cells of a grid near them."""

    row: _Numbers
    column: _Numbers
    lon: _Numbers
    lat: _Numbers
    near: NDArray[np.bool_]  # in the grid, or no farther from it than the next place of the lattice

    @classmethod
    def of(cls, dataset: rasterio.DatasetReader, grid: AnyGrid, rows: _Span, columns: _Span, n: int) -> "_Lattice":
        row, column = np.meshgrid(np.linspace(*rows, n), np.linspace(*columns, n), indexing="ij")
        lon, lat = (degrees.reshape(n, n) for degrees in _places(dataset, row, column))
        (west, east), (north, south) = (edges[[0, -1]] for edges in grid.edges())
        beside_lon = max(_largest(_turned(np.diff(lon, axis=axis))) for axis in (0, 1))
        beside_lat = max(_largest(np.abs(np.diff(lat, axis=axis))) for axis in (0, 1))
        width = east - west + 2 * beside_lon
        near = ((lon - west + beside_lon) % 360 <= width) | (np.isfinite(lon) & (width >= 360))
        near &= (lat >= south - beside_lat) & (lat <= north + beside_lat)
        return cls(row, column, lon, lat, near)


def _pixel_in_cells(dataset: rasterio.DatasetReader, grid: AnyGrid) -> float | None:
    """The side of the largest pixel near the grid, in cells; None where there is none near."""
    at = _Lattice.of(dataset, grid, (0, dataset.height), (0, dataset.width), _LATTICE)
    near = at.near & (np.abs(at.lat) <= _POLAR) if (at.near & (np.abs(at.lat) <= _POLAR)).any() else at.near
    largest = 0.0
    for down, across in ((1, 0), (0, 1)):
        lon, lat = (one.reshape(near.shape) for one in _places(dataset, at.row + down, at.column + across))
        east = np.abs(grid.plane(_turned(lon - at.lon), 0.0)[0])
        north = np.abs(grid.plane(0.0, lat)[1] - grid.plane(0.0, at.lat)[1])
        largest = max(largest, _largest(east[near]), _largest(north[near]))
    return largest / grid.step if largest > 0 else None


def _turned(degrees: _Numbers) -> _Numbers:
    """Differences of longitudes, the short way around."""
    return np.abs((degrees + 180) % 360 - 180)


def _largest(numbers: _Numbers) -> float:
    """The largest that is finite; 0 where none is."""
    return float(numbers[np.isfinite(numbers)].max(initial=0))


def _windows(dataset: rasterio.DatasetReader, most: int, every: int) -> Iterator[tuple[_Span, _Span]]:
    """Rows and columns of windows of about so many pixels at most: all of a block, as the raster is stored in, before
    those of the next."""
    block_rows, block_columns = dataset.block_shapes[0]
    height, width = int(dataset.height), int(dataset.width)
    side_rows = side_columns = max(1, math.isqrt(most))
    if block_columns >= width:  # strips: all columns of a row are read at any rate
        side_columns = min(width, max(1, most // block_rows))
        side_rows = max(1, most // side_columns)
    for rows in _groups(height, side_rows, max(block_rows, every)):
        for columns in _groups(width, side_columns, max(block_columns, every)):
            yield from itertools.product(rows, columns)


def _groups(length: int, side: int, block: int) -> Iterator[list[_Span]]:
    """A length in spans of about a side, none of which crosses the edge of a block that it does not hold: those of a
    block together."""
    step = max(1, side // block) * block
    for first in range(0, length, step):
        last = min(first + step, length)
        part = step if side >= block else side
        yield [(start, min(start + part, last)) for start in range(first, last, part)]
