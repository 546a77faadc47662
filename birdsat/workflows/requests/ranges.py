"""Requests about range models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from birdsat.workflows.requests.records import RecordsOptions
from birdsat.workflows.requests.request import AnyPath, Positional

Way = Literal["occurrences", "both"]


@dataclass(frozen=True, kw_only=True)
class FitRequest(RecordsOptions):
    """Fit a range model to records of one taxon or of thousands, on the cells of a region; maps are then read from it.

    All taxa of the tables say where was looked. Written beside the model is what it sees in the region's cells, 1.3 KB
    each, so that maps take seconds.
    """

    tables: Positional[Sequence[AnyPath]]
    """Tables of records: CSV, Parquet, a GBIF download, a Darwin Core Archive."""
    run: AnyPath
    """Folder of the run whose chip features are read."""
    region: AnyPath
    """Folder of cells that `birdsat embed --grid` made."""
    out: AnyPath
    """Folder of the new range model."""
    taxa: Sequence[str] = ()
    """Fit these alone."""
    way: Way = "occurrences"
    """From occurrences alone, or from both these and photos."""
    seed: int = 0
    """Of first weights and draws."""
