"""Is what lies in a folder as it was written?"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.dataset.check import CheckReport
from birdsat.dataset.check import check_dataset as check_shards
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.manifest import REGION_FILE
from birdsat.progress import QUIET, Progress
from birdsat.workflows.requests.datasets import CheckDatasetRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionReport:
    """A region that is as it was written."""

    parts: int
    cells: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """What was checked, and what is wrong."""

    folder: Path
    report: CheckReport | RegionReport  # of a dataset, or of a region

    @property
    def failed(self) -> tuple[str, ...]:
        """What is wrong, the first thousand."""
        return () if isinstance(self.report, RegionReport) else self.report.problems

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failed

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"folder": str(self.folder), "ok": self.ok, **dataclasses.asdict(self.report)}


def check_dataset(request: CheckDatasetRequest, progress: Progress = QUIET) -> CheckResult:
    """Check a dataset or a region against its manifest. What is wrong with a dataset is in the report.

    Raises DatasetError where there is no manifest that can be read, and for a region with a part that changed.
    """
    folder = Path(request.dataset)
    if (folder / REGION_FILE).is_file():
        region = open_region(folder)
        region.check_files()
        return CheckResult(folder=folder, report=RegionReport(parts=len(region.manifest.parts), cells=len(region)))
    return CheckResult(folder=folder, report=check_shards(folder, workers=request.workers, progress=progress))
