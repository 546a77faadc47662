"""Requests to evaluate what range models say against what is known."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from birdsat.errors import ConfigError
from birdsat.ranges.evaluation.registry import MODELS
from birdsat.workflows.requests.records import DatesOptions, EffortOptions
from birdsat.workflows.requests.request import AnyPath, OneOf, Positional, Request


@dataclass(frozen=True, kw_only=True)
class EvaluateRangesRequest(EffortOptions, DatesOptions):
    """Evaluate range models beside baselines, on ranges that are known.

    On the built-in world, on a region, or on what a run sees in imagery. Models learn from presence and absence, and
    from a few presences of each taxon, in cells that are not those they are evaluated on. Written to OUT/evaluation.md
    and evaluation.json.
    """

    grid: Positional[AnyPath]
    """Range grid: .npz, Parquet or CSV of lat, lon, species, presence. With a year of surveys, a table of counts with
    species, lon, lat, year, count."""
    out: AnyPath
    """Folder for the tables."""
    region: AnyPath | None = None
    """Folder of cells that `birdsat embed` made, whose features are read in place of the built-in world's."""
    run: AnyPath | None = None
    """Folder of the run whose chip features are read, in place of the built-in world's."""
    imagery: str | None = None
    """Raster of any CRS to cut chips from, a table of ready chips, or virtual:SEED, in place of the built-in world;
    they are encoded by the run or, without one, by the built-in encoder."""
    models: Annotated[Sequence[str], OneOf(MODELS)] = ()
    """Evaluate these alone; all that can be by default. Those named similar learn from presence and absence, the others
    from points; those named rasters give a row for each name of the rasters, and one for all with coordinates."""
    rasters: Sequence[str] = ()
    """NAME=PATH of rasters that baselines read, such as climate=temperature.tif; those of one name are one set of
    columns. The range network reads all of them as covariates."""
    points: Sequence[int] = (10, 50)
    """How many presences of each taxon are learned from, each number by itself; with occurrences, the least of these is
    how many records of a taxon the tables must hold, the same ones again included."""
    occurrences: Sequence[AnyPath] = ()
    """Tables of records anywhere to learn from as a fit does, in place of presences drawn from the ranges. Of which
    dates, and what says where was looked, is chosen as for a fit."""
    surveys_before: int | None = None
    """Learn from surveys before this year, evaluate on those from it on, in other blocks."""
    hold_out: Literal["blocks", "regions", "random"] = "blocks"
    """What is held out: blocks, whole regions, or cells at random (whose figures are too good)."""
    block_degrees: float = 5.0
    """Side of the blocks."""
    folds: int = 5
    """Parts that the cells are dealt to."""
    min_cells: int = 30
    """Leave out taxa that are present, or absent, in fewer cells: their figures are mostly chance."""
    repeats: int = 1
    """Times that folds and points are drawn anew."""
    seed: int = 0
    """Of all draws."""
    bands: tuple[int, int, int] | None = None
    """Numbers of the raster's bands to show as red, green and blue, such as 4 3 2; by default those that it says
    are."""
    stretch: tuple[float, float] | None = None
    """Values of a raster that is not 8-bit which become black and white."""
    workers: int = 2
    """Processes that cut chips."""

    def check(self) -> None:
        """Raise ConfigError for numbers that are impossible, and for settings that nothing would read."""
        super().check()
        if not self.occurrences:
            names = [field.name for options in (EffortOptions, DatesOptions) for field in fields(options)]
            self.reject_unused(names, "occurrences")
        for name, least in (("folds", 2), ("min_cells", 1), ("repeats", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: {least} or more.", settings=(name,))
        if min(self.points, default=1) < 1:
            raise ConfigError(f"points are {min(self.points)}; allowed: 1 or more.", settings=("points",))
        if not self.block_degrees > 0:
            raise ConfigError(
                f"block_degrees is {self.block_degrees:g}; allowed: above 0.", settings=("block_degrees",)
            )
        if self.hold_out != "blocks":
            self.reject_unused(("block_degrees",), "hold_out blocks")
        if self.imagery is None:
            self.reject_unused(("run", "bands", "stretch"), "imagery")
        else:
            self.reject_unused(("region",), "cells in place of imagery")
        if self.surveys_before is not None:
            self.reject_unused(("occurrences", "min_cells"), "a range grid")
        elif self.occurrences:
            self.reject_unused(("hold_out", "block_degrees", "folds", "repeats"), "presences drawn from the ranges")
        if self.models:
            self._check_models()

    def _check_models(self) -> None:
        """Raise ConfigError for models that nothing is learned by, and for rasters that none of them reads."""
        absences = self.surveys_before is None and not self.occurrences
        for name in self.models:
            if MODELS[name].learns_from == "surveys" and not absences:
                raise ConfigError(
                    f"{name} learns from presence and absence in the cells of a range grid alone, and is not evaluated "
                    "with surveys or occurrences; leave it out.",
                    settings=("models",),
                )
            if MODELS[name].learns_from == "points" and absences and not self.points:
                raise ConfigError(
                    f"{name} learns from points, and no number of points is asked for; give one, such as 10.",
                    settings=("models", "points"),
                )
        if not any(MODELS[name].rasters for name in self.models):
            self.reject_unused(("rasters",), "models that read rasters")


@dataclass(frozen=True, kw_only=True)
class EvaluateVirtualRequest(Request):
    """Evaluate monthly maps of the virtual world's species, whose true ranges are known.

    A range model is fitted to so many records of each species, drawn near cities as observers are, and asked for every
    month. Written to OUT/evaluation_virtual.json.
    """

    region: AnyPath
    """Folder of cells of the virtual world that `birdsat embed --grid` made; it says which virtual world it is."""
    out: AnyPath
    """Folder for the figures."""
    run: AnyPath | None = None
    """Folder of the run that embedded the region, to be sure of it."""
    points: int = 100
    """Records of each species that are learned from, in different cells or months; of rare ones there may be fewer."""
    seed: int = 0
    """Of the records and of the fit."""

    def check(self) -> None:
        """Raise ConfigError for fewer points than one."""
        if self.points < 1:
            raise ConfigError(f"points is {self.points}; allowed: 1 or more.", settings=("points",))
