import itertools

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform

from birdsat.earth.box import Box
from birdsat.earth.equal_area import latitude, northing
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.earth.place import EARTH_RADIUS_KM
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


BOXES = ["-180,-90,180,90", "113,-44,154,-10", "160,-50,-160,-10", "-180,60,180,90", "-20,30,40,70"]
GRIDS: list[AnyGrid] = [
    grid for box in BOXES for grid in (Grid(Box.parse(box), 0.7), EqualAreaGrid(Box.parse(box), 70))
]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_the_affine_numbers_lead_to_the_centres_in_the_grids_crs(grid: AnyGrid) -> None:
    columns, rows = np.array([0, grid.columns // 2, grid.columns - 1]), np.array([0, grid.rows // 2, grid.rows - 1])
    a, b, c, d, e, f = grid.affine
    assert (b, d) == (0, 0)
    east, north = a * (columns + 0.5) + c, e * (rows + 0.5) + f
    lon, lat = transform(CRS.from_epsg(grid.epsg), CRS.from_epsg(4326), east, north)
    np.testing.assert_allclose(np.mod(lon, 360), np.mod(grid.lon[columns], 360), atol=1e-6)
    np.testing.assert_allclose(lat, grid.lat[rows], atol=1e-6)
    west, far_east, south, far_north = grid.extent
    np.testing.assert_allclose((west, far_north), (c, f))
    np.testing.assert_allclose((far_east, south), (c + a * grid.columns, f + e * grid.rows))


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_every_centre_lies_in_the_box_and_in_its_own_cell(grid: AnyGrid) -> None:
    lon, lat = np.broadcast_arrays(grid.lon[None], grid.lat[:, None])
    assert grid.box.contains(lon, lat).all()
    np.testing.assert_array_equal(grid.cells_at(lon.ravel(), lat.ravel()), np.arange(lon.size))
    np.testing.assert_array_equal(grid.cells_at(lon.ravel() - 360, lat.ravel()), np.arange(lon.size))
    places = [place for block in grid.places() for place in block]
    centres = grid.centres(np.arange(grid.cells))
    np.testing.assert_array_equal(centres, [(place.lon, place.lat) for place in places])
    np.testing.assert_allclose([place.lat for place in places], lat.ravel())
    np.testing.assert_allclose(np.mod([place.lon for place in places], 360), np.mod(lon.ravel(), 360))


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_cells_lie_between_their_edges(grid: AnyGrid) -> None:
    lon, lat = grid.edges()
    assert (lon[:-1] < grid.lon).all() and (grid.lon < lon[1:]).all()
    assert (lat[:-1] > grid.lat).all() and (grid.lat > lat[1:]).all()
    assert np.abs(lat).max() <= 90


def test_cells_of_an_equal_area_grid_have_the_asked_area_at_every_latitude() -> None:
    grid = EqualAreaGrid(Box(-180, -80, 180, 80), 100)
    lon, lat = grid.edges()
    band = np.diff(np.sin(np.radians(lat[::-1])))  # of a sphere; the Earth's flattening changes areas by under 1 %
    area = np.radians(lon[1] - lon[0]) * band * EARTH_RADIUS_KM**2
    np.testing.assert_allclose(area, 100**2, rtol=0.01)


def test_places_outside_the_grid_or_missing_are_in_no_cell_and_its_outer_edges_belong_to_it() -> None:
    grid = Grid(Box(170, -20, -170, 20), 10)
    lon = np.array([170.0, -170.0, 190.0, 169.9, -169.9, np.nan, 180.0, -180.0, 175.0, 175.0])
    lat = np.array([20.0, -20.0, -20.0, 0.0, 0.0, 0.0, 5.0, 5.0, 20.1, np.nan])
    assert grid.cells_at(lon, lat).tolist() == [0, 7, 7, -1, -1, -1, 3, 3, -1, -1]


def test_the_poles_are_in_the_outermost_rows() -> None:
    for grid in (Grid(Box(-180, -90, 180, 90), 1), EqualAreaGrid(Box(-180, -90, 180, 90), 100)):
        north, south = grid.cells_at(np.zeros(2), np.array([90.0, -89.0]))
        assert north // grid.columns == 0 and south // grid.columns == grid.rows - 1


def test_latitudes_and_northings_are_inverse_and_those_of_proj() -> None:
    lat = np.linspace(-90, 90, 1001)
    _, north = transform(CRS.from_epsg(4326), CRS.from_epsg(6933), np.zeros_like(lat), lat)
    np.testing.assert_allclose(northing(lat), north, atol=1e-4)
    np.testing.assert_allclose(latitude(northing(lat)), lat, atol=1e-7)


@pytest.mark.parametrize("step", [0, -1, float("nan"), float("inf"), 50_000])
def test_an_equal_area_step_without_cells_is_refused(step: float) -> None:
    with pytest.raises(ConfigError, match="grid step"):
        EqualAreaGrid(Box(0, 0, 10, 10), step)


def test_each_centre_is_in_its_own_cell_and_edges_belong_to_the_grid() -> None:
    grid = Grid(Box(178, -1, -178, 1), 0.5)
    every = np.arange(grid.cells)
    np.testing.assert_array_equal(grid.cells_at(*grid.centres(every).T), every)
    corners = np.array([[178, 1], [-178, -1], [180, 0], [-180, 0]])
    assert grid.cells_at(*corners.T).tolist() == [0, grid.cells - 1, 20, 20]


def test_places_outside_and_unknown_ones_are_in_no_cell() -> None:
    grid = Grid(Box(10, 40, 13, 42), 1)
    outside = np.array([[9.9, 41], [13.1, 41], [11, 39.9], [11, 42.1], [np.nan, 41], [11, np.nan]])
    assert grid.cells_at(*outside.T).tolist() == [-1] * 6
