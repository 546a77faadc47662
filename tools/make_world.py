"""Make birdsat/world_data, the world that comes with the package: an encoder and what it says of every cell of land.

npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
python tools/make_world.py birdsat/world_data --imagery bluemarble.tif --elevation etopo.tif \\
    --land package/land-10m.json --work world_work

Started again with the same arguments it goes on where it stopped: chips, training and encoded places are kept in the
work folder. See docs/world.md.
"""

import argparse
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))  # to be imported by tests as well

from world_card import ELEVATION_CREDIT, IMAGERY_CREDIT, world_card
from world_elevation import elevation_and_spread
from world_features import SizePlan, encode_size, principal_components
from world_land import cells_near, cells_with_land

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.embeddings.regions.world_files import (
    WorldArrays,
    WorldMaking,
    WorldManifest,
    WorldSource,
    quantisation_steps,
    write_world,
)
from birdsat.files import file_sha256
from birdsat.imagery.open_imagery import open_imagery
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.pretrain import pretrain
from birdsat.workflows.random_chips import random_chips
from birdsat.workflows.requests.datasets import RandomChipsRequest
from birdsat.workflows.requests.training import PretrainRequest

# A feature of elevation or its spread, on the scale of the components, whose variances add up to about 1.
ELEVATION_SCALE, SPREAD_SCALE = 0.25, 0.25


@dataclass(frozen=True, kw_only=True)
class WorldSettings:
    """What a world is made of and how."""

    imagery: Path  # the whole world
    elevation: Path  # of the whole world in degrees, metres
    land: Path  # land-10m.json of the npm package world-atlas
    work: Path  # what is kept between two starts
    encoder: Path | None = None  # a run that is there already; None: train one
    step_degrees: float = 0.25
    coast_km: float = 80.0  # off a cell with land, within which cells of sea are kept: half the diagonal of a degree
    # From small to large: the first on the cells' own parallels; the last not turned, as it tells where the sea is.
    sizes: tuple[SizePlan, ...] = (
        SizePlan(ground_km=100.0, spacing_km=27.8, smooth_km=0.0, turned=True, weight=1.0),
        SizePlan(ground_km=400.0, spacing_km=100.0, smooth_km=220.0, turned=True, weight=1.0),
        SizePlan(ground_km=1600.0, spacing_km=266.0, smooth_km=330.0, turned=False, weight=2.0),
    )
    least_lat: float = -60.0  # components are those of the land north of it: an ice sheet would claim the first
    components: int = 64
    quantum: float = 0.02  # between two neighbouring numbers of a component; the features' variance is 1
    chips: int = 10_000  # to learn from
    recipe: str = "mae_chips_tiny"
    set: tuple[str, ...] = field(default_factory=tuple)  # single settings of the recipe, as `birdsat pretrain --set`


def make_world(out: Path, settings: WorldSettings) -> WorldManifest:
    """Make a world, or go on with one."""
    torch.set_num_threads(1)  # sums in one order, whatever the machine has
    threadpool_limits(1)
    imagery = open_imagery(str(settings.imagery))
    run = _encoder(settings)
    grid = Grid(Box(-180.0, -90.0, 180.0, 90.0), settings.step_degrees)
    on_land = cells_with_land(grid, settings.land)
    cells = cells_near(grid, on_land, settings.coast_km)
    land = np.isin(cells, on_land)
    lon_lat = grid.centres(cells)
    print(f"{len(on_land):,} of {grid.cells:,} cells have land, {len(cells):,} are kept", flush=True)
    sizes = [encode_size(run, imagery, plan, lon_lat, settings.work) for plan in settings.sizes]
    counted = land & (lon_lat[:, 1] > settings.least_lat)
    area = np.where(counted, grid.cell_area(cells), 0)
    found = principal_components(sizes, [plan.weight for plan in settings.sizes], lon_lat, area, settings.components)
    elevation_m, spread_m = elevation_and_spread(settings.elevation, lon_lat)
    making = WorldMaking(
        imagery=_source(settings.imagery, IMAGERY_CREDIT),
        elevation=_source(settings.elevation, ELEVATION_CREDIT),
        model=model_fingerprint(run),
        chip_ground_km=tuple(plan.ground_km for plan in settings.sizes),
        chip_px=run.chip_px,
        spacing_km=tuple(plan.spacing_km for plan in settings.sizes),
        smooth_km=tuple(plan.smooth_km for plan in settings.sizes),
        turned=tuple(plan.turned for plan in settings.sizes),
        variance_kept=found.variance_kept,
        versions=tuple(f"{name} {version(name)}" for name in ("birdsat", "numpy", "torch", "rasterio")),
    )
    return write_world(
        out,
        grid=grid,
        arrays=WorldArrays(
            cells=cells.astype(np.int32),
            land=land,
            components=found.numbers.astype(np.float16),
            elevation_m=elevation_m,
            spread_m=spread_m,
        ),
        steps=quantisation_steps(found.numbers, settings.quantum),
        elevation_scale=ELEVATION_SCALE,
        spread_scale=SPREAD_SCALE,
        projection=found.projection,
        encoder=run.path,
        card=world_card(making, len(on_land), settings.step_degrees, settings.components),
        making=making,
    )


def _encoder(settings: WorldSettings) -> Run:
    """The run given, or one trained in the work folder on chips drawn for it."""
    if settings.encoder is not None:
        return load_run(settings.encoder)
    chips, run = settings.work / "chips", settings.work / "encoder"
    random_chips(
        RandomChipsRequest(
            out=chips,
            imagery=str(settings.imagery),
            chip_km=tuple(plan.ground_km for plan in settings.sizes),
            count=settings.chips,
            land_only=True,
            workers=0,
            title="Blue Marble chips on land",
            licence="NASA Blue Marble: free to use, credit asked for",
        )
    )
    pretrain(
        PretrainRequest(
            dataset=chips, run=run, recipe=settings.recipe, set=settings.set, workers=0, resume=run.is_dir()
        )
    )
    return load_run(run)


def _source(path: Path, credit: str) -> WorldSource:
    return WorldSource(name=path.name, credit=credit, sha256=file_sha256(path), size_bytes=path.stat().st_size)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    for name in ("imagery", "elevation", "land", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, help="a run that is there already, in place of training one")
    given = parser.parse_args()
    manifest = make_world(
        given.out,
        WorldSettings(
            imagery=given.imagery,
            elevation=given.elevation,
            land=given.land,
            work=given.work,
            encoder=given.encoder,
        ),
    )
    print(f"{manifest.cells:,} cells, {sum(one.size_bytes for one in manifest.files):,} bytes in {given.out}")


if __name__ == "__main__":
    main()
