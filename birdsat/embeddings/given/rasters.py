"""Embeddings as a raster, with a band a number, such as AlphaEarth's COGs and TESSERA's GeoTIFFs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.raster_cells import RasterBands, raster_bands, raster_samples
from birdsat.embeddings.given.given_file import GivenFile, Vectors
from birdsat.progress import QUIET, Progress

_ALPHA_EARTH = tuple(f"A{number:02d}" for number in range(64))


class GivenRaster(GivenFile):
    """A GeoTIFF or COG of any CRS. The mean of a cell is that of its pixels."""

    def __init__(self, path: Path) -> None:
        """Raises what `raster_bands` raises."""
        bands = raster_bands(path)
        self._is_coded = _is_alpha_earth(bands)
        names = zip(bands.names, bands.numbers, strict=True)
        super().__init__(path, tuple(name or f"band {number}" for name, number in names))

    def vectors(self, grid: AnyGrid, remarks: list[str], progress: Progress = QUIET) -> Iterator[Vectors]:
        """As `GivenFile`."""
        for samples in raster_samples(self.path, grid, progress=progress):
            yield samples.cells, _decoded(samples.values) if self._is_coded else samples.values
        if self._is_coded:
            remarks.append("AlphaEarth's codes of 8 bits are read as the numbers that they stand for")


def _is_alpha_earth(bands: RasterBands) -> bool:
    """Whether these are AlphaEarth's annual embeddings as they are published, in 8 bits."""
    named = bands.names == _ALPHA_EARTH or not any(bands.names)
    return named and len(bands.names) == len(_ALPHA_EARTH) and bands.dtype == "int8" and bands.nodata == -128


def _decoded(codes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The numbers, -1 to 1, that AlphaEarth's codes stand for: their squares, of 127.5 as 1, with their sign.

    Source: the README of the bucket, developers.google.com/earth-engine/guides/aef_on_gcs_readme.
    """
    return np.asarray(np.sign(codes) * np.square(codes / np.float32(127.5)), dtype=np.float32)
