"""The virtual planet is one continuous sphere, the same for the same seed."""

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import unit_sphere
from birdsat.virtual.noise import Noise, even_sphere
from birdsat.virtual.planet import LAND_SHARE, Land, Planet

FIELDS = ("height", "elevation_km", "mean_temperature", "seasonal_swing", "rainfall_mm")


def land_at(planet: Planet, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Land:
    lon, lat = np.broadcast_arrays(lon, lat)
    return planet.survey(unit_sphere(lon, lat).reshape(-1, 3))


def test_no_field_jumps_at_the_antimeridian() -> None:
    planet, lat = Planet(3), np.linspace(-89, 89, 200)
    west, east = land_at(planet, np.array(-180.0), lat), land_at(planet, np.array(180.0), lat)
    beside = land_at(planet, np.array(179.999), lat)
    for field in FIELDS:
        spread = np.ptp(getattr(west, field))
        assert np.allclose(getattr(west, field), getattr(east, field), atol=1e-4 * spread)
        assert np.allclose(getattr(west, field), getattr(beside, field), atol=0.02 * spread)


def test_every_longitude_agrees_at_the_poles() -> None:
    planet, lon = Planet(3), np.linspace(-180, 180, 25)
    for pole in (-90.0, 90.0):
        land = land_at(planet, lon, np.array(pole))
        for field in FIELDS:
            values = getattr(land, field)
            assert np.allclose(values, values[0], rtol=1e-3, atol=1e-3)


def test_neighbouring_points_have_nearly_the_same_temperature() -> None:
    lon = np.linspace(-40, 0, 20_000)
    temperature = land_at(Planet(0), lon, np.array(31.0)).mean_temperature
    assert np.abs(np.diff(temperature)).max() < 0.05 * np.ptp(temperature)


def test_the_same_seed_gives_the_same_planet_and_another_seed_another() -> None:
    points = even_sphere(500)
    first, again, other = (Planet(seed).survey(points) for seed in (5, 5, 6))
    assert np.array_equal(first.elevation_km, again.elevation_km)
    assert (first.is_land != other.is_land).mean() > 0.2


def test_about_a_third_is_land_on_several_continents() -> None:
    for seed in range(3):
        land = Planet(seed).survey(even_sphere(6000))
        assert abs(land.is_land.mean() - LAND_SHARE) < 0.05
        shares = np.bincount(land.continent[land.is_land], minlength=6) / land.is_land.sum()
        assert (shares > 0.05).sum() >= 4


def test_a_step_ashore_never_leads_to_another_continent() -> None:
    planet, here = Planet(1), even_sphere(20_000)
    step = here + np.random.default_rng(0).normal(0, 0.004, here.shape)
    start, end = planet.survey(here), planet.survey(step / np.linalg.norm(step, axis=1, keepdims=True))
    dry = start.is_land & end.is_land
    assert dry.sum() > 3000
    assert np.array_equal(start.continent[dry], end.continent[dry])


def test_it_is_warm_at_the_equator_and_july_is_summer_in_the_north_only() -> None:
    planet, lon = Planet(0), np.linspace(-180, 180, 400)
    tropics, north, south = (land_at(planet, lon, np.array(lat)) for lat in (0.0, 55.0, -55.0))
    assert tropics.mean_temperature.mean() > north.mean_temperature.mean() + 15
    assert (north.temperature(7) > north.temperature(1) + 8).all()
    assert (south.temperature(7) < south.temperature(1) - 8).all()


def test_the_equator_is_wetter_than_the_horse_latitudes() -> None:
    planet, lon = Planet(0), np.linspace(-180, 180, 400)
    equator, dry_belt = (land_at(planet, lon, np.array(lat)).rainfall_mm.mean() for lat in (0.0, 27.0))
    assert equator > 2 * dry_belt


def test_a_group_of_noise_depends_on_its_name_alone() -> None:
    points = even_sphere(50)
    alone = Noise(4, {"coast": (900.0, 300.0)})
    among = Noise(4, {"heat": (500.0,), "coast": (900.0, 300.0)})
    assert np.array_equal(alone.octaves(points), among.group(among.octaves(points), "coast"))


def test_noise_is_centred_and_bounded() -> None:
    values = Noise(0, {"any": (400.0,)}).octaves(even_sphere(20_000))
    assert abs(values.mean()) < 0.03
    assert 0.25 < values.std() < 0.55
    assert np.abs(values).max() < 1.7
