"""Cells dissolved into polygons: the same cells, once, wherever the grid lies."""

import numpy as np
import pytest
import shapely

from birdsat.earth.box import Box
from birdsat.earth.cell_polygons import CellShapes
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid

GRIDS = [
    Grid(Box(0, 0, 20, 10), 1),
    Grid(Box(170, -20, -165, 10), 1),
    EqualAreaGrid(Box(170, -20, -165, 10), 100),
    EqualAreaGrid(Box(-180, -90, 180, 90), 500),
]


def shapes_of(grid: AnyGrid, cells: np.ndarray, block: int = 7) -> CellShapes:
    found = CellShapes(grid)
    for top in range(0, grid.rows, block):
        for left in range(0, grid.columns, block):
            found.add(cells[top : top + block, left : left + block], top, left)
    return found


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_the_polygons_hold_the_middles_of_their_cells_and_of_no_other(grid: AnyGrid) -> None:
    cells = np.random.default_rng(0).random(grid.shape) < 0.4
    dissolved = shapes_of(grid, cells).dissolved()
    assert dissolved.geom_type == "MultiPolygon" and shapely.is_valid(dissolved)
    west, south, east, north = shapely.bounds(dissolved)
    assert west >= -180 and south >= -90 and east <= 180 and north <= 90
    lon, lat = grid.centres(np.arange(grid.cells)).T
    np.testing.assert_array_equal(shapely.contains_xy(dissolved, lon, lat).reshape(grid.shape), cells)


def test_one_square_over_blocks_is_one_polygon_with_the_area_of_its_cells() -> None:
    grid = GRIDS[0]
    cells = np.zeros(grid.shape, bool)
    cells[2:9, 3:16] = True
    cells[4, 5] = False  # a hole
    (polygon,) = shapely.get_parts(shapes_of(grid, cells, block=3).dissolved())
    assert polygon.area == pytest.approx(7 * 13 - 1) and len(polygon.interiors) == 1


def test_an_outline_over_the_antimeridian_is_in_one_piece_and_finer_than_a_cell() -> None:
    grid = GRIDS[1]
    cells = np.zeros(grid.shape, bool)
    cells[10:15, 5:20] = True
    outline = shapes_of(grid, cells).outline()
    assert outline[:, 0].min() == 175 and outline[:, 0].max() == 190
    assert {(178.0, 0.0), (182.0, 0.0)} <= set(map(tuple, outline.tolist()))
    sides = [part.bounds[0::2] for part in shapely.get_parts(shapes_of(grid, cells).dissolved())]
    assert sorted(sides) == [(-180, -170), (175, 180)]


def test_no_cell_makes_an_empty_multipolygon() -> None:
    shapes = CellShapes(GRIDS[0])
    shapes.add(np.zeros((3, 3), bool), 0, 0)
    assert shapes.dissolved().is_empty and shapes.dissolved().geom_type == "MultiPolygon"
    assert shapes.outline().shape == (0, 2)
