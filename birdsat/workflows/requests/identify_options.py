"""Settings of how photos are named, shared by the requests that name some."""

from dataclasses import dataclass
from typing import Literal

from birdsat.workflows.requests.request import AnyPath, Positional, Request


@dataclass(frozen=True, kw_only=True)
class IdentifyOptions(Request):
    """How photos are named."""

    run: Positional[AnyPath]
    """Folder of the run."""
    scores: Literal["best", "classifier", "probe", "neighbours", "means"] = "best"
    """What names photos."""
    ranges: AnyPath | None = None
    """Range model that place and date are asked of."""
    region: AnyPath | None = None
    """Cells on which ranges are asked, in place of those it was fitted on."""
    imagery: str | None = None
    """Chips at the photos' places, which the run itself embeds."""
    expected: AnyPath | None = None
    """File of names of taxa to expect."""
    place_date: bool = True
    """Name by the image alone, whatever is known of place and date."""
    coverage: float = 0.9
    """Of the sets that hold the truth."""
    sure: float = 0.9
    """Rate at which names that are given are right."""
    gate: float = 0.95
    """Share of photos of its own birds that pass for these."""
    taught: bool = True
    """Leave out taxa that were taught beside the run."""
