"""Requests about cells: which they are, and their embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Degrees, Positional, Request

Split = Literal["train", "val", "test"]
Width = Literal["float32", "float16"]


@dataclass(frozen=True, kw_only=True)
class GridOptions(Request):
    """The cells of a box, and what shows their ground."""

    box: Degrees | None = None
    """West,south,east,north in degrees; west above east goes over the antimeridian. Write --box=W,S,E,N."""
    grid: float | None = None
    """Side of a cell, degrees."""
    grid_km: float | None = None
    """In place of degrees, cells of one area everywhere: the side of a square of that area, kilometres."""
    imagery: str | None = None
    """Raster of any CRS, table of ready chips, or virtual:SEED."""
    stretch: tuple[float, float] | None = None
    """Values of a raster that is not 8-bit which become black and white, such as 0 3000: those the run's dataset was
    built with."""

    def check(self) -> None:
        """Raise ConfigError for cells of degrees and of kilometres at once."""
        super().check()
        if self.grid is not None and self.grid_km is not None:
            raise ConfigError(
                "cells are of degrees or of kilometres; give the side in one of them.", settings=("grid", "grid_km")
            )


@dataclass(frozen=True, kw_only=True)
class EmbedRequest(GridOptions):
    """Write the embeddings of a dataset's split to a GeoParquet file, or those of a grid's cells to a region folder.

    birdsat embed RUN DATASET OUT.parquet embeds a split; birdsat embed RUN OUT --grid STEP --imagery IMAGERY embeds
    cells, the world's or those of a box, from which maps are then read. Cells go on where they stopped when started
    again.
    """

    run: Positional[AnyPath]
    """Folder of the run."""
    paths: Positional[Sequence[AnyPath]]
    """Folder of the dataset and file to write; of cells, the folder of the region alone."""
    split: Split = "test"
    """Of the dataset."""
    width: Width = "float32"
    """Of the numbers of a split; those of cells are float16."""
    land_only: bool = False
    """Leave out cells without any land."""
    harmonics: int = 3
    """Harmonics that a cell's annual cycle is kept in, 0 to 6."""
    workers: int = 0
    """Processes that decode images or cut chips."""

    @property
    def is_of_cells(self) -> bool:
        """Whether the cells of a grid are asked for, not the split of a dataset."""
        return self.grid is not None or self.grid_km is not None

    def check(self) -> None:
        """Raise ConfigError for paths that are too few or too many, and for settings of the other half."""
        super().check()
        if len(self.paths) != (1 if self.is_of_cells else 2):
            cells, split = (
                "`birdsat embed RUN OUT --grid STEP --imagery IMAGERY`",
                "`birdsat embed RUN DATASET OUT.parquet`",
            )
            known, form = ("a grid is given", cells) if self.is_of_cells else ("no grid is given", split)
            raise ConfigError(
                f"{known}, and {len(self.paths)} paths follow the run; write {form}.", settings=("paths",)
            )
        if not self.is_of_cells:
            self.reject_unused(("box", "imagery", "stretch", "land_only", "harmonics"), "a grid")
            return
        self.reject_unused(("split", "width"), "a dataset")
        if self.imagery is None:
            raise ConfigError(
                "cells need imagery: a raster, a table of ready chips, or virtual:SEED.", settings=("imagery",)
            )
