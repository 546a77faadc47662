"""Regions: a grid's cells embedded once by a run, and read by whatever maps or locates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.earth.bands import RGBBands
from birdsat.earth.grid import AnyGrid
from birdsat.earth.land_cells import land_cells
from birdsat.embeddings.regions.embed_cells import HARMONICS
from birdsat.embeddings.regions.folder_region import FolderRegion
from birdsat.embeddings.regions.manifest import REGION_FILE
from birdsat.embeddings.regions.world import built_in_encoder
from birdsat.embeddings.regions.write import write_region
from birdsat.imagery.open_imagery import open_imagery
from birdsat.progress import QUIET, Progress
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.cells import grid_of
from birdsat.workflows.requests.regions import EmbedRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionResult:
    """A region that is embedded."""

    region: FolderRegion

    @property
    def files(self) -> tuple[Path, ...]:
        """Its manifest and parts."""
        parts = (self.region.folder / part.file for part in self.region.manifest.parts)
        return (self.region.folder / REGION_FILE, *parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        manifest = self.region.manifest
        return {
            "folder": str(self.region.folder),
            "cells": manifest.cells,
            "without_imagery": manifest.without_imagery,
            "season_missed_largest": manifest.season_missed_largest,
            "season_missed_rms": manifest.season_missed_rms,
        }


def embed_region(request: EmbedRequest, progress: Progress = QUIET) -> RegionResult:
    """Embed the cells that are asked for into a region folder. Raises what `embed_grid` raises."""
    assert request.imagery is not None
    grid = grid_of(request)
    region = embed_grid(
        built_in_encoder() if request.run is None else load_run(Path(request.run)),
        grid,
        request.imagery,
        Path(request.paths[0]),
        bands=request.bands,
        stretch=request.stretch,
        land_only=request.land_only,
        harmonics=request.harmonics,
        workers=request.workers,
        progress=progress,
    )
    return RegionResult(region=region)


def embed_grid(
    run: Run,
    grid: AnyGrid,
    imagery: str,
    out: Path,
    *,
    bands: RGBBands | None = None,
    stretch: tuple[float, float] | None = None,
    land_only: bool = False,
    harmonics: int = HARMONICS,
    workers: int = 0,
    progress: Progress = QUIET,
) -> FolderRegion:
    """Embed the cells of a grid, or those with land in them, into the folder `out`.

    Started again, it continues. Cells without imagery are noted.
    """
    opened = open_imagery(imagery)
    region = write_region(
        out,
        run,
        grid,
        opened,
        bands=bands,
        stretch=stretch,
        where=land_cells(grid, opened.land) if land_only else None,
        harmonics=harmonics,
        workers=workers,
        progress=progress,
    )
    if missing := region.manifest.without_imagery:
        progress.note(f"{missing:,} of {missing + len(region):,} cells have no imagery.")
    return region
