"""Regions read from GeoJSON: what lies inside, and files that are not a region."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.earth.polygon import Polygons, read_polygons
from birdsat.errors import InputError

GRIDS: list[AnyGrid] = [Grid(Box(-180, -90, 180, 90), 2.5), EqualAreaGrid(Box(-180, -90, 180, 90), 250)]


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: dict[str, Any] | None) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": geometry}


def read(folder: Path, content: Any) -> Polygons:
    path = folder / "region.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_polygons(path)


def within(grid: AnyGrid, west: float, south: float, east: float, north: float) -> NDArray[np.bool_]:
    box = Box(west, south, east, north)
    return box.contains(*np.broadcast_arrays(grid.lon[None], grid.lat[:, None]))


@pytest.mark.parametrize("grid", GRIDS, ids=["degrees", "equal area"])
def test_a_hole_is_left_out_and_a_feature_is_read_as_its_geometry(tmp_path: Path, grid: AnyGrid) -> None:
    shape = polygon(ring(10, -20, 50, 30), ring(20, 0, 30, 10))
    expected = within(grid, 10, -20, 50, 30) & ~within(grid, 20, 0, 30, 10)
    for content in (shape, feature(shape), {"type": "FeatureCollection", "features": [feature(shape), feature(None)]}):
        region = read(tmp_path, content)
        assert str(region.box) == "10,-20,50,30"
        np.testing.assert_array_equal(region.mask(grid), expected)
        np.testing.assert_array_equal(region.mask(grid, slice(20, 40)), expected[20:40])


@pytest.mark.parametrize("grid", GRIDS, ids=["degrees", "equal area"])
def test_a_region_cut_at_the_antimeridian_or_going_on_past_it_is_one(tmp_path: Path, grid: AnyGrid) -> None:
    cut = {"type": "MultiPolygon", "coordinates": [[ring(160, -50, 180, -10)], [ring(-180, -50, -150, -10)]]}
    for content in (cut, polygon(ring(160, -50, 210, -10)), polygon(ring(-200, -50, -150, -10))):
        region = read(tmp_path, content)
        assert str(region.box) == "160,-50,-150,-10"
        np.testing.assert_array_equal(region.mask(grid), within(grid, 160, -50, -150, -10))
        over = type(grid)(region.box, grid.step / (1 if isinstance(grid, Grid) else 1000))
        assert region.mask(over).all()


def test_polygons_that_overlap_are_a_union(tmp_path: Path) -> None:
    parts = [feature(polygon(ring(0, 0, 20, 20))), feature(polygon(ring(10, 10, 30, 30)))]
    region = read(tmp_path, {"type": "FeatureCollection", "features": parts})
    assert region.contains(np.array([5.0, 15, 25, 25, np.nan]), np.array([5.0, 15, 25, 5, 0])).tolist() == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_slanted_edges_and_the_whole_world(tmp_path: Path) -> None:
    grid = GRIDS[0]
    triangle = read(tmp_path, polygon([[0, 0], [60, 0], [0, 60], [0, 0]])).mask(grid)
    lon, lat = np.broadcast_arrays(grid.lon[None], grid.lat[:, None])
    below = (lon > 0) & (lat > 0) & (lon + lat < 60)
    on_the_edge = np.isclose(lon + lat, 60)
    np.testing.assert_array_equal(triangle[~on_the_edge], below[~on_the_edge])
    world = read(tmp_path, polygon(ring(-180, -90, 180, 90)))
    assert str(world.box) == "-180,-90,180,90" and world.mask(grid).all()


@pytest.mark.parametrize(
    "content, words",
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[1, 2]", "found list; give a Polygon"),
        ({"type": "Point", "coordinates": [1, 2]}, "found Point; give a Polygon"),
        (feature({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}), "found LineString"),
        ({"type": "FeatureCollection", "features": []}, "there is no polygon"),
        (polygon(), "has no coordinates"),
        ({"type": "MultiPolygon", "coordinates": []}, "there is no polygon"),
        (polygon([[0, 0], [1, 1], [0, 0]]), "only 2 different positions"),
        (polygon(ring(-40, 110, -10, 155)), "longitude and latitude are swapped"),
        (polygon(ring(300_000, 5_000_000, 400_000, 5_100_000)), "project the region to EPSG:4326"),
        (polygon(ring(-500, 0, 500, 10)), "more than once"),
        ({"type": "Polygon", "coordinates": [[["a", "b"], [1, 2], [3, 4]]]}, "not rings of"),
        ({"type": "Polygon", "coordinates": [[1, 2], [3, 4]]}, "not rings of"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, None], [1, 1]]]}, "not rings of|not finite"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [NaN, 1], [1, 1]]]}', "not finite"),
        (polygon([[0, 5], [1, 5], [2, 5]]), "no width or height"),
        (polygon(ring(0, 0, 1, 1)) | {"crs": {"properties": {"name": "EPSG:28356"}}}, "project the region"),
    ],
)
def test_what_is_not_a_region_is_refused_by_name(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path, content)
    assert "region.geojson" in str(caught.value)


def test_a_missing_file_and_a_file_of_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_polygons(tmp_path / "absent.geojson")
    (tmp_path / "bytes.geojson").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_polygons(tmp_path / "bytes.geojson")


def test_a_polygon_that_holds_no_centre_of_a_cell_is_reported(tmp_path: Path) -> None:
    region = read(tmp_path, polygon(ring(0.1, 0.1, 0.2, 0.2)))
    with pytest.raises(InputError, match=r"no cell of 2\.5 degrees"):
        region.mask(GRIDS[0])
    assert not region.mask(GRIDS[0], slice(0, 10)).any()
