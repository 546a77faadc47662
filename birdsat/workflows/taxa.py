"""The taxa of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.embeddings.taxa import load_taxon_means
from birdsat.progress import QUIET, Progress
from birdsat.workflows.requests.tasks import TaxaRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxaResult:
    """Taxa that a run can map, with the photos behind each."""

    photos: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"taxa": self.photos}


def taxa(request: TaxaRequest, progress: Progress = QUIET) -> TaxaResult:
    """List them in the order of the labels."""
    means = load_taxon_means(Path(request.run))
    return TaxaResult(photos=dict(zip(means.taxa, means.photos.tolist(), strict=True)))
