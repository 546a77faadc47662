"""The built-in world as a region: its cells, all of them or those of a box."""

from pathlib import Path

import numpy as np
import pytest
from small_world import GRID, build_world, in_package

from birdsat.earth.box import Box
from birdsat.embeddings.regions.world import built_in_encoder, open_remembered, open_world
from birdsat.errors import DatasetError, InputError


def test_a_box_holds_the_same_numbers_as_the_world_at_the_same_places(small_world: Path) -> None:
    whole, part = open_world(), open_world(Box(-20, 30, 40, 70))
    assert 0 < len(part) < len(whole) and part.grid.step == GRID.step
    places = part.grid.centres(part.cells())
    np.testing.assert_array_equal(part.at(places).chip, whole.at(places).chip)
    assert part.at(places).found.all() and (np.diff(part.cells()) > 0).all()
    assert part.model == whole.model and part.identity != whole.identity


@pytest.mark.parametrize("box", [Box(-20, 30, 40, 70), Box(150, -50, -150, 10), Box(-180, -90, 180, 90)])
def test_blocks_give_every_cell_once_in_order_and_what_is_at_its_centre(
    small_world: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("birdsat.embeddings.regions.world.BLOCK_CELLS", 100)
    region = open_world(box)
    blocks = list(region.blocks())
    assert max(map(len, blocks)) == min(100, len(region))
    cells = np.concatenate([block.cells for block in blocks])
    np.testing.assert_array_equal(cells, region.cells())
    chip, lon_lat = np.concatenate([one.chip for one in blocks]), np.concatenate([one.lon_lat for one in blocks])
    np.testing.assert_array_equal(region.at(lon_lat).chip, chip.astype(np.float32))
    assert blocks[0].year.shape == (len(blocks[0]), 1, 0) and box.contains(*lon_lat.T).all()


def test_a_box_is_widened_to_whole_cells_and_may_lie_over_the_antimeridian(small_world: Path) -> None:
    assert open_world(Box(0.5, 40.1, 9.9, 47.9)).grid.box == Box(0, 40, 10, 48)
    over = open_world(Box(170.5, -50, -170.5, -30))  # New Zealand's east
    assert over.grid.box == Box(170, -50, -170, -30)
    lon = over.grid.centres(over.cells())[:, 0]
    assert (lon > 170).any() and len(over) == len(set(over.cells().tolist()))
    assert open_world(Box(-179.9, -90, 179.9, 90)).grid == GRID


def test_the_sea_and_what_lies_outside_are_not_found(small_world: Path) -> None:
    region = open_world(Box(-20, 30, 40, 70))
    asked = np.array([[10.0, 50.0], [-15.0, 48.0], [100.0, 50.0], [np.nan, 0.0]])  # Germany, Atlantic, Asia, nowhere
    points = region.at(asked)
    assert points.found.tolist() == [True, False, False, False]
    assert np.isfinite(points.chip[0]).all() and np.isnan(points.chip[1:]).all()
    assert region.at(asked, ()).chip.shape == (4, 0)


def test_a_box_of_sea_is_refused_in_one_sentence(small_world: Path) -> None:
    with pytest.raises(InputError, match=r"no land in the box.*embed cells at sea from imagery"):
        open_world(Box(-40, 30, -35, 35))


def test_it_is_remembered_from_anywhere_with_its_box(small_world: Path, tmp_path: Path) -> None:
    region = open_world(Box(-20, 30, 40, 70))
    again = open_remembered(region.way_from(tmp_path), tmp_path / "elsewhere")
    assert again is not None and again.identity == region.identity and again.grid == region.grid
    assert open_remembered("gone", tmp_path) is None


def test_chips_cannot_be_cut_from_it(small_world: Path) -> None:
    with pytest.raises(InputError, match="no chips; name imagery"):
        open_world().imagery.chips(ground_km=(100,), px=64)


def test_its_encoder_is_a_run(small_world: Path) -> None:
    assert built_in_encoder().path == small_world / "encoder"


def test_a_damaged_file_of_the_package_is_named_with_what_to_do(tmp_path: Path) -> None:
    folder = build_world(tmp_path / "world")
    with in_package(folder):
        (folder / "components.zst").write_bytes(b"cut short")
        with pytest.raises(DatasetError, match=r"components.zst.*[Ii]nstall birdsat again"):
            open_world()
