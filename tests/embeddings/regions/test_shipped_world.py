"""The world that comes with the package."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import birdsat
from birdsat.embeddings.regions.world_files import World, read_world
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import load_run

FOLDER = Path(birdsat.__file__).parent / "world_data"
MOST_BYTES = 25_000_000
ISLANDS = {
    "Hawaii": (-155.5, 19.6),
    "Flores, Azores": (-31.2, 39.45),
    "Isabela, Galapagos": (-91.1, -0.6),
    "Mahe, Seychelles": (55.48, -4.68),
    "Saint Helena": (-5.7, -15.95),
    "Tristan da Cunha": (-12.28, -37.11),
    "Norfolk Island": (167.95, -29.03),
    "Fair Isle": (-1.63, 59.53),
    "Viti Levu, over the antimeridian": (178.0, -17.8),
    "the South Pole": (0.0, -89.9),
}


@cache
def _world() -> World:
    return read_world(FOLDER)


def test_its_files_are_those_that_its_manifest_names_and_no_more_than_25_mb() -> None:
    named = {one.file for one in _world().manifest.files} | {"world.json"}
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert there == named
    assert sum((FOLDER / name).stat().st_size for name in there) <= MOST_BYTES


def test_every_quarter_degree_of_land_is_in_it() -> None:
    manifest = _world().manifest
    assert (manifest.grid.step_degrees, manifest.grid.shape) == (0.25, (720, 1440))
    assert manifest.land_cells == _world().arrays.land.sum() > 360_000


@pytest.mark.parametrize("name", ISLANDS)
def test_islands_are_in_it(name: str) -> None:
    world = _world()
    lon, lat = ISLANDS[name]
    cell = world.manifest.grid.cells_at(np.array([lon]), np.array([lat]))
    assert cell[0] in world.arrays.cells[world.arrays.land]


def test_its_features_are_finite_and_their_elevation_is_that_of_the_earth() -> None:
    world = _world()
    assert np.isfinite(world.features).all()
    # Everest, Denver, Amsterdam, Lake Eyre
    places = np.array([[86.9, 27.99], [-104.99, 39.74], [4.9, 52.37], [140.0, -28.5]])
    rows = np.searchsorted(world.arrays.cells, world.manifest.grid.cells_at(*places.T))
    everest, denver, amsterdam, eyre = world.arrays.elevation_m[rows].tolist()
    assert everest > 4000 and 1400 < denver < 2200 and -10 < amsterdam < 50 and -20 < eyre < 150


def test_its_encoder_is_the_one_that_its_manifest_names() -> None:
    run = load_run(_world().encoder)
    assert model_fingerprint(run) == _world().manifest.making.model
    assert run.chip_ground_km == _world().manifest.making.chip_ground_km
