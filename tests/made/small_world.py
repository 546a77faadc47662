"""A small world in place of the one that comes with the package: real land in coarse cells, an encoder of random
weights, and components that say where a cell lies in smooth, made fields."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from made_runs import PX, WIDTH, make_run
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.land_cells import land_cells
from birdsat.earth.outline import EARTH
from birdsat.earth.place import unit_sphere
from birdsat.embeddings.regions import world as worlds
from birdsat.embeddings.regions.world_files import (
    WorldArrays,
    WorldMaking,
    WorldProjection,
    WorldSource,
    quantisation_steps,
    write_world,
)
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import load_run

GRID = Grid(Box(-180, -90, 180, 90), 2.0)
COMPONENTS = 6
FEATURES = COMPONENTS + 2  # with the elevation and its spread


def build_world(folder: Path, *, grid: Grid = GRID, components: int = COMPONENTS, seed: int = 0) -> Path:
    """A world of every cell of the grid with land in it. It does not show what its encoder says of any chip."""
    encoder = make_run(folder.with_name(f"{folder.name}-encoder"), seed=seed)
    (encoder / "README.md").write_text("# Random weights\n")
    run = load_run(encoder)
    generator = np.random.default_rng(seed)
    cells = np.flatnonzero(land_cells(grid, EARTH)).astype(np.int32)
    fields = made_fields(grid.centres(cells.astype(np.int64)), components + 1, seed)
    shown = fields[:, :components] * 2.0 ** -np.arange(components)  # the largest first
    elevation_m = np.rint(1500 * np.clip(fields[:, -1], 0, None)).astype(np.int16)
    steps = quantisation_steps(shown, 0.02)
    whole = np.rint(shown / np.array(steps, np.float32)) * np.array(steps, np.float32)
    source = WorldSource(name="made", credit="nobody's", sha256="", size_bytes=0)
    directions = np.linalg.qr(generator.normal(0, 1, (WIDTH, components)))[0]
    write_world(
        folder,
        grid=grid,
        arrays=WorldArrays(
            cells=cells,
            land=np.ones(len(cells), np.bool_),
            components=whole.astype(np.float16),
            elevation_m=elevation_m,
            spread_m=(elevation_m // 4).astype(np.int16),
        ),
        steps=steps,
        elevation_scale=0.5,
        spread_scale=0.25,
        projection=WorldProjection(centre=np.zeros(WIDTH, np.float32), directions=directions.astype(np.float32)),
        encoder=encoder,
        card="# A small world\n\nMade for tests.\n",
        making=WorldMaking(
            imagery=source,
            elevation=source,
            model=model_fingerprint(run),
            chip_ground_km=run.chip_ground_km,
            chip_px=PX,
            spacing_km=run.chip_ground_km,
            smooth_km=run.chip_ground_km,
            turned=tuple(False for _ in run.chip_ground_km),
            variance_kept=1.0,
            versions=("made for tests",),
        ),
    )
    return folder


def made_fields(lon_lat: NDArray[np.float64], count: int, seed: int = 0) -> NDArray[np.float32]:
    """(n, count) smooth numbers of places (n, 2), of variance 0.5; they go up and down about ten times around Earth."""
    generator = np.random.default_rng(seed + 1)
    sphere = unit_sphere(*lon_lat.T)
    waves, phase = generator.normal(0, 6, (3, count)), generator.uniform(0, 2 * np.pi, count)
    return np.sin(sphere @ waves + phase).astype(np.float32)


@contextmanager
def in_package(folder: Path) -> Iterator[Path]:
    """While it lasts, the world in a folder is the one that comes with the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "WORLD_FOLDER", folder)
        worlds.built_in_world.cache_clear()
        try:
            yield folder
        finally:
            worlds.built_in_world.cache_clear()
