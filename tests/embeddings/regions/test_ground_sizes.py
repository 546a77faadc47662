"""Places encoded at several ground sizes: by grid, by region, and one by one."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from region_methods import Longitudes, MadeImagery, PhotosOnly, Seasons, run_of

from birdsat.earth.box import Box
from birdsat.earth.date import mid_month
from birdsat.earth.grid import Grid
from birdsat.earth.place import Place
from birdsat.embeddings.regions import cut_chips as cut
from birdsat.embeddings.regions.embed_cells import embed_cells, year_basis
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.places import embed_places
from birdsat.embeddings.regions.write import write_region
from birdsat.errors import ConfigError, InputError, PlaceError
from birdsat.imagery.sources import ChipSizes
from birdsat.training.run_folder import Run

GRID = Grid(Box(170, -20, -170, 0), 4.0)  # over the antimeridian, 5 x 5 cells


class Reaching(Longitudes):
    """Chips as red as they are wide; they end where a chip would reach over the equator."""

    def __init__(self, km: float) -> None:
        super().__init__(north=-km / 10)
        self.ground_km = (km,)

    def chips(self, place: Place, **when: object) -> tuple[np.ndarray, ...]:
        return tuple(chip // 2 + np.uint8(self.ground_km[0]) for chip in super().chips(place))


def chips(*sizes: float) -> ChipSizes:
    return ChipSizes(sizes, Reaching)


def several(*sizes: float) -> Run:
    run = run_of(Seasons())
    return dataclasses.replace(run, dataset=dataclasses.replace(run.dataset, chip_ground_km=sizes))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "BLOCK_CELLS", 8)


def test_features_of_all_sizes_stand_side_by_side_and_the_course_is_that_of_their_mean() -> None:
    blocks = list(embed_cells(Seasons(), GRID, chips(60, 5, 20), harmonics=6, device="cpu"))
    cells = np.concatenate([block.cells for block in blocks])
    features = np.concatenate([block.chip for block in blocks])
    alone = [list(embed_cells(Seasons(), GRID, Reaching(km), device="cpu")) for km in (5, 20, 60)]
    for size, of_one in enumerate(alone):
        expected = np.concatenate([block.chip for block in of_one])
        held = np.isin(np.concatenate([block.cells for block in of_one]), cells)
        np.testing.assert_array_equal(features[:, 2 * size : 2 * size + 2], expected[held])
    mean = torch.from_numpy(features.reshape(-1, 3, 2).mean(axis=1))
    places = torch.from_numpy(np.concatenate([block.lon_lat for block in blocks])).float()
    exact = Seasons().embed_chip(mean, places, torch.full((len(places),), mid_month(7)))
    july = year_basis(np.array([mid_month(7)]), 6) @ np.concatenate([block.year for block in blocks])
    np.testing.assert_allclose(july[:, 0], exact, atol=1e-5)


def test_a_cell_is_without_imagery_where_any_size_is_missing() -> None:
    blocks = list(embed_cells(Seasons(), GRID, chips(5, 60), device="cpu"))
    assert np.concatenate([block.cells for block in blocks]).tolist() == list(
        range(5, 25)
    )  # 60 km: from 6 degrees south
    assert sum(block.without_imagery for block in blocks) == 5


def test_a_region_of_several_sizes_is_as_wide_as_they_are_together(tmp_path: Path) -> None:
    region = write_region(tmp_path / "region", several(5, 20), GRID, MadeImagery(chips(5, 20)), device="cpu")
    assert (region.chip_width, region.manifest.settings.chip_ground_km) == (4, (5, 20))
    kept = np.concatenate([block.chip for block in region.blocks(("chip",))])
    in_memory = [block.chip for block in embed_cells(Seasons(), GRID, chips(5, 20), device="cpu")]
    np.testing.assert_allclose(kept, np.concatenate(in_memory), rtol=1e-3)


def test_a_region_of_an_earlier_version_is_read_and_continued(tmp_path: Path) -> None:
    def make() -> int:
        return len(write_region(tmp_path / "region", run_of(Seasons()), GRID, MadeImagery(Longitudes())))

    cells = make()
    path = tmp_path / "region" / "region.json"
    held = json.loads(path.read_text())
    held["settings"]["chip_ground_km"] = held["settings"]["chip_ground_km"][0]
    path.write_text(json.dumps(held))
    assert open_region(tmp_path / "region").manifest.settings.chip_ground_km == (5.0,)
    assert make() == cells


def test_places_are_embedded_to_the_numbers_of_the_cells_that_they_are_centres_of() -> None:
    run, source = several(5, 20), chips(5, 20)
    blocks = list(embed_cells(Seasons(), GRID, source, device="cpu"))
    cells = np.concatenate([block.cells for block in blocks])
    backwards = np.arange(GRID.cells)[::-1]
    places = embed_places(run, source, GRID.centres(backwards), device="cpu")
    np.testing.assert_array_equal(places.found, np.isin(backwards, cells))
    assert np.isnan(places.chip[~places.found]).all() and np.isnan(places.year[~places.found]).all()
    for found, name in ((places.chip, "chip"), (places.year, "year")):
        expected = np.concatenate([getattr(block, name) for block in blocks])
        np.testing.assert_allclose(found[::-1][cells], expected, rtol=1e-6)


def test_places_by_worker_processes_are_the_same() -> None:
    lon_lat = np.array([[10.0, -40.0], [20.0, -30.0]])
    alone, beside = (embed_places(run_of(Seasons()), Longitudes(), lon_lat, workers=w, device="cpu") for w in (0, 1))
    np.testing.assert_array_equal(alone.chip, beside.chip)


def test_places_that_cannot_be_embedded_are_refused() -> None:
    here = np.array([[10.0, -40.0]])
    with pytest.raises(ConfigError, match="learned from chips of 5 and 20 km, and the chips given are of 1 ground"):
        embed_places(several(5, 20), Longitudes(), here)
    with pytest.raises(ConfigError, match="of 2 ground"):
        embed_places(run_of(Seasons()), chips(5, 20), here)
    with pytest.raises(InputError, match="photos only"):
        embed_places(run_of(PhotosOnly()), Longitudes(), here)
    with pytest.raises(PlaceError, match="none of the 1 places has imagery"):
        embed_places(run_of(Seasons()), Longitudes(-90), here)
    with pytest.raises(PlaceError, match="swapped"):
        embed_places(run_of(Seasons()), Longitudes(), np.array([[-32.0, 116.0]]))
