"""Places at random: even over the sphere, on land if asked, with imagery, and the same for a seed."""

import numpy as np
import pytest
from small_birds import LevelChips

from birdsat.dataset.random_places import NoPhotos, random_places
from birdsat.earth.box import Box
from birdsat.earth.land import on_land
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, InputError, PlaceError
from birdsat.observations.curation import Remark
from birdsat.observations.observation import NO_BIRD

WORLD = Box(-180, -90, 180, 90)


class Everywhere(LevelChips):
    def encoded_chip(self, place: Place) -> bytes:
        return b""


class Nowhere(LevelChips):
    def encoded_chip(self, place: Place) -> bytes:
        raise PlaceError("no imagery")


def lon_lat(rows):
    return np.array([[row.place.lon, row.place.lat] for row in rows if not isinstance(row, Remark)])


def test_places_are_even_over_the_area_of_the_sphere_and_have_no_bird():
    rows = list(random_places(6000, WORLD, chips=Everywhere()))
    lon, lat = lon_lat(rows).T
    assert abs(np.mean(np.abs(lat) < 30) - 0.5) < 0.03  # half of the sphere lies within 30 degrees of the equator
    assert abs(np.mean(lon < -90) - 0.25) < 0.03
    assert {(row.taxon, row.photo, row.date) for row in rows} == {(NO_BIRD, None, None)}
    assert len({row.id for row in rows}) == 6000


def test_a_box_over_the_antimeridian_is_kept_to():
    lon, lat = lon_lat(random_places(200, Box(175, -20, -170, -10), chips=Everywhere())).T
    assert ((lon >= 175) | (lon <= -170)).all() and (lon > 0).any() and (lon < 0).any()
    assert ((lat >= -20) & (lat <= -10)).all()


def test_land_is_kept_to_if_asked():
    places = lon_lat(random_places(300, WORLD, chips=Everywhere(), land=on_land))
    assert len(places) == 300 and on_land(*places.T).all()
    assert not on_land(*lon_lat(random_places(300, WORLD, chips=Everywhere())).T).all()


def test_a_place_without_imagery_is_counted_and_another_drawn():
    rows = list(random_places(100, WORLD, chips=LevelChips()))  # none south of the equator
    assert len(lon_lat(rows)) == 100 and (lon_lat(rows)[:, 1] >= 0).all()
    remarks = [row for row in rows if isinstance(row, Remark)]
    assert 60 < len(remarks) < 140
    assert {(remark.reason, remark.kept) for remark in remarks} == {("no imagery; another place was drawn", False)}


def test_the_seed_draws_the_places_and_a_smaller_count_has_the_first_of_them():
    def drawn(count, seed):
        return [row.place for row in random_places(count, WORLD, chips=Everywhere(), seed=seed)]

    assert drawn(50, 1) == drawn(5000, 1)[:50]
    assert drawn(50, 1) != drawn(50, 2)


def test_too_little_land_or_imagery_is_told():
    with pytest.raises(InputError, match="too little of the box 10,-60,20,-50: 31 of 31 places had none"):
        list(random_places(3, Box(10, -60, 20, -50), chips=Nowhere()))
    with pytest.raises(InputError, match=r"too little land.*0 were on it.*take the sea as well"):
        list(random_places(1, Box(-140, -50, -130, -40), chips=Everywhere(), land=on_land))
    with pytest.raises(ConfigError, match="0 places"):
        list(random_places(0, WORLD, chips=Everywhere()))


def test_there_are_no_photos():
    with pytest.raises(FileNotFoundError):
        NoPhotos().photo(next(iter(random_places(1, WORLD, chips=Everywhere()))))
