"""Regions of embeddings given by hand, for tests."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat import config
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.manifest import (
    REGION_FILE,
    RegionManifest,
    RegionPart,
    RegionSettings,
    part_name,
    write_part,
)
from birdsat.embeddings.regions.region import Region


def made_region(folder: Path, grid: AnyGrid, cells: NDArray[np.int64], year: NDArray[np.float32]) -> Region:
    """Cells at positions (c,) with annual cycles (c, 1 + 2 K, d), in one part."""
    folder.mkdir()
    settings = RegionSettings(
        grid=grid,
        run="made",
        model="none",
        imagery="none",
        imagery_bytes=None,
        stretch=None,
        chip_ground_km=(1.0,),
        chip_px=4,
        mask="",
        chip_width=1,
        embedding_width=year.shape[2],
        harmonics=(year.shape[1] - 1) // 2,
    )
    path = folder / part_name(0)
    chip = np.zeros((len(cells), 1), np.float32)
    block = RegionBlock(cells=cells, lon_lat=grid.centres(cells), chip=chip, year=year)
    write_part(path, settings, [(block, np.zeros((len(cells), 12), np.float32))])
    part = RegionPart(file=path.name, number=0, rows=len(cells), sha256="", size_bytes=path.stat().st_size)
    facts = {"cells": len(cells), "without_imagery": 0, "season_missed_largest": 0.0, "season_missed_rms": 0.0}
    config.save(RegionManifest(settings=settings, parts=(part,), **facts), folder / REGION_FILE)
    return open_region(folder)
