"""Regions: a grid's cells embedded once by a run, and read by whatever maps or locates."""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.dataset.chip_source import VIRTUAL, open_chips
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.region import Region, open_region
from birdsat.embeddings.region_block import HARMONICS
from birdsat.embeddings.write_region import write_region
from birdsat.errors import InputError
from birdsat.maps.outline import EARTH, Land
from birdsat.recipes.virtual_maps import virtual_land
from birdsat.training.run_folder import Run, load_run
from birdsat.virtual.world import VirtualWorld


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
) -> Region:
    """Embed the cells of a grid, or those whose centre is on land, into the folder `out`.

    Started again, it continues. Cells without imagery are counted on stderr.
    """
    run = load_run(run_folder)
    chips = open_chips(imagery, ground_km=run.chip_ground_km, px=run.chip_px, stretch=stretch)
    region = write_region(
        out,
        run,
        grid,
        chips,
        imagery=imagery,
        stretch=stretch,
        where=_land_cells(grid, land_under(imagery)) if land_only else None,
        harmonics=harmonics,
        workers=workers,
        show_progress=True,
    )
    if missing := region.manifest.without_imagery:
        print(f"birdsat: {missing:,} of {missing + len(region):,} cells have no imagery.", file=sys.stderr)
    return region


def open_region_of(run: Run, folder: Path) -> Region:
    """The region in a folder, embedded by the same model. Raises DatasetError or ConfigError where it is not."""
    region = open_region(folder)
    region.check_model(run)
    return region


def land_under(imagery: str) -> Land:
    """The land that maps made from `imagery` (see `open_chips`) are drawn over: that of the Earth, or a virtual one."""
    return virtual_land(VirtualWorld(int(imagery.removeprefix(VIRTUAL)))) if imagery.startswith(VIRTUAL) else EARTH


def _land_cells(grid: AnyGrid, land: Land) -> NDArray[np.bool_]:
    """(rows, columns) cells whose centre is on land. Raises InputError when there is none."""
    lon = (grid.lon[None] + 180) % 360 - 180
    rows = [land.contains(lon, grid.lat[first : first + 64, None]) for first in range(0, grid.rows, 64)]
    found: NDArray[np.bool_] = np.concatenate(rows)
    if not found.any():
        raise InputError(f"no cell in the box {grid.box} has its centre on land; leave --land-only out.")
    return found
