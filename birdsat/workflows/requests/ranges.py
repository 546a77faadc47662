"""Requests about range models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from birdsat.errors import ConfigError
from birdsat.ranges.covariates.named import INPUTS, chosen_inputs, parse_covariates
from birdsat.workflows.requests.records import EffortOptions, RecordsOptions, TableOptions, check_tables
from birdsat.workflows.requests.regions import ExtentOptions
from birdsat.workflows.requests.request import AnyPath, Folder, OneOf, Positional

Way = Literal["occurrences", "both"]
NETWORK = "network"  # the model that is not a classifier of others


@dataclass(frozen=True, kw_only=True)
class CovariateOptions(TableOptions):
    """Which rasters and columns of tables a fit learns from beside chips and places."""

    covariates: Sequence[str] = ()
    """NAME=RASTER, of any CRS, or NAME=TABLE:COLUMN of a table of places, whose means over the cells are learned from
    as well, such as rain=prec.tif or soil=sites.csv:ph; with :categorical after it for classes, such as land cover, of
    which a cell's shares are. Places of these tables are read by columns and crs as those of records are."""
    inputs: Annotated[Sequence[str], OneOf(INPUTS)] = ()
    """What is learned from: chip, place and covariates. By default all, or with covariates these alone, where they tell
    the blocks that are held out better."""

    def check(self) -> None:
        """Raise ConfigError for covariates that are not named so, and for inputs that do not go with them."""
        super().check()
        chosen_inputs(self.inputs, bool(parse_covariates(self.covariates)))


@dataclass(frozen=True, kw_only=True)
class FitRequest(CovariateOptions, ExtentOptions, EffortOptions, RecordsOptions):
    """Fit a range model to records of one taxon or of thousands; maps are then read from it.

    On the cells of the built-in world, where the records lie and a margin, or of a region that a run embedded.

    All taxa of the tables say where was looked, unless something else is said to. Written beside the model is what it
    sees in the region's cells, 1.4 KB each or 2.1 with covariates, so that maps take seconds; and the relative effort
    in each, effort.tif.
    """

    tables: Positional[Sequence[AnyPath]]
    """Tables of records: CSV, Parquet, a GBIF download, a Darwin Core Archive."""
    region: AnyPath | None = None
    """Folder of cells that `birdsat embed` made, in place of the built-in world; the model remembers it."""
    out: Folder[AnyPath]
    """Folder of the new range model."""
    taxa: Sequence[str] = ()
    """Fit these alone."""
    way: Way = "occurrences"
    """From occurrences alone, or from both these and photos."""
    run: AnyPath | None = None
    """Folder of the run that embedded the region; needed for its photos alone."""
    model: Annotated[str, OneOf((NETWORK,), or_estimator=True)] = NETWORK
    """The range network; or any classifier of scikit-learn's kind, such as
    'RandomForestClassifier(n_estimators=300)' (of another package, with its module), which learns each taxon by itself
    from the same points, background and inputs, and tells no seasons. What it learned from is kept, and it learns again
    when a map is read."""
    ablate: bool = False
    """Fit again without chips, without place and without covariates, to tell what each is worth; written with the
    importance of each beside the model. Takes as long as three fits more, four where the model chose among its
    inputs."""
    seed: int = 0
    """Of first weights and draws."""

    def check(self) -> None:
        """Raise ConfigError for no tables, and for a fit from both without a run."""
        super().check()
        check_tables(self.tables, "tables")
        if self.model != NETWORK:
            self.reject_unused(("absences", "checklists"), "the range network, which alone learns from absences")
        if self.way == "both" and (self.run is None or self.region is None):
            raise ConfigError(
                "a fit from both needs a run, whose photos of the taxa are its other half, and a region that it "
                "embedded.",
                settings=("run", "region", "way"),
            )
        if self.region is not None:
            self.reject_unused(("box", "world"), "the built-in world")
        else:
            self.reject_unused(("run",), "a region that it embedded")
