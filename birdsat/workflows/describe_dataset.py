"""What a dataset holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat import config
from birdsat.dataset.manifest import CARD_FILE, MANIFEST_FILE, Manifest, load_manifest
from birdsat.progress import QUIET, Progress
from birdsat.workflows.requests.datasets import DescribeDatasetRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetResult:
    """A complete dataset, and where it lies."""

    folder: Path
    manifest: Manifest

    @property
    def files(self) -> tuple[Path, ...]:
        """The manifest, the card and the shards."""
        names = (MANIFEST_FILE, CARD_FILE, *(shard.file for shard in self.manifest.shards))
        return tuple(self.folder / name for name in names)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"folder": str(self.folder), "manifest": config.to_dict(self.manifest)}


def describe_dataset(request: DescribeDatasetRequest, progress: Progress = QUIET) -> DatasetResult:
    """Read the facts of a dataset. Raises DatasetError where the folder is not one, is half built or damaged."""
    folder = Path(request.dataset)
    return DatasetResult(folder=folder, manifest=load_manifest(folder))
