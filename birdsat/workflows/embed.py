"""Embeddings written to disk: of a dataset's split, or of the cells of a grid, by a run or by others."""

from birdsat.progress import QUIET, Progress
from birdsat.workflows.embed_given import embed_given
from birdsat.workflows.embed_region import RegionResult, embed_region
from birdsat.workflows.embed_split import SplitResult, embed_split
from birdsat.workflows.requests.regions import EmbedRequest


def embed(request: EmbedRequest, progress: Progress = QUIET) -> RegionResult | SplitResult:
    """Whichever is asked for."""
    if request.embeddings:
        return embed_given(request, progress)
    return embed_region(request, progress) if request.is_of_cells else embed_split(request, progress)
