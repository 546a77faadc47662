"""Regions: a grid's cells embedded once by a run, and read by whatever maps or locates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.outline import Land
from birdsat.embeddings.regions.embed_cells import HARMONICS
from birdsat.embeddings.regions.manifest import REGION_FILE
from birdsat.embeddings.regions.region import Region, open_region
from birdsat.embeddings.regions.write import write_region
from birdsat.errors import InputError
from birdsat.imagery.open_imagery import open_imagery
from birdsat.progress import QUIET, Progress
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.cells import grid_of
from birdsat.workflows.requests.regions import EmbedRequest

_ROWS = 32  # of cells, of which the land is asked for at once


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionResult:
    """A region that is embedded."""

    region: Region

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
        load_run(Path(request.run)),
        grid,
        request.imagery,
        Path(request.paths[0]),
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
    stretch: tuple[float, float] | None = None,
    land_only: bool = False,
    harmonics: int = HARMONICS,
    workers: int = 0,
    progress: Progress = QUIET,
) -> Region:
    """Embed the cells of a grid, or those with land in them, into the folder `out`.

    Started again, it continues. Cells without imagery are noted.
    """
    opened = open_imagery(imagery)
    region = write_region(
        out,
        run,
        grid,
        opened,
        stretch=stretch,
        where=_land_cells(grid, opened.land) if land_only else None,
        harmonics=harmonics,
        workers=workers,
        progress=progress,
    )
    if missing := region.manifest.without_imagery:
        progress.note(f"{missing:,} of {missing + len(region):,} cells have no imagery.")
    return region


def open_region_of(run: Run, folder: Path) -> Region:
    """The region in a folder, embedded by the same model. Raises DatasetError or ConfigError where it is not."""
    region = open_region(folder)
    region.check_model(run)
    return region


def _land_cells(grid: AnyGrid, land: Land) -> NDArray[np.bool_]:
    """(rows, columns) cells with land at their centre, or at one of eight places around it: coasts are where birds and
    observers are. Raises InputError when there is none."""
    (lon, lat), thirds = grid.edges(), np.array([1, 3, 5]) / 6
    lon = (lon[:-1, None] + np.diff(lon)[:, None] * thirds).ravel()  # three places across each column
    lat = (lat[:-1, None] + np.diff(lat)[:, None] * thirds).ravel()
    found = np.empty(grid.shape, dtype=bool)
    for first in range(0, grid.rows, _ROWS):
        rows = min(_ROWS, grid.rows - first)
        part = land.contains((lon[None] + 180) % 360 - 180, lat[3 * first : 3 * (first + rows), None])
        found[first : first + rows] = part.reshape(rows, 3, grid.columns, 3).any(axis=(1, 3))
    if not found.any():
        raise InputError(f"no cell in the box {grid.box} has land; ask for all cells, or take another box.")
    return found
