"""Where there is land, and what lies near it."""

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.earth.grid import EqualAreaGrid, Grid
from birdsat.earth.land import coastline, near_land, on_land
from birdsat.earth.place import distance_km
from birdsat.earth.rings import Rings
from birdsat.errors import ConfigError, PlaceError

LAND = {
    "Paris": (2.35, 48.86),
    "Alice Springs": (133.88, -23.7),
    "Viti Levu, Fiji": (178.0, -17.8),
    "Taveuni, Fiji, east of the antimeridian": (-179.96, -16.85),
    "Wrangel Island, west of 180": (179.5, 71.2),
    "Wrangel Island, east of 180": (-179.5, 71.2),
    "Chukotka": (-178.0, 67.5),
    "the South Pole": (0.0, -90.0),
    "Antarctica at 180": (180.0, -86.0),
    "Greenland": (-40.0, 75.0),
    "Reykjavik's hills": (-21.5, 64.1),
    "Lake Victoria, as lakes are land": (33.0, -1.0),
}
SEA = {
    "mid-Pacific": (-140.0, 0.0),
    "the North Pole": (0.0, 90.0),
    "the Caspian Sea": (50.5, 42.0),
    "the Mediterranean": (5.0, 40.0),
    "the Koro Sea, Fiji": (179.5, -18.0),
    "the Ross Sea at 180": (180.0, -75.0),
    "off Gabon, at 0, 0": (0.0, 0.0),
    "the English Channel": (-1.0, 50.2),
}


@pytest.mark.parametrize("lon, lat", LAND.values(), ids=LAND.keys())
def test_places_on_land(lon: float, lat: float) -> None:
    assert on_land(lon, lat) and near_land(lon, lat, 0)
    assert on_land(lon + 360, lat) and on_land(lon - 360, lat)


@pytest.mark.parametrize("lon, lat", SEA.values(), ids=SEA.keys())
def test_places_at_sea(lon: float, lat: float) -> None:
    assert not on_land(lon, lat) and not near_land(lon, lat, 5)


def test_arrays_keep_their_shape_and_a_missing_place_is_not_on_land() -> None:
    lon, lat = np.array([2.35, -140.0, np.nan, 133.88]), np.array([48.86, 0.0, 10.0, -23.7])
    assert on_land(lon, lat).tolist() == [True, False, False, True]
    assert near_land(lon, lat, 20).tolist() == [True, False, False, True]
    assert on_land(lon[:, None], lat[None, :3]).shape == near_land(lon[:, None], lat[None, :3], 1).shape == (4, 3)
    assert on_land(np.empty(0), np.empty(0)).shape == near_land(np.empty(0), np.empty(0), 1).shape == (0,)


def test_land_is_29_percent_of_the_earth() -> None:
    grid = EqualAreaGrid(Box(-180, -90, 180, 90), 30)
    assert on_land(grid.lon[None], grid.lat[:, None]).mean() == pytest.approx(0.29, abs=0.005)


def test_the_quick_answer_is_that_of_every_edge_of_the_coast() -> None:
    random = np.random.default_rng(0)
    near_coasts = np.concatenate([ring[::7] for ring in coastline()])
    places = near_coasts + random.normal(0, 0.08, near_coasts.shape)
    lon, lat = places[:, 0], np.clip(places[:, 1], -90, 90)
    slow = Rings(coastline()).contains(lon, lat)
    assert 0.2 < slow.mean() < 0.8
    np.testing.assert_array_equal(on_land(lon, lat), slow)


def test_the_distance_from_land_is_the_distance_to_the_nearest_coast() -> None:
    random = np.random.default_rng(1)
    lon, lat = random.uniform(-180, 180, 60), random.uniform(-80, 85, 60)
    at_sea = ~on_land(lon, lat)
    vertices = np.concatenate(coastline())
    nearest = distance_km(lon[:, None], lat[:, None], vertices[:, 0], vertices[:, 1]).min(axis=1)
    for km in (50.0, 400.0, 900.0):
        near = near_land(lon, lat, km)
        assert near[~at_sea].all()
        assert near[nearest <= km - 2].all()
        # A vertex is never nearer than the coast, which runs at most half an edge from one.
        assert not near[at_sea & (nearest > km + 60)].any()


def test_the_coast_at_the_antimeridian_is_near_from_both_sides() -> None:
    beside_taveuni = np.array([179.3, -179.3]), np.array([-17.05, -17.05])
    assert near_land(*beside_taveuni, 100.0).all()


def test_a_latitude_beyond_the_pole_is_refused_with_a_hint() -> None:
    with pytest.raises(PlaceError, match="swapped"):
        on_land(np.array([10.0, -33.9]), np.array([20.0, 151.2]))


@pytest.mark.parametrize("km", [-1, 1001, float("nan")])
def test_an_impossible_distance_is_refused(km: float) -> None:
    with pytest.raises(ConfigError, match="allowed: 0 to 1,000"):
        near_land(0.0, 0.0, km)


def test_cells_of_a_grid_over_the_antimeridian_are_those_of_their_centres() -> None:
    grid = Grid(Box(170, -25, -170, -10), 0.25)
    cells = Rings(coastline()).cells(grid.lon, grid.lat)
    assert 0 < cells.mean() < 0.1
    np.testing.assert_array_equal(cells, on_land(grid.lon[None], grid.lat[:, None]))
