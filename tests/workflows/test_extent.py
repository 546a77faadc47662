"""Which part of the world a map is of."""

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.workflows.extent import LEAST_MARGIN_DEGREES, extent_of, stray_note


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


def test_a_record_on_another_continent_is_told_with_how_much_larger_it_makes_the_map() -> None:
    range_of = np.random.default_rng(0).uniform((-100, 30), (-70, 45), (100, 2))
    note = stray_note(np.vstack([range_of, [7.36, 48.74]]))
    assert note.startswith("1 of 101 records lies far from the others (one at 7.36, 48.74) and makes the map ")


def test_records_over_the_antimeridian_have_their_strays_told_as_well() -> None:
    range_of = np.random.default_rng(0).uniform((170, -20), (190, -10), (100, 2))
    range_of[:, 0] = (range_of[:, 0] + 180) % 360 - 180
    assert "one at 100.00, 10.00" in stray_note(np.vstack([range_of, [100.0, 10.0]]))
    assert stray_note(range_of) == ""


def test_few_records_records_that_are_spread_and_a_second_colony_have_no_strays() -> None:
    generator = np.random.default_rng(0)
    assert stray_note(np.array([[0.0, 0.0]] * 5 + [[120.0, 40.0]])) == ""
    assert stray_note(generator.uniform((-100, -40), (100, 60), (300, 2))) == ""
    colonies = np.vstack([generator.uniform((0, 0), (10, 10), (99, 2)), generator.uniform((90, 20), (99, 30), (99, 2))])
    assert stray_note(colonies) == ""
