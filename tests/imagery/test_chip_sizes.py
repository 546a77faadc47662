"""Chips of several ground sizes: every size of a place, and the one that it has in a dataset."""

import pickle
from collections import Counter

import numpy as np
import pytest

from birdsat.earth.place import Place
from birdsat.errors import ConfigError, PlaceError
from birdsat.imagery.chip_sizes import ChipSizes
from birdsat.imagery.ground_sizes import check_sizes, ground_sizes, size_words, sizes_text


class Level:
    """Chips as bright as their side in kilometres; those above 50 km reach beyond the imagery north of 80."""

    px = 8

    def __init__(self, km: float) -> None:
        self.km = km

    def chip(self, place: Place) -> np.ndarray:
        if place.lat > 80 and self.km > 50:
            raise PlaceError("no imagery")
        return np.full((8, 8, 3), int(self.km), dtype=np.uint8)

    def encoded_chip(self, place: Place) -> bytes:
        return self.chip(place).tobytes()


CHIPS = ChipSizes((100, 10, 40), Level)


def test_every_size_is_given_from_small_to_large() -> None:
    assert (CHIPS.ground_km, CHIPS.px) == ((10, 40, 100), 8)
    assert [chip[0, 0, 0] for chip in CHIPS.chips(Place(3, 4))] == [10, 40, 100]


def test_a_place_has_one_size_in_a_dataset_and_all_sizes_are_about_as_frequent() -> None:
    places = [Place(lon / 7, lat / 3) for lon in range(60) for lat in range(50)]
    drawn = [CHIPS.drawn(place) for place in places]
    again = [pickle.loads(pickle.dumps(CHIPS)).drawn(place) for place in reversed(places)]
    assert drawn == again[::-1]
    assert all(900 < rows < 1100 for rows in Counter(drawn).values())
    assert [CHIPS.encoded_chip(place)[0] for place in places] == [(10, 40, 100)[size] for size in drawn]


def test_the_draw_is_the_same_on_every_machine_and_does_not_see_a_tenth_of_a_metre() -> None:
    places = [Place(0, 0), Place(115.875, -32.125), Place(-70.5, 12.25), Place(179.999, 65)]
    assert [CHIPS.drawn(place) for place in places] == [2, 1, 0, 2]
    near = [Place(place.lon + 1e-8, place.lat - 1e-8) for place in places]
    assert [CHIPS.drawn(place) for place in near] == [2, 1, 0, 2]
    assert CHIPS.drawn(Place(-0.0, 0.0)) == CHIPS.drawn(Place(0.0, -0.0))


def test_a_place_without_imagery_of_some_size_has_no_chips_of_all_sizes() -> None:
    with pytest.raises(PlaceError, match="no imagery"):
        CHIPS.chips(Place(0, 85))


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ((5.0,), "two or more, or a source of one"),
        ((5.0, 0.0), "5 and 0 km are not possible"),
        ((5.0, float("nan")), "not possible"),
        ((5.0, 20.0, 5.0), "5, 20 and 5 km were asked for, one of them twice"),
    ],
)
def test_impossible_sizes_are_refused(sizes: tuple[float, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ChipSizes(sizes, Level)


def test_sizes_are_read_in_the_forms_of_earlier_versions_and_told_in_words() -> None:
    assert [ground_sizes(value) for value in (None, 5, 2.5, (1.0, 2.0), "5")] == [(), (5.0,), (2.5,), (1.0, 2.0), "5"]
    assert ground_sizes(True) is True  # to be refused
    assert check_sizes([]) == () and check_sizes([3, 1]) == (1.0, 3.0)
    assert [sizes_text(sizes) for sizes in ((2.56,), (1, 2), (1, 2, 3))] == ["2.56 km", "1 and 2 km", "1, 2 and 3 km"]
    assert size_words((100.0, 400.0)) == "100 400"
