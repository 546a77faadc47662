"""Grids of numbers as Cloud-Optimised GeoTIFF: written by rows as they come, read by rows or decimated."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.shutil import copy
from rasterio.windows import Window

from birdsat.earth.grid import AnyGrid
from birdsat.earth.open_raster import REFUSED, damaged, open_raster
from birdsat.errors import InputError
from birdsat.files import put_in_place, temporary_folder

TILE = 256  # rows and columns
_CACHE_BYTES = 64 << 20  # of GDAL's blocks; its own default is a share of the machine's memory
_STRIP_ROWS = 16  # of the plain file, in which rows are kept until all have come


class CogSink:
    """Where rows go, in order from the north; see `create_cog`."""

    def __init__(self, path: Path, plain: rasterio.io.DatasetWriter, sums: "_TileSums") -> None:
        self._path, self._plain, self._sums = path, plain, sums
        self.next_row = 0  # the row that must come next

    def write(self, first_row: int, values: NDArray[np.float32]) -> None:
        """Write rows (bands, r, columns), of which the first is `first_row` of the grid; NaN is nodata.

        Raises InputError when they do not follow the rows before, do not fit, or the disk refuses them.
        """
        bands, rows, columns = self._plain.count, self._plain.height, self._plain.width
        if values.ndim != 3 or values.shape[::2] != (bands, columns) or values.dtype != np.float32:
            raise InputError(
                f"rows are {values.shape} of {values.dtype}; ({bands}, any, {columns}) of float32 is needed: every "
                "band, and the columns of the grid."
            )
        behind = first_row + values.shape[1]
        if first_row != self.next_row or behind > rows:
            raise InputError(
                f"rows {first_row} to {behind - 1} came where row {self.next_row} of {rows} was due; "
                "write every row once, from the north."
            )
        with _refusals(self._path):
            self._plain.write(values, window=Window(0, first_row, columns, values.shape[1]))
        self._sums.add(first_row, values)
        self.next_row = behind


@contextmanager
def create_cog(
    path: Path,
    grid: AnyGrid,
    *,
    band_names: Sequence[str],
    long_names: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
) -> Iterator[CogSink]:
    """Write a Cloud-Optimised GeoTIFF of float32 over `grid`, rows by rows; NaN is nodata.

    long_names: what each band holds, in its tag `long_name`, as CF calls it.

    In the grid's own CRS, tiled, deflated, with averaged overviews; a grid over the antimeridian goes on past 180
    degrees. Memory holds the rows that are being written, never the whole. The file appears, whole, when the block ends
    without an error, and not at all otherwise; until then rows lie uncompressed in a hidden folder beside it. Raises
    InputError when rows are missing at the end, or when the disk refuses the file.
    """
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": len(band_names),
        "height": grid.rows,
        "width": grid.columns,
        "crs": CRS.from_epsg(grid.epsg),
        "transform": Affine(*grid.affine),
        "nodata": math.nan,
        "interleave": "pixel",  # as in the COG, so that a strip holds all that was written at once
        "blockysize": min(_STRIP_ROWS, grid.rows),
        "bigtiff": "IF_SAFER",
    }
    if long_names and len(long_names) != len(band_names):
        raise InputError(f"{len(band_names)} bands have {len(long_names)} long names; give as many, or none.")
    sums = _TileSums(len(band_names), grid.rows, grid.columns)
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES), _folder_beside(path) as folder:
        rows_file, finished = folder / "rows.tif", folder / path.name
        with _refusals(path):
            plain = rasterio.open(rows_file, "w", **profile)  # noqa: TID251  it writes
        try:
            with _refusals(path):
                plain.descriptions = tuple(band_names)
                plain.update_tags(**(tags or {}))
                for band, long_name in enumerate(long_names, 1):
                    plain.update_tags(band, long_name=long_name)
            sink = CogSink(path, plain, sums)
            yield sink
            if sink.next_row < grid.rows:
                raise InputError(
                    f"{path} ends at row {sink.next_row} of {grid.rows}; write every row, NaN where there is no value."
                )
        except BaseException:
            with suppress(*REFUSED):  # for the reason that is on its way already
                plain.close()
            raise
        with _refusals(path):
            plain.close()
            copy(
                rows_file,
                finished,
                driver="COG",
                compress="DEFLATE",
                predictor="YES",
                blocksize=TILE,
                overview_resampling="AVERAGE",
                bigtiff="IF_SAFER",
                num_threads="ALL_CPUS",  # deflating takes longer than all else that a map needs
            )
            sums.refuse_damaged(finished)
            put_in_place(finished, path)


class Cog:
    """A GeoTIFF of float32 with NaN for nodata, as `create_cog` writes it, open for reading. Used by one thread.

    Raises InputError as `open_raster` does.
    """

    def __init__(self, path: Path) -> None:
        self._dataset = open_raster(path)
        self.path = path
        with damaged(path):
            self.shape = int(self._dataset.height), int(self._dataset.width)
            self.band_names = tuple(name or "" for name in self._dataset.descriptions)
            self.tags: dict[str, str] = dict(self._dataset.tags())
            self.affine = tuple(self._dataset.transform)[:6]
            self.epsg = None if self._dataset.crs is None else self._dataset.crs.to_epsg()

    def close(self) -> None:
        self._dataset.close()

    def __enter__(self) -> "Cog":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def read(
        self, bands: Sequence[int], rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.float32]:
        """Some rows and columns of bands counted from 0: (bands, r, c) float32; NaN is nodata."""
        (top, bottom, _), (left, right, _) = rows.indices(self.shape[0]), columns.indices(self.shape[1])
        return self._read(bands, Window(left, top, right - left, bottom - top), None)

    def decimated(self, bands: Sequence[int], most: int) -> NDArray[np.float32]:
        """Bands (bands, h, w) float32 over the whole grid, averaged so that neither side is above `most` cells."""
        times = max(1, math.ceil(max(self.shape) / most))
        shape = tuple(max(1, round(side / times)) for side in self.shape)
        return self._read(bands, Window(0, 0, *self.shape[::-1]), shape)

    def _read(self, bands: Sequence[int], window: Window, shape: tuple[int, ...] | None) -> NDArray[np.float32]:
        with damaged(self.path), rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
            read: NDArray[np.float32] = self._dataset.read(
                [band + 1 for band in bands],
                window=window,
                out_shape=None if shape is None else (len(bands), *shape),
                resampling=Resampling.average,
            )
        return read


def wkt(grid: AnyGrid) -> str:
    """The grid's CRS in well-known text, for files that are not written here."""
    return str(CRS.from_epsg(grid.epsg).to_wkt())


class _TileSums:
    """The sum of every tile's bits, added up as rows come: GDAL does not report every write that failed."""

    def __init__(self, bands: int, rows: int, columns: int) -> None:
        self._starts = np.arange(0, columns, TILE)
        self._sums = np.zeros((math.ceil(rows / TILE), bands, len(self._starts)), np.uint64)

    def add(self, first_row: int, values: NDArray[np.float32]) -> None:
        bits = np.ascontiguousarray(values).view(np.uint32)
        by_row = np.add.reduceat(bits, self._starts, axis=2, dtype=np.uint64).transpose(1, 0, 2)
        np.add.at(self._sums, (first_row + np.arange(values.shape[1])) // TILE, by_row)

    def refuse_damaged(self, path: Path) -> None:
        try:
            with open_raster(path) as written:
                for (row, column), window in written.block_windows(1):
                    bits = written.read(window=window).view(np.uint32)
                    if not np.array_equal(bits.sum(axis=(1, 2), dtype=np.uint64), self._sums[row, :, column]):
                        raise OSError("what was read back differs from what was written")
        except InputError as error:
            raise OSError("it cannot be read back") from error


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """A hidden folder that also takes the driver's own temporary files, so that none outlives a failure."""
    with ExitStack() as stack:
        with _refusals(path):
            folder = stack.enter_context(temporary_folder(path))
        yield folder


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except REFUSED as error:
        raise InputError(f"{path} cannot be written ({error}); check the folder and the free disk space.") from error
