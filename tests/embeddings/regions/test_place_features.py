"""Features of places of any size, from a region."""

from pathlib import Path

import numpy as np
import pytest
from made_embeddings import vectors_of, wkb_point, write_geoparquet

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.embeddings.given.sources import open_given
from birdsat.embeddings.given.vector_columns import VectorColumns
from birdsat.embeddings.given.write import write_given_region
from birdsat.embeddings.regions.folder_region import FolderRegion
from birdsat.embeddings.regions.place_features import RegionFeatures
from birdsat.embeddings.regions.world import open_world
from birdsat.errors import InputError
from birdsat.progress import QUIET

BOX = Box(0, 40, 6, 44)


def region_of(folder: Path, grid: AnyGrid) -> FolderRegion:
    """Two of three cells of the grid, of three numbers each."""
    cells = np.flatnonzero(np.arange(grid.cells) % 3)
    numbers = np.random.default_rng(0).normal(0, 1, (len(cells), 3))
    points = [wkb_point(*place) for place in grid.centres(cells).tolist()]
    path = write_geoparquet(folder / "a.parquet", points, vector=vectors_of(numbers))
    with pytest.warns():
        return write_given_region(folder / "region", grid, open_given([path], VectorColumns(), QUIET))


@pytest.mark.parametrize("numbers", [1, 1 << 22])
def test_a_cell_is_the_mean_of_those_within_it(numbers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("birdsat.embeddings.regions.place_features._NUMBERS", numbers)
    region = region_of(tmp_path, Grid(BOX, 0.5))
    cells = region.cells()
    chip = np.concatenate([block.chip for block in region.blocks(("chip",))]).astype(np.float64)
    large = Grid(BOX, 2.0)
    places = large.centres(np.arange(large.cells))
    found = RegionFeatures(region=region, cell_degrees=2.0).features_at(places)
    of = large.cells_at(*region.grid.centres(cells).T)
    np.testing.assert_allclose(found, [chip[of == cell].mean(axis=0) for cell in range(large.cells)], atol=1e-6)
    own = RegionFeatures(region=region).features_at(places + 0.25)
    np.testing.assert_array_equal(own, region.at(places + 0.25).chip)


def test_cells_of_one_area_are_looked_up_too_and_places_without_any_are_said(tmp_path: Path) -> None:
    region = region_of(tmp_path, EqualAreaGrid(BOX, 40))
    features = RegionFeatures(region=region, cell_degrees=2.0)
    found = features.features_at(np.array([[3.0, 42.0], [50.0, 0.0]]))
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()
    assert features.land is region.imagery.land
    with pytest.raises(InputError, match="none of the 1 places lies in a cell of"):
        features.features_at(np.array([[50.0, 0.0]]))


def test_of_cells_whose_chips_show_all_of_a_degree_the_four_in_its_middle_count_and_else_those_that_are_known() -> None:
    world = open_world(Box(-10, 35, 30, 60))
    assert world.chip_km == 100
    degrees = Grid(Box(-10, 35, 30, 60), 1.0)
    places = degrees.centres(np.arange(degrees.cells))
    found = RegionFeatures(region=world, cell_degrees=1.0).features_at(places)

    def means(apart: list[float]) -> np.ndarray:
        offsets = np.array([(x, y) for x in apart for y in apart])
        chip = np.stack([world.at(places + offset).chip for offset in offsets]).astype(np.float64)
        with pytest.warns(RuntimeWarning, match="empty slice"):  # of degrees at sea
            return np.nanmean(chip, axis=0)

    middle, whole = means([-0.125, 0.125]), means([-0.375, -0.125, 0.125, 0.375])
    coast = np.isnan(middle[:, 0]) & ~np.isnan(whole[:, 0])
    assert 0 < coast.sum() < np.isfinite(middle[:, 0]).sum()
    np.testing.assert_allclose(found, np.where(coast[:, None], whole, middle), atol=1e-6)
