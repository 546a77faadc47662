"""Regions: a grid's cells embedded once by a run, and read by whatever maps or locates."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.outline import Land
from birdsat.embeddings.regions.embed_cells import HARMONICS
from birdsat.embeddings.regions.region import Region, open_region
from birdsat.embeddings.regions.write import write_region
from birdsat.errors import InputError
from birdsat.imagery.open_imagery import open_imagery
from birdsat.progress import QUIET, Progress
from birdsat.training.run_folder import Run, load_run

_ROWS = 32  # of cells, of which the land is asked for at once


def embed_grid(
    run_folder: Path,
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
        load_run(run_folder),
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
        raise InputError(f"no cell in the box {grid.box} has land; leave --land-only out.")
    return found
