"""Requests about cells: which they are, and their embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Degrees, Positional, Request

Split = Literal["train", "val", "test"]
Width = Literal["float32", "float16"]


@dataclass(frozen=True, kw_only=True)
class BoxOption(Request):
    """A box."""

    box: Degrees | None = None
    """West,south,east,north in degrees; west above east goes over the antimeridian. Write --box=W,S,E,N."""


@dataclass(frozen=True, kw_only=True)
class ExtentOptions(BoxOption):
    """How much of the built-in world: by default, where the records lie, and a margin."""

    world: bool = False
    """All of the world, not only where the records lie."""

    def check(self) -> None:
        """Raise ConfigError for a box and all of the world at once."""
        super().check()
        if self.world and self.box is not None:
            raise ConfigError(
                "a box and all of the world exclude each other; leave one out.", settings=("box", "world")
            )


@dataclass(frozen=True, kw_only=True)
class GridOptions(BoxOption):
    """The cells of a box, and what shows their ground."""

    grid: float | None = None
    """Side of a cell, degrees."""
    grid_km: float | None = None
    """In place of degrees, cells of one area everywhere: the side of a square of that area, kilometres."""
    imagery: str | None = None
    """Raster of any CRS, table of ready chips, or virtual:SEED."""
    bands: tuple[int, int, int] | None = None
    """Numbers of the raster's bands to show as red, green and blue, such as 4 3 2; by default those that it says
    are."""
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

    birdsat embed RUN DATASET OUT.parquet embeds a split; birdsat embed [RUN] OUT --grid STEP --imagery IMAGERY embeds
    cells, the world's or those of a box, from which maps are then read; without a run, by the encoder that comes with
    the package. Cells go on where they stopped when started again. birdsat embed OUT --grid STEP --embeddings FILES
    takes embeddings that others made, such as AlphaEarth's, in place of imagery.
    """

    run: Positional[AnyPath | None] = None
    """Folder of the run; of cells, left out for the built-in encoder."""
    paths: Positional[Sequence[AnyPath]] = ()
    """Folder of the dataset and file to write; of cells, the folder of the region alone."""
    split: Split = "test"
    """Of the dataset."""
    width: Width = "float32"
    """Of the numbers of a split; those of cells are float16."""
    embeddings: Sequence[AnyPath] = ()
    """In place of imagery, embeddings that others made: tables with a place a row (GeoParquet, Parquet, CSV), and
    GeoTIFFs with a band a number, averaged over the cells. Several stand side by side; those in a folder are parts of
    one whole, such as tiles."""
    beside: AnyPath | None = None
    """Put these chip features beside the embeddings: world, the built-in ones, or the folder of a region."""
    columns: Sequence[str] = ()
    """Columns of tables of embeddings that are not found by themselves, as lon=X lat=Y vector=NAME, or
    vector=FIRST:LAST of columns of numbers."""
    land_only: bool = False
    """Leave out cells without any land."""
    harmonics: int = 3
    """Harmonics that a cell's annual cycle is kept in, 0 to 6."""
    workers: int = 0
    """Processes that decode images or cut chips."""

    @property
    def is_of_cells(self) -> bool:
        """Whether the cells of a grid are asked for, not the split of a dataset."""
        return self.grid is not None or self.grid_km is not None or bool(self.embeddings)

    def check(self) -> None:
        """Raise ConfigError for paths that are too few or too many, and for settings of the other half."""
        super().check()
        if self.is_of_cells and self.run is not None and not self.paths:  # one path alone is the region's
            object.__setattr__(self, "paths", (self.run,))
            object.__setattr__(self, "run", None)
        given = len(self.paths) + (self.run is not None)
        if len(self.paths) != (1 if self.is_of_cells else 2) or (self.run is None and not self.is_of_cells):
            cells, split = (
                "`birdsat embed OUT --grid STEP --embeddings FILES`"
                if self.embeddings
                else "`birdsat embed [RUN] OUT --grid STEP --imagery IMAGERY`",
                "`birdsat embed RUN DATASET OUT.parquet`",
            )
            what = "embeddings are given" if self.embeddings else "a grid is given"
            known, form = (what, cells) if self.is_of_cells else ("no grid is given", split)
            raise ConfigError(f"{known}, and {given} paths; write {form}.", settings=("paths",))
        if not self.is_of_cells:
            unused = ("box", "imagery", "bands", "stretch", "land_only", "harmonics", "beside", "columns")
            self.reject_unused(unused, "a grid")
            return
        self.reject_unused(("split", "width"), "a dataset")
        if self.embeddings:
            self._check_embeddings()
            return
        self.reject_unused(("beside", "columns"), "embeddings of others")
        if self.imagery is None:
            raise ConfigError(
                "cells need imagery: a raster, a table of ready chips, or virtual:SEED; or embeddings of others.",
                settings=("imagery", "embeddings"),
            )

    def _check_embeddings(self) -> None:
        """Raise ConfigError for what is about imagery, and what a run embeds it by."""
        if self.run is not None:
            raise ConfigError(
                f"embeddings of others need no run; leave {self.run} out, or embed imagery by it.", settings=("run",)
            )
        self.reject_unused(("imagery", "bands", "stretch", "harmonics", "workers"), "imagery")
