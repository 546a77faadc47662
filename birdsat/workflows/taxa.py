"""The taxa of a run, or of a range model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from birdsat.embeddings.taxa import load_taxon_means
from birdsat.progress import QUIET, Progress
from birdsat.ranges.facts import SETTINGS_FILE
from birdsat.ranges.load import load_ranges
from birdsat.workflows.requests.tasks import TaxaRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxaResult:
    """Taxa that can be mapped, and how much is behind each."""

    counts: Mapping[str, int]  # by taxon, in the order of the labels
    of: Literal["photos", "records"]  # what is counted: of a run, of a range model

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"taxa": dict(self.counts), "of": self.of}


def taxa(request: TaxaRequest, progress: Progress = QUIET) -> TaxaResult:
    """List them in the order of the labels."""
    folder = Path(request.run)
    if (folder / SETTINGS_FILE).is_file():
        facts = load_ranges(folder).facts
        return TaxaResult(counts=dict(zip(facts.taxa, facts.points, strict=True)), of="records")
    means = load_taxon_means(folder)
    return TaxaResult(counts=dict(zip(means.taxa, means.photos.tolist(), strict=True)), of="photos")
