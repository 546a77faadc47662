"""Regions: a grid's cells embedded once by a run, and read by whatever maps or locates."""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.dataset.chip_source import open_chips
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.region import Region, open_region
from birdsat.embeddings.region_block import HARMONICS
from birdsat.embeddings.write_region import write_region
from birdsat.training.run_folder import Run, load_run


def embed_grid(
    run_folder: Path,
    grid: AnyGrid,
    imagery: str,
    out: Path,
    *,
    stretch: tuple[float, float] | None = None,
    where: NDArray[np.bool_] | None = None,
    harmonics: int = HARMONICS,
    workers: int = 0,
) -> Region:
    """Embed the cells of a grid, or those where `where` (rows, columns) is True, into the folder `out`.

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
        where=where,
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
