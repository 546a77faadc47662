import numpy as np
import pytest

from birdsat.earth.place import EARTH_RADIUS_KM, Place, distance_km, lon_lat_around
from birdsat.errors import PlaceError


@pytest.mark.parametrize("lon, lat", [(0, 91), (181, 0), (float("nan"), 0), (0, float("inf"))])
def test_a_place_that_is_not_on_earth_is_refused(lon: float, lat: float) -> None:
    with pytest.raises(PlaceError):
        Place(lon, lat)


def test_distances_match_known_arcs() -> None:
    quarter = EARTH_RADIUS_KM * np.pi / 2
    lon1, lat1 = np.array([0.0, 0.0, 179.0]), np.array([0.0, 90.0, 0.0])
    lon2, lat2 = np.array([90.0, 123.0, -179.0]), np.array([0.0, 0.0, 0.0])
    np.testing.assert_allclose(distance_km(lon1, lat1, lon2, lat2), [quarter, quarter, quarter / 45])


@pytest.mark.parametrize("lon, lat", [(12.5, 41.9), (180, -17), (-179.9, 65), (40, 89.99), (0, 90), (77, -90)])
def test_offsets_keep_their_distance_and_bearing_everywhere(lon: float, lat: float) -> None:
    rng = np.random.default_rng(0)
    east, north = rng.uniform(-500, 500, (2, 7, 5))
    east[0, 0] = north[0, 0] = 0
    found_lon, found_lat = lon_lat_around(Place(lon, lat), east, north)
    assert found_lon.shape == found_lat.shape == (7, 5)
    distance = distance_km(np.float64(lon), np.float64(lat), found_lon, found_lat)
    np.testing.assert_allclose(distance, np.hypot(east, north), atol=1e-6)
    lam, phi1, phi2 = np.radians(found_lon - lon), np.radians(lat), np.radians(found_lat)
    bearing = np.arctan2(
        np.sin(lam) * np.cos(phi2), np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(lam)
    )
    turn = np.exp(1j * (bearing - np.arctan2(east, north))).ravel()[1:]
    np.testing.assert_allclose(turn, 1, atol=1e-6)
