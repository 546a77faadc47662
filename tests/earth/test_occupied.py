"""Extent of occurrence and area of occupancy against closed forms, anywhere on the globe."""

import math

import numpy as np
import pytest

from birdsat.earth.occupied import convex_hull_km2, occupied_squares
from birdsat.earth.place import EARTH_RADIUS_KM, Place, lon_lat_around

TURN = np.linspace(0, 2 * math.pi, 361)[:-1]


@pytest.mark.parametrize("place", [Place(10, 0), Place(180, -50), Place(0, 90), Place(-179, -89)], ids=str)
@pytest.mark.parametrize("km", [50, 1500, 6000])
def test_the_hull_of_a_circle_is_a_cap_of_the_sphere_wherever_it_lies(place: Place, km: float) -> None:
    circle = np.stack(lon_lat_around(place, km * np.cos(TURN), km * np.sin(TURN)), axis=1)
    inner = np.stack(lon_lat_around(place, km / 3 * np.cos(TURN), km / 2 * np.sin(TURN)), axis=1)
    cap = 2 * math.pi * EARTH_RADIUS_KM**2 * (1 - math.cos(km / EARTH_RADIUS_KM))
    assert convex_hull_km2(np.concatenate([circle, inner, circle])) == pytest.approx(cap, rel=1e-3)


@pytest.mark.parametrize("places", [[], [[0, 0]], [[0, 0], [5, 5]], [[179.9, 3]] * 5, [[180, 3], [-180, 3], [0, 0]]])
def test_fewer_than_three_places_have_no_area(places: list[list[float]]) -> None:
    assert convex_hull_km2(np.array(places, dtype=float).reshape(-1, 2)) == pytest.approx(0, abs=1e-6)


def test_places_all_around_the_globe_have_a_finite_hull() -> None:
    lon, lat = np.meshgrid(np.arange(-180, 180, 30.0), np.arange(-90, 91, 30.0))
    area = convex_hull_km2(np.stack([lon.ravel(), lat.ravel()], axis=1))
    assert 0 < area <= 4 * math.pi * EARTH_RADIUS_KM**2 * 1.001


@pytest.mark.parametrize("place", [Place(10.3, 0.4), Place(20, 71), Place(100, -45)], ids=str)
def test_a_field_of_places_fills_squares_of_four_square_kilometres(place: Place) -> None:
    east, north = (one.ravel() for one in np.meshgrid(np.arange(0, 40, 0.5), np.arange(0, 40, 0.5)))
    lon_lat = np.stack(lon_lat_around(place, east, north), axis=1)
    assert len(occupied_squares(lon_lat)) * 4 == pytest.approx(40 * 40, rel=0.16)  # more, by those at the rim
    assert len(occupied_squares(np.repeat(lon_lat[:1], 50, axis=0))) == 1


def test_the_antimeridian_is_one_place_and_squares_of_two_places_differ() -> None:
    assert len(occupied_squares(np.array([[180.0, 10.0], [-180.0, 10.0]]))) == 1
    far = np.random.default_rng(0).uniform([-180, -90], [180, 90], (500, 2))
    assert len(occupied_squares(far)) == 500
