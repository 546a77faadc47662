import itertools

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import ConfigError


def test_rows_run_from_north_and_columns_from_west() -> None:
    grid = Grid(Box(10, 40, 13, 42), 1)
    assert grid.shape == (2, 3)
    assert grid.lat.tolist() == [41.5, 40.5]
    assert grid.lon.tolist() == [10.5, 11.5, 12.5]


def test_over_the_antimeridian_columns_grow_and_places_are_wrapped() -> None:
    grid = Grid(Box(178, -1, -178, 1), 1)
    assert grid.lon.tolist() == [178.5, 179.5, 180.5, 181.5]
    first_row = next(grid.places())[:4]
    assert [place.lon for place in first_row] == [178.5, 179.5, -179.5, -178.5]


@pytest.mark.parametrize("block", [1, 5, 6, 1000])
def test_blocks_of_any_size_join_to_the_grid_row_by_row(block: int) -> None:
    grid = Grid(Box(10, 40, 13, 42), 0.5)
    blocks = list(grid.places(block))
    places = list(itertools.chain.from_iterable(blocks))
    assert max(map(len, blocks)) <= block
    lon = np.array([place.lon for place in places]).reshape(grid.shape)
    lat = np.array([place.lat for place in places]).reshape(grid.shape)
    np.testing.assert_allclose(lon, np.broadcast_to(grid.lon, grid.shape))
    np.testing.assert_allclose(lat, np.broadcast_to(grid.lat[:, None], grid.shape))


def test_the_first_block_of_a_huge_grid_comes_at_once() -> None:
    world = Grid(Box(-180, -90, 180, 90), 0.001)
    assert world.rows * world.columns == 180_000 * 360_000
    assert len(next(world.places())) == 4096


def test_a_step_that_is_not_exact_in_binary_loses_no_cell() -> None:
    assert Grid(Box(0, 0, 0.7, 0.3), 0.1).shape == (3, 7)


@pytest.mark.parametrize("step", [0, -1, float("nan"), float("inf"), 50])
def test_a_step_without_cells_is_refused(step: float) -> None:
    with pytest.raises(ConfigError, match="grid step"):
        Grid(Box(0, 0, 10, 10), step)


def test_each_centre_is_in_its_own_cell_and_edges_belong_to_the_grid() -> None:
    grid = Grid(Box(178, -1, -178, 1), 0.5)
    every = np.arange(grid.cells)
    np.testing.assert_array_equal(grid.cells_at(grid.centres(every)), every)
    corners = np.array([[178, 1], [-178, -1], [180, 0], [-180, 0]])
    assert grid.cells_at(corners).tolist() == [0, grid.cells - 1, 20, 20]


def test_places_outside_and_unknown_ones_are_in_no_cell() -> None:
    grid = Grid(Box(10, 40, 13, 42), 1)
    outside = np.array([[9.9, 41], [13.1, 41], [11, 39.9], [11, 42.1], [np.nan, 41], [11, np.nan]])
    assert grid.cells_at(outside).tolist() == [-1] * 6
