"""Regions read from GeoJSON: what lies inside, and files that are not a region."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.earth.polygon import Polygons
from birdsat.earth.read_polygons import read_polygons
from birdsat.errors import BirdsatError, InputError

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
    features = [feature(shape), feature(None), feature(polygon())]  # empty ones, as clipping leaves them
    for content in (shape, feature(shape), {"type": "FeatureCollection", "features": features}):
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
        (polygon(), "there is no polygon"),
        ({"type": "Polygon"}, "has no coordinates"),
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
        (
            polygon(ring(0, 0, 1, 1)) | {"crs": {"properties": {"name": "EPSG:28356"}}},
            "write in the CRS that they are of",
        ),
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


def area(path: Path) -> NDArray[np.bool_]:
    return read_polygons(path).mask(Grid(Box(-180, -90, 180, 90), 1.0))


def test_cut_uncut_and_past_180_are_one_area_or_refused(shared_cases: Path) -> None:
    folder = shared_cases / "27-geojson"
    expected = within(Grid(Box(-180, -90, 180, 90), 1.0), 177, -20, -178, -15)
    for name in ("cut", "past180"):
        np.testing.assert_array_equal(area(folder / f"{name}.geojson"), expected)
    with pytest.raises(InputError, match="from longitude 177 to -178: over the antimeridian, or the long way"):
        read_polygons(folder / "uncut.geojson")


def test_the_way_around_heights_and_the_names_of_wgs84_change_nothing(shared_cases: Path) -> None:
    expected = within(Grid(Box(-180, -90, 180, 90), 1.0), 100, -10, 110, 0)
    for name in ("clockwise", "z", "crs84", "crs_4269"):
        np.testing.assert_array_equal(area(shared_cases / "27-geojson" / f"{name}.geojson"), expected)


def test_a_ring_around_the_pole_holds_the_pole_alone(shared_cases: Path) -> None:
    expected = within(Grid(Box(-180, -90, 180, 90), 1.0), -180, -90, 180, -60)
    np.testing.assert_array_equal(area(shared_cases / "27-geojson" / "pole.geojson"), expected)


@pytest.mark.parametrize(
    "name, words",
    [
        ("line_too", "found Point"),
        ("swapped", "longitude and latitude are swapped"),
        ("mercator_crs", "project the region to EPSG:4326"),
        ("crs_34326", "EPSG:32643, which is not in degrees, but its positions look like degrees"),
        ("crs_3857", "there is no polygon"),
    ],
)
def test_what_cannot_be_meant_is_refused(shared_cases: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_polygons(shared_cases / "27-geojson" / f"{name}.geojson")


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "EPSG:3857"}},
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}},
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG:9.8:3857"}},
        {"type": "name", "properties": {"name": "http://www.opengis.net/def/crs/EPSG/0/3857"}},
        {"type": "EPSG", "properties": {"code": 3857}},
        "epsg:3857",
    ],
)
@pytest.mark.parametrize("where", ["collection", "feature", "geometry"])
def test_a_declared_projection_is_followed(tmp_path: Path, crs: Any, where: str) -> None:
    geometry: dict[str, Any] = polygon(ring(11131949.08, -1118889.97, 12245143.99, 0))
    one = feature(geometry)
    collection = {"type": "FeatureCollection", "features": [one]}
    {"collection": collection, "feature": one, "geometry": geometry}[where]["crs"] = crs
    region = read(tmp_path, collection)
    grid = Grid(Box(-180, -90, 180, 90), 1.0)
    np.testing.assert_array_equal(region.mask(grid), within(grid, 100, -10, 110, 0))


def test_an_edge_that_is_straight_in_its_projection_is_bent_in_degrees(tmp_path: Path) -> None:
    north = polygon([[-4e6, -4e6], [4e6, -4e6], [4e6, 4e6], [-4e6, 4e6], [-4e6, -4e6]])
    region = read(tmp_path, north | {"crs": {"type": "name", "properties": {"name": "EPSG:3995"}}})
    lon = np.array([0.0, 45, 90, -135, 180])
    assert region.contains(lon, np.full(5, 89.0)).all()  # the pole is within
    assert region.contains(lon, np.full(5, 45.0)).tolist() == [False, True, False, True, False]  # its corners reach on


@pytest.mark.parametrize(
    "crs, words",
    [
        ({"type": "link", "properties": {"href": "http://127.0.0.1/crs", "type": "proj4"}}, "which is not known"),
        ({"type": "name", "properties": {"name": "EPSG:999999"}}, "which is not known"),
        ({"type": "name", "properties": {"name": "+init=/etc/passwd"}}, "which is not known"),
        ({"type": "name", "properties": {"name": "x" * 10_000}}, "which is not known"),
        ({"type": "name"}, "which is not known"),
        ({}, "which is not known"),
        ([4326], "which is not known"),
        (4326, "which is not known"),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::43260"}}, "which is not known"),
        ({"type": "name", "properties": {"name": "EPSG:32643", "note": "grid 4326"}}, "look like degrees"),
        ({"type": "name", "properties": {"name": "my 4326 grid"}}, "which is not known"),
        ({"type": "name", "properties": {"name": "CRS84-like"}}, "which is not known"),
    ],
)
def test_a_crs_that_is_not_known_is_refused_and_never_taken_for_degrees(tmp_path: Path, crs: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, polygon(ring(100, -10, 110, 0)) | {"crs": crs})


@pytest.mark.parametrize(
    "rings, is_read",
    [
        ([ring(177, -20, -178, -15)], False),
        ([ring(-178, -20, 177, -15)], False),
        ([[[177, -20], [177, -15], [-178, -15], [-178, -20], [177, -20]]], False),
        ([ring(120, -50, -70, 50)], False),
        ([ring(-20, 30, 180, 70)], False),
        ([ring(0, -10, 180, 10)], True),
        ([ring(-180, -10, 180, 10)], True),
        ([ring(0, -10, 360, 10)], True),
        ([ring(177, -20, 182, -15)], True),
        ([ring(-183, -20, -178, -15)], True),
        ([[[-180, -90], [-180, -70], [0, -65], [180, -70], [180, -90], [-180, -90]]], True),
        ([[[-20, 30], [80, 30], [180, 30], [180, 70], [80, 70], [-20, 70], [-20, 30]]], True),
        ([ring(10, -10, 20, 10), ring(179, 0, -179, 1)], False),
    ],
)
def test_an_edge_that_may_go_either_way_around_is_refused(tmp_path: Path, rings: Any, is_read: bool) -> None:
    if is_read:
        read(tmp_path, polygon(*rings))
        return
    with pytest.raises(InputError, match="or the long way around"):
        read(tmp_path, polygon(*rings))


@pytest.mark.parametrize(
    "content, words",
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"type": "Polygon", "coordinates": [[[' + "1" * 5000 + ", 1], [2, 2], [3, 1]]]}", "digits"),
        ('{"type": "Polygon", "coordinates": [[[1e999, 1], [2, 2], [3, 1]]]}', "not finite"),
        ({"type": "Polygon", "coordinates": [[{"0": 1}, [2, 2], [3, 1]]]}, "not rings of"),
        ({"type": "Polygon", "coordinates": {"a": 1}}, "not rings of"),
        ({"type": "Polygon", "coordinates": "abc"}, "not rings of"),
        ({"type": ["Polygon"], "coordinates": [[[1, 1], [2, 2], [3, 1]]]}, "found"),
        ({"type": "MultiPolygon", "coordinates": [None]}, "not rings of"),
        ({"type": "FeatureCollection", "features": [5]}, "found int"),
        ({"type": "Topology", "objects": {}}, "found Topology"),
        ("<kml></kml>", "is not JSON"),
        ("<!doctype html><html></html>", "this is a web page"),
        ("\x00" * 40, "is not JSON"),
    ],
)
def test_files_of_damage_are_one_sentence(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, content)


@pytest.mark.parametrize("far", [1e300, 9223372036854775808, 1e11, -1e18])
def test_positions_far_from_earth_are_refused_at_once(tmp_path: Path, far: float) -> None:
    shape = polygon([[0.0, 0.0], [1e6, 0.0], [far, 1e6], [0.0, 1e6], [0.0, 0.0]])
    for code in (3857, 32632, 6933, 3995, 4269):
        with pytest.raises(InputError, match=r"not on Earth in its CRS|latitude|more than once|long way around"):
            read(tmp_path, shape | {"crs": {"type": "name", "properties": {"name": f"EPSG:{code}"}}})


def test_collections_within_collections_end_somewhere(tmp_path: Path) -> None:
    geometry: dict[str, Any] = polygon(ring(0, 0, 1, 1))
    for _ in range(15):
        geometry = {"type": "GeometryCollection", "geometries": [geometry]}
    assert str(read(tmp_path, geometry).box) == "0,0,1,1"
    for _ in range(15):
        geometry = {"type": "GeometryCollection", "geometries": [geometry]}
    with pytest.raises(InputError, match="more than 20 deep"):
        read(tmp_path, geometry)


def test_a_ring_that_goes_up_and_down_without_end_is_refused(tmp_path: Path) -> None:
    zigzag = [[i * 1e-3, 80 * (-1) ** i] for i in range(20_000)]
    with pytest.raises(InputError, match="up and down by 3,200,000"):
        read(tmp_path, polygon([*zigzag, zigzag[0]]))
    few = [[i * 1e-2, 80 * (-1) ** i] for i in range(3_000)]
    region = read(tmp_path, polygon([*few, few[0]]))
    assert region.mask(Grid(Box(-180, -90, 180, 90), 0.5)).any()


POSITION = st.one_of(
    st.tuples(st.floats(-400, 400), st.floats(-100, 100)),
    st.lists(
        st.none() | st.booleans() | st.text(max_size=2) | st.floats() | st.integers(-(10**30), 10**30), max_size=3
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rings=st.lists(st.lists(POSITION, max_size=6), max_size=3), kind=st.sampled_from(["Polygon", "MultiPolygon", "x"])
)
def test_any_positions_are_a_region_or_an_error_of_ours(tmp_path: Path, rings: Any, kind: str) -> None:
    path = tmp_path / "any.geojson"
    path.write_text(json.dumps({"type": kind, "coordinates": rings}))
    try:
        region = read_polygons(path)
    except BirdsatError:
        return
    assert region.contains(np.array([0.0, np.nan]), np.array([0.0, 0.0])).shape == (2,)
    for grid in GRIDS:
        with suppress(InputError):
            region.mask(grid)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(west=st.floats(-180, 180), width=st.floats(1, 170), south=st.floats(-90, 80), height=st.floats(1, 10),
       turn=st.sampled_from([0, 360, -360]), backwards=st.booleans(), extra=st.booleans())  # fmt: skip
def test_turn_direction_and_heights_never_change_what_is_inside(
    tmp_path: Path, west: float, width: float, south: float, height: float, turn: int, backwards: bool, extra: bool
) -> None:
    positions = ring(west, south, west + width, south + height)
    grid = Grid(Box(-180, -90, 180, 90), 5.0)
    expected = read(tmp_path, polygon(positions)).contains(*_centres(grid))
    moved = [[lon + turn, lat, *([7.0] if extra else [])] for lon, lat in positions[:: -1 if backwards else 1]]
    if max(abs(position[0]) for position in moved) <= 540:
        np.testing.assert_array_equal(read(tmp_path, polygon(moved)).contains(*_centres(grid)), expected)


def _centres(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lon, lat = np.meshgrid(grid.lon + 0.123, np.clip(grid.lat + 0.321, -89, 89))
    return lon.ravel(), lat.ravel()
