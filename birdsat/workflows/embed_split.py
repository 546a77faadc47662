"""The embeddings of a dataset's split, written to a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_blocks
from birdsat.embeddings.write import write_embeddings
from birdsat.progress import QUIET, Progress
from birdsat.training.run_folder import load_run
from birdsat.workflows.requests.regions import EmbedRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitResult:
    """A split that is embedded."""

    file: Path
    rows: int

    @property
    def files(self) -> tuple[Path, ...]:
        """The one that was written."""
        return (self.file,)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"file": str(self.file), "rows": self.rows}


def embed_split(request: EmbedRequest, progress: Progress = QUIET) -> SplitResult:
    """Embed a split into a GeoParquet file, block by block.

    Raises ConfigError when the run sees chips and those of the dataset show another size of ground.
    """
    folder, out = map(Path, request.paths)
    assert request.run is not None
    run, dataset = load_run(Path(request.run)), Dataset(folder)
    blocks = embed_blocks(run, dataset, request.split, workers=request.workers, progress=progress)
    return SplitResult(file=out, rows=write_embeddings(out, blocks, width=request.width))
