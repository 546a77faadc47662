"""Requests to evaluate what range models say against what is known."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from birdsat.errors import ConfigError
from birdsat.ranges.evaluation.presence_only.registry import BENCHMARK_MODELS, Ensembles
from birdsat.ranges.evaluation.registry import MODELS
from birdsat.workflows.requests.records import EffortOptions, TableOptions
from birdsat.workflows.requests.request import AnyPath, Folder, OneOf, Positional, Request


@dataclass(frozen=True, kw_only=True)
class EvaluateRangesRequest(EffortOptions, TableOptions):
    """Evaluate range models beside baselines, on ranges that are known.

    On the built-in world, on a region, or on what a run sees in imagery. Models learn from presence and absence, and
    from a few presences of each taxon, in cells that are not those they are evaluated on. Written to OUT/evaluation.md
    and evaluation.json.
    """

    grid: Positional[AnyPath]
    """Range grid: .npz, Parquet or CSV of lat, lon, species, presence. With a year of surveys, a table of counts with
    species, lon, lat, year, count."""
    out: Folder[AnyPath]
    """Folder for the tables."""
    region: AnyPath | None = None
    """Folder of cells that `birdsat embed` made, whose features are read in place of the built-in world's."""
    run: AnyPath | None = None
    """Folder of the run whose chip features are read, in place of the built-in world's."""
    imagery: str | None = None
    """Raster of any CRS to cut chips from, a table of ready chips, or virtual:SEED, in place of the built-in world;
    they are encoded by the run or, without one, by the built-in encoder."""
    models: Annotated[Sequence[str], OneOf(MODELS, or_estimator=True)] = ()
    """Evaluate these alone; by default all that can be, but for some that take long. Those named similar,
    logistic_chip_place, boosted_chip_place and chip_place_surveys learn from presence and absence, those named counts
    from the counts of surveys, the others from points; those named rasters give a row for each name of the rasters, and
    one for all with coordinates. Beside these, any classifier of scikit-learn's kind, such as
    'sklearn.ensemble.RandomForestClassifier(n_estimators=300)', which reads what the range network does, and all
    rasters."""
    ensembles: Sequence[Ensembles] = ()
    """Rows of all the models together that learn from points: their mean, their median, or the share of them that say
    yes; each is fitted once more for each row."""
    rasters: Sequence[str] = ()
    """NAME=PATH of rasters that baselines read, such as climate=temperature.tif; those of one name are one set of
    columns. The range network reads all of them as covariates."""
    points: Sequence[int] = (10, 50)
    """How many presences of each taxon are learned from, each number by itself; with occurrences, the least of these is
    how many records of a taxon the tables must hold, the same ones again included."""
    occurrences: Sequence[AnyPath] = ()
    """Tables of records anywhere to learn from as a fit does, in place of presences drawn from the ranges. How they are
    read, of which dates, and what says where was looked, is chosen as for a fit."""
    surveys_before: int | None = None
    """Learn from surveys before this year, evaluate on those from it on, in other blocks."""
    hold_out: Literal["blocks", "regions", "random"] = "blocks"
    """What is held out: blocks, whole regions, or cells at random (whose figures are too good)."""
    block_degrees: float = 5.0
    """Side of the blocks."""
    folds: int = 5
    """Parts that the cells are dealt to."""
    buffer_km: float = 0
    """Training cells within so many kilometres of a test cell, from middle to middle, are not learned from: as many as
    the chips reach, so that none of them shows a cell that a model learned from."""
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
            names = [field.name for options in (EffortOptions, TableOptions) for field in fields(options)]
            self.reject_unused(names, "occurrences")
        self.reject_unused(("language",), "verbs that show common names")
        for name, least in (("folds", 2), ("min_cells", 1), ("repeats", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: {least} or more.", settings=(name,))
        if min(self.points, default=1) < 1:
            raise ConfigError(f"points are {min(self.points)}; allowed: 1 or more.", settings=("points",))
        if not self.block_degrees > 0:
            raise ConfigError(
                f"block_degrees is {self.block_degrees:g}; allowed: above 0.", settings=("block_degrees",)
            )
        if not 0 <= self.buffer_km < float("inf"):
            raise ConfigError(f"buffer_km is {self.buffer_km:g}; allowed: 0 or more.", settings=("buffer_km",))
        if self.hold_out != "blocks":
            self.reject_unused(("block_degrees",), "hold_out blocks")
        if self.imagery is None:
            self.reject_unused(("run", "bands", "stretch"), "imagery")
        else:
            self.reject_unused(("region",), "cells in place of imagery")
        if self.surveys_before is not None:
            self.reject_unused(("occurrences", "min_cells"), "a range grid")
        elif self.occurrences:
            self.reject_unused(
                ("hold_out", "block_degrees", "folds", "buffer_km", "repeats"), "presences drawn from the ranges"
            )
        if self.models:
            self._check_models()

    def _check_models(self) -> None:
        """Raise ConfigError for models that nothing is learned by, and for rasters that none of them reads."""
        grid = self.surveys_before is None and not self.occurrences
        learns = {name: MODELS[name].learns_from if name in MODELS else "points" for name in self.models}
        from_points = [name for name, source in learns.items() if source == "points"]
        if self.ensembles and len(from_points) < 2:
            raise ConfigError(
                "an ensemble is of two or more models that learn from points; name some, or leave it out.",
                settings=("ensembles", "models"),
            )
        if from_points and grid and not self.points:
            raise ConfigError(
                f"{from_points[0]} learns from points, and no number of points is asked for; give one, such as 10.",
                settings=("models", "points"),
            )
        for name in self.models:
            if learns[name] == "surveys" and self.occurrences:
                raise ConfigError(
                    f"{name} learns from presence and absence in the cells of a range grid or of surveys, and is not "
                    "evaluated with occurrences; leave it out.",
                    settings=("models",),
                )
            if learns[name] == "counts" and self.surveys_before is None:
                raise ConfigError(
                    f"{name} learns how many were counted, which surveys alone say; give the year before which it "
                    "learns, or leave it out.",
                    settings=("models", "surveys_before"),
                )
        if not any(name not in MODELS or MODELS[name].rasters for name in self.models):
            self.reject_unused(("rasters",), "models that read rasters")


@dataclass(frozen=True, kw_only=True)
class EvaluateDisdatRequest(Request):
    """Evaluate range models and others on the benchmark of presence-only models (Elith et al. 2020).

    Models learn from presences and background with the same covariates, and are evaluated where presence and absence of
    all species were surveyed. Settings are chosen on spatial blocks of the presences, and no file of surveys is opened
    before every model of its region has learned. Written to OUT/evaluation.md and evaluation.json.
    """

    folder: Positional[AnyPath]
    """Folder of REGION_train_presences.parquet, REGION_background.parquet and REGION_test*.parquet, as of the R package
    disdat, places in degrees of WGS84."""
    out: Folder[AnyPath]
    """Folder for the tables."""
    regions: Sequence[str] = ()
    """Evaluate on these alone; on all that the folder holds by default."""
    models: Annotated[Sequence[str], OneOf(BENCHMARK_MODELS, or_estimator=True)] = ()
    """Evaluate these alone; all that are installed by default. Beside these, any classifier of scikit-learn's kind,
    such as 'sklearn.ensemble.ExtraTreesClassifier(n_estimators=300)'."""
    ensembles: Sequence[Ensembles] = ()
    """Rows of all the models together: their mean, their median, or the share of them that say yes."""
    categorical: Sequence[str] = ()
    """Covariates whose numbers stand for classes, beside those that look like it: text, and few whole numbers."""
    seed: int = 0
    """Of all draws."""

    def check(self) -> None:
        """Raise ConfigError for ensembles of a single model."""
        if len(self.models) == 1 and self.ensembles:
            raise ConfigError(
                f"an ensemble of {self.models[0]} alone is that model; name two or more.",
                settings=("ensembles", "models"),
            )


@dataclass(frozen=True, kw_only=True)
class EvaluateVirtualRequest(Request):
    """Evaluate monthly maps of the virtual world's species, whose true ranges are known.

    A range model is fitted to so many records of each species, drawn near cities as observers are, and asked for every
    month. Written to OUT/evaluation_virtual.json.
    """

    region: AnyPath
    """Folder of cells of the virtual world that `birdsat embed --grid` made; it says which virtual world it is."""
    out: Folder[AnyPath]
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
