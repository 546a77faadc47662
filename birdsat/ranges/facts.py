"""What is known of a fitted range model but its numbers, and which files hold the two."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from birdsat import config
from birdsat.errors import ConfigError
from birdsat.ranges.calibrate import Calibration
from birdsat.ranges.covariates.facts import CovariateSource
from birdsat.ranges.covariates.hinge_share import HingeShare
from birdsat.ranges.covariates.named import USUAL_INPUTS
from birdsat.ranges.held_out_figures import TaxonFigures
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.rows_read import RowsRead
from birdsat.ranges.thresholds import Thresholds

SETTINGS_FILE, WEIGHTS_FILE = "ranges.json", "ranges.safetensors"
KEPT_FILES = "cells-*.f16"  # see `feature_cache`
AREA = "area."  # before the names of tensors of the area of applicability
SCHEMA_VERSION = 3
Way = Literal["occurrences", "both"]


@dataclass(frozen=True, kw_only=True)
class RangeFacts:
    """What is known of a fitted range model but its numbers."""

    schema_version: int = SCHEMA_VERSION
    network: RangeNetworkConfig
    estimator: str = ""  # text of the classifier that learned each taxon; "": the network did
    taxa: tuple[str, ...]
    points: tuple[int, ...]  # of each taxon, after thinning to cells
    absences: tuple[int, ...] = ()  # of each taxon, after thinning; none at all where no surveys were learned from
    way: Way
    dated: bool  # False: all months are alike
    undated: str = ""  # why they are, for people; empty: they are not, or no point had a date
    looked_months: tuple[int, ...] = ()  # 1..12, in which somebody recorded some taxon; empty: not known
    run: str  # whose chip features it reads
    model: str  # fingerprint of that run's weights
    common_names: tuple[str, ...] = ()  # of each taxon, "" where not known; none at all where none is
    of_land: tuple[bool, ...] = ()  # whether each taxon lives on land; empty: not known
    elsewhere: tuple[int, ...] = ()  # records of each taxon in no cell, as at sea; none at all: none, or not known
    taxonomy: str = ""  # the list that the taxa are named by, with its version; "": as the tables have them
    tables: tuple[str, ...] = ()  # that the points came from
    looked_taxa: int = 0  # taxa whose records say where was looked, and so correct for observers; 0: not known
    inputs: tuple[str, ...] = USUAL_INPUTS  # of chip, place and covariates, what it learned from
    regression: HingeShare | None = None  # on hinges of covariates, beside the network; None: there is none
    rasters: tuple[CovariateSource, ...] = ()  # that its covariates are read from, or columns of tables
    uneven_covariates: tuple[str, ...] = ()  # for people: those that may say where they were measured
    effort: str = ""  # what says where was looked, as "the records of 27 taxa", or "not known"; empty: of before
    effort_share: float = 0.0  # of the background, that was drawn by effort, the rest anywhere; 0: none, or not known
    region: str = ""  # way from the model's folder to the cells it was fitted on; empty: not known
    request: str = ""  # fingerprint of what was asked for, by which the same asked again is known; empty: not known
    steps: int = 0
    calibration: Calibration = field(default_factory=Calibration)
    evaluation: tuple[tuple[str, float], ...] = ()  # on what was held out, by name
    taxon_evaluation: tuple[TaxonFigures, ...] = ()  # of each taxon; none at all where nothing could be held out
    not_held_out: str = ""  # why there are no figures, for people; empty: there are, or not known
    thresholds: tuple[Thresholds, ...] = ()  # of each taxon; none at all where nothing could be held out, or not known
    read: RowsRead = field(default_factory=RowsRead)  # what became of the rows of the tables
    command: str = ""  # that asked for the fit; empty: not known

    @property
    def evaluated(self) -> bool:
        """Whether there are figures of points that were held out, by which maps are judged; those of surveys are beside
        them."""
        return any("survey" not in name for name, _ in self.evaluation)

    @property
    def why_undated(self) -> str:
        """Why all months are alike, for people; "" where they are not."""
        return "" if self.dated else self.undated or "no record that the model was fitted to has a date"


def remembered_region(folder: Path) -> str:
    """`RangeFacts.region` of the model in a folder, of which nothing else is read; "" where that cannot be told."""
    try:
        return config.load(RangeFacts, folder / SETTINGS_FILE).region
    except (OSError, ConfigError):  # what opens the model says what is wrong with it
        return ""
