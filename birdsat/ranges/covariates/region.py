"""A region with covariates beside what it holds of its cells."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.embeddings.regions.region import BOTH, Column, Region, RegionPoints
from birdsat.imagery.open_imagery import Imagery
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.cell_covariates import CellCovariates, read_cells
from birdsat.ranges.covariates.facts import CovariateSource


class CovariateRegion(Region):
    """The cells of another region, of which rasters and tables say more: read once, when they are first asked for.

    Covariates come wherever they or chip features are asked for.
    """

    def __init__(
        self, region: Region, sources: tuple[CovariateSource, ...], folder: Path | None, progress: Progress = QUIET
    ) -> None:
        """folder: from which their files are remembered."""
        self.inner, self.sources = region, sources
        self._folder, self._progress = folder, progress

    @cached_property
    def read(self) -> CellCovariates:
        """Raises InputError for one that has nothing here."""
        return read_cells(self.sources, self._folder, self.inner.grid, self._progress)

    @property
    def name(self) -> str:
        """The region's."""
        return self.inner.name

    @property
    def identity(self) -> str:
        """The region's, and what its covariates hold."""
        said = [(one.sha256, one.column, one.bands, one.classes, one.pooled) for one in self.sources]
        return f"{self.inner.identity} {said}"

    def way_from(self, folder: Path) -> str:
        """The region's."""
        return self.inner.way_from(folder)

    @property
    def grid(self) -> AnyGrid:
        """The region's."""
        return self.inner.grid

    @property
    def run(self) -> str:
        """The region's."""
        return self.inner.run

    @property
    def model(self) -> str:
        """The region's."""
        return self.inner.model

    @property
    def imagery(self) -> Imagery:
        """The region's."""
        return self.inner.imagery

    @property
    def chip_km(self) -> float:
        """The region's."""
        return self.inner.chip_km

    @property
    def chip_width(self) -> int:
        """The region's."""
        return self.inner.chip_width

    @property
    def embedding_width(self) -> int:
        """The region's."""
        return self.inner.embedding_width

    @property
    def harmonics(self) -> int:
        """The region's."""
        return self.inner.harmonics

    def __len__(self) -> int:
        """The region's cells."""
        return len(self.inner)

    def cells(self) -> NDArray[np.int64]:
        """The region's."""
        return self.inner.cells()

    def blocks(self, columns: tuple[Column, ...] = BOTH) -> Iterator[RegionBlock]:
        """The region's, with covariates beside chip features."""
        for block in self.inner.blocks(_without_covariates(columns)):
            yield replace(block, covariates=self.read.of(block.cells)) if _asks(columns) else block

    def at(self, lon_lat: NDArray[np.float64], columns: tuple[Column, ...] = ("chip",)) -> RegionPoints:
        """What the region holds of places, with covariates beside chip features; of places elsewhere, NaN."""
        points = self.inner.at(lon_lat, _without_covariates(columns))
        return replace(points, covariates=self.read.of(points.cells)) if _asks(columns) else points


def _asks(columns: tuple[Column, ...]) -> bool:
    return "chip" in columns or "covariates" in columns


def _without_covariates(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(column for column in columns if column != "covariates")
