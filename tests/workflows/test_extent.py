"""Which part of the world a map is of."""

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.workflows.extent import LEAST_MARGIN_DEGREES, extent_of


def box_of(*places: tuple[float, float]) -> Box:
    return extent_of(np.array(places, dtype=np.float64))


def test_one_place_has_the_least_margin_on_every_side() -> None:
    box = box_of((10.0, 0.0))
    assert (box.west, box.south, box.east, box.north) == (5.0, -LEAST_MARGIN_DEGREES, 15.0, LEAST_MARGIN_DEGREES)


def test_far_north_a_margin_of_as_many_kilometres_is_of_more_degrees() -> None:
    box = box_of((10.0, 60.0))
    assert box.west == pytest.approx(0.0) and box.east == pytest.approx(20.0) and box.north == 65.0


def test_the_margin_grows_with_what_is_spanned() -> None:
    box = box_of((-100.0, 0.0), (-40.0, 0.0))
    assert (box.west, box.east) == (-109.0, -31.0) and (box.south, box.north) == (-9.0, 9.0)


def test_places_on_both_sides_of_the_antimeridian_make_a_box_over_it() -> None:
    box = box_of((178.0, -18.0), (-179.0, -17.0), (177.0, -17.5))
    assert box.west > box.east and box.width_degrees < 20
    assert box.contains(np.array([178.0, -179.0]), np.array([-18.0, -17.0])).all()


def test_places_all_around_take_the_whole_world_of_longitudes() -> None:
    box = box_of(*((float(lon), 50.0) for lon in range(-170, 190, 30)))
    assert (box.west, box.east) == (-180.0, 180.0)


@pytest.mark.parametrize("lat", [89.9, -89.9])
def test_no_box_goes_beyond_a_pole(lat: float) -> None:
    box = box_of((0.0, lat), (90.0, lat))
    assert -90 <= box.south < box.north <= 90 and (box.west, box.east) == (-180.0, 180.0)


@pytest.mark.parametrize("seed", range(20))
def test_every_place_lies_in_its_box_by_a_margin(seed: int) -> None:
    generator = np.random.default_rng(seed)
    centre, spread = generator.uniform(-180, 180), generator.uniform(0.1, 120)
    lon = (centre + generator.uniform(-spread, spread, 30) + 180) % 360 - 180
    lat = generator.uniform(-60, 60) + generator.uniform(-20, 20, 30)
    box = extent_of(np.column_stack([lon, lat]))
    for east, north in ((0, 0), (4.9, 0), (-4.9, 0), (0, 4.9), (0, -4.9)):
        assert box.contains((lon + east + 180) % 360 - 180, lat + north).all()
