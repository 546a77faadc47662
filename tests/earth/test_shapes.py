"""Polygons that are mended, and brought from other CRSs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from birdsat.earth.crs import WGS84, named_crs, transformed
from birdsat.earth.polygon import Polygons
from birdsat.earth.shapes import Shape, polygons_of
from birdsat.errors import InputError


def ring(west: float, south: float, east: float, north: float) -> NDArray[np.float64]:
    return np.array([[west, south], [east, south], [east, north], [west, north], [west, south]], dtype=np.float64)


def region(*rings: NDArray[np.float64], code: str | None = None) -> Polygons:
    return polygons_of([Shape(rings=rings, crs=WGS84 if code is None else named_crs(code))], "a.geojson")


def inside(area: Polygons, *places: tuple[float, float]) -> list[bool]:
    lon, lat = np.array(places, dtype=np.float64).T
    return area.contains(lon, lat).tolist()


def test_a_hole_in_another_turn_is_a_hole_of_its_polygon() -> None:
    for hole in (ring(-178, -5, -175, 5), ring(182, -5, 185, 5), ring(-538, -5, -535, 5)):
        area = region(ring(170, -10, 190, 10), hole)
        assert inside(area, (-176, 0), (-179, 0), (171, 0), (183, 0)) == [False, True, True, False]


def test_a_hole_over_the_antimeridian_of_a_belt_is_a_hole_on_both_sides() -> None:
    with pytest.warns(match="cross themselves"):
        area = region(ring(-180, -10, 180, 10), ring(170, -5, 190, 5))
    assert inside(area, (175, 0), (-175, 0), (0, 0), (165, 0), (-165, 0)) == [False, False, True, True, True]


def test_what_holes_have_outside_of_their_polygon_is_not_inside() -> None:
    with pytest.warns(match="cross themselves"):
        area = region(ring(0, 0, 10, 10), ring(5, 5, 20, 20))
    assert inside(area, (2, 2), (7, 7), (15, 15)) == [True, False, False]


def test_two_holes_that_overlap_are_both_holes() -> None:
    with pytest.warns(match="cross themselves"):
        area = region(ring(0, 0, 20, 20), ring(2, 2, 10, 10), ring(6, 6, 14, 14))
    assert inside(area, (4, 4), (8, 8), (12, 12), (17, 17)) == [False, False, False, True]


def test_a_ring_that_touches_itself_or_has_a_spike_is_its_area() -> None:
    spike = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [0, 0], [0, 40], [0, 0]], dtype=np.float64)
    with pytest.warns(match="cross themselves"):
        assert inside(region(spike), (5, 5), (0.0, 30)) == [True, False]
    eight = np.array([[0, 0], [10, 0], [5, 5], [10, 10], [0, 10], [5, 5], [0, 0]], dtype=np.float64)
    with pytest.warns(match="cross themselves"):
        assert inside(region(eight), (5, 2), (5, 8), (2, 5), (8, 5)) == [True, True, False, False]


def test_knots_without_end_are_refused_in_time() -> None:
    star = np.random.default_rng(0).uniform(-80, 80, (20_000, 2))
    for some in (star[:2000], star / 1000):
        with pytest.raises(InputError, match=r"too often|up and down"):
            region(some)


def test_a_long_edge_is_cut_where_its_projection_bends_it() -> None:
    # Along y = 4,000,000 of the north polar plane, 8,000 km: the chord at its middle is nearest to the pole.
    area = region(ring(-4e6, -4e6, 4e6, 4e6), code="EPSG:3995")
    side = np.linspace(-4.2e6, 4.2e6, 141)
    places = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    crs = named_crs("EPSG:3995")
    assert crs is not None
    lon, lat = transformed(crs, WGS84, *places.T)
    expected = (np.abs(places) < 4e6).all(axis=1)
    far = (np.abs(np.abs(places) - 4e6) > 300).all(axis=1)  # metres: a piece bends by less
    np.testing.assert_array_equal(area.contains(lon, lat)[far], expected[far])


def test_a_crs_that_is_not_of_maps_is_refused() -> None:
    with pytest.raises(InputError, match="not one of maps of the Earth"):
        region(ring(1e6, 1e6, 2e6, 2e6), code="EPSG:4978")
