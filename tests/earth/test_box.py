import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.errors import ConfigError


def test_a_box_is_parsed_in_the_order_west_south_east_north() -> None:
    assert Box.parse("113, -44,154,-10") == Box(113, -44, 154, -10)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d"])
def test_text_that_is_not_four_numbers_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="W,S,E,N"):
        Box.parse(text)


@pytest.mark.parametrize(
    "edges",
    [(0, 10, 10, 0), (0, 0, 10, 91), (170, -10, 190, 10), (5, 0, 5, 10), (180, 0, -180, 10), (float("nan"), 0, 1, 1)],
)
def test_an_impossible_box_is_refused(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(ConfigError):
        Box(*edges)


def test_a_box_over_the_antimeridian_holds_places_on_both_sides_only() -> None:
    box = Box(170, -50, -170, -30)
    lon = np.array([175.0, -175, 180, -180, 170, -170, 169, -169, 0])
    assert box.width_degrees == 20
    assert box.contains(lon, np.full(9, -40.0)).tolist() == [True] * 6 + [False] * 3
    assert not box.contains(np.array([175.0]), np.array([-29.0]))[0]


def test_the_whole_world_holds_every_place_and_no_missing_one() -> None:
    world = Box(-180, -90, 180, 90)
    lon, lat = np.array([-180.0, 180, 0, np.nan]), np.array([-90.0, 90, 0, 0])
    assert world.width_degrees == 360
    assert world.contains(lon, lat).tolist() == [True, True, True, False]


def test_a_box_that_ends_at_the_antimeridian_holds_it_under_either_name() -> None:
    assert Box(170, -10, 180, 10).contains(np.array([180.0, -180.0]), np.zeros(2)).all()
    assert Box(-180, -10, -170, 10).contains(np.array([180.0, -180.0]), np.zeros(2)).all()
