"""Regions of embeddings that others made: means over the cells of a grid, beside the built-in world's or alone."""

from pathlib import Path

from birdsat.earth.land_cells import land_cells
from birdsat.earth.outline import EARTH
from birdsat.embeddings.given.sources import open_given
from birdsat.embeddings.given.vector_columns import VectorColumns
from birdsat.embeddings.given.write import write_given_region
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.world import open_world
from birdsat.errors import about
from birdsat.progress import QUIET, Progress
from birdsat.workflows.cells import grid_of
from birdsat.workflows.embed_region import RegionResult
from birdsat.workflows.requests.regions import EmbedRequest

WORLD = "world"  # in place of the folder of a region


def embed_given(request: EmbedRequest, progress: Progress = QUIET) -> RegionResult:
    """Write the region of the embeddings that are named. Raises what `open_given` and `write_given_region` raise."""
    grid = grid_of(request)
    sources = open_given([Path(path) for path in request.embeddings], VectorColumns.parse(request.columns), progress)
    region = write_given_region(
        Path(request.paths[0]),
        grid,
        sources,
        beside=_beside(request),
        where=land_cells(grid, EARTH) if request.land_only else None,
        progress=progress,
    )
    if missing := region.manifest.without_imagery:
        progress.note(f"{len(region):,} of {missing + len(region):,} cells have embeddings.")
    return RegionResult(region=region)


def _beside(request: EmbedRequest) -> Region | None:
    if request.beside is None:
        return None
    if str(request.beside) == WORLD:
        return open_world()
    with about("beside"):
        return open_region(Path(request.beside))
