"""One of everything that is made and read, small: for all tests that need some of it and do not mind which."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_records import IMAGERY, write_rows
from made_runs import OTHER, TAXON, make_dataset, make_run, noise, rows

from birdsat.earth.box import Box
from birdsat.observations.observation import Split
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.workflows import fit_ranges as fitting
from birdsat.workflows.embed import embed
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.requests.regions import EmbedRequest

ROWS: dict[Split, int] = {"train": 40, "val": 10, "test": 2}
BOX, STEP = Box(-150, 0, -138, 12), 2.0  # all land, on the virtual planet 0
SIDE, CELLS = 6, 36
TAXA = (TAXON, "Parus major", OTHER)
NORTH, SOUTH = 11.0, 1.0  # the middles of the rows of cells that have records
SETTINGS = RangeNetworkConfig(
    inputs=8, width=8, depth=1, members=2, steps=8, harmonics=1, places_a_step=32, background_a_step=32, block_km=100
)


@dataclass(frozen=True)
class TinyWorld:
    """Folders and files that belong together. They are shared: a test that writes takes a copy."""

    folder: Path

    @property
    def dataset(self) -> Path:
        """Photos and chips of noise: ROWS, of two taxa in turn, at places in the west of the box."""
        return self.folder / "data"

    @property
    def run(self) -> Path:
        """Sees photos, chips, places and dates; was never trained; knows the taxon TAXON from photos."""
        return self.folder / "mine"

    @property
    def region(self) -> Path:
        """All CELLS of the box, embedded by the run."""
        return self.folder / "region"

    @property
    def records(self) -> Path:
        """Corvus corax in the north, Pica pica in the south, Parus major in both, all in January and in July."""
        return self.folder / "records.csv"

    @property
    def ranges(self) -> Path:
        """A range model of TAXA, fitted to the records on the region."""
        return self.folder / "ranges"

    @property
    def photo(self) -> Path:
        return self.folder / "bird.jpg"

    def copied(self, to: Path) -> "TinyWorld":
        """Everything again, to be changed."""
        return TinyWorld(shutil.copytree(self.folder, to))


def build(folder: Path) -> TinyWorld:
    world = TinyWorld(folder)
    make_dataset(world.dataset, rows([split for split, count in ROWS.items() for _ in range(count)]))
    make_run(world.run)
    embed(EmbedRequest(run=world.run, paths=world.region, grid=STEP, box=BOX, imagery=IMAGERY))
    generator = np.random.default_rng(0)
    write_rows(
        world.records,
        [
            (taxon, lon + generator.uniform(-0.9, 0.9), lat + generator.uniform(-0.9, 0.9), f"2020-{month:02d}-10")
            for lon in np.arange(BOX.west + STEP / 2, BOX.east, STEP).tolist()
            for month in (1, 7)
            for taxon, lat in zip((TAXA[0], TAXA[1], TAXA[1], TAXA[2]), (NORTH, NORTH, SOUTH, SOUTH), strict=True)
        ],
    )
    small_fit(tables=world.records, region=world.region, out=world.ranges)
    world.photo.write_bytes(noise(7, 20))
    return world


def small_settings(seed: int) -> RangeNetworkConfig:
    """In place of the settings of a real fit, whose network takes minutes."""
    return replace(SETTINGS, seed=seed)


def small_fit(**fields: Any) -> fitting.FitResult:
    """What the fields of a FitRequest ask, by its very workflow, with places trusted and with SETTINGS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "RangeNetworkConfig", small_settings)
        return fitting.fit_ranges(FitRequest(**fields, trust_places=True))
