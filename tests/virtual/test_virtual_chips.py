"""Chips of the virtual planet look the same from near and far, anywhere."""

import pickle

import numpy as np
import pytest
import simplejpeg

from birdsat.earth.place import Place
from birdsat.errors import ConfigError
from birdsat.virtual.chips import VirtualChips
from birdsat.virtual.window import Window
from birdsat.virtual.world import VirtualWorld

PLACES = [observation.place for observation in VirtualWorld(0).observations(12, seed=3) if observation.place]


@pytest.mark.parametrize("ground_km", [0.5, 10, 100, 3000])
def test_a_chip_has_its_size_and_some_texture(ground_km: float) -> None:
    chip = VirtualChips(0, ground_km=ground_km, px=32).chip(PLACES[0])
    assert chip.shape == (32, 32, 3)
    assert chip.dtype == np.uint8
    assert chip.std() > 0.5


def test_a_chip_is_the_same_each_time_and_after_pickling() -> None:
    chips = VirtualChips(0, ground_km=40, px=32)
    sent = pickle.loads(pickle.dumps(chips))
    assert np.array_equal(chips.chip(PLACES[1]), sent.chip(PLACES[1]))
    assert chips.encoded_chip(PLACES[1]) == sent.encoded_chip(PLACES[1])


def test_the_encoded_chip_is_a_jpeg_of_the_chip() -> None:
    chips = VirtualChips(0, ground_km=40, px=32)
    decoded = simplejpeg.decode_jpeg(chips.encoded_chip(PLACES[2]))
    assert np.abs(decoded.astype(float) - chips.chip(PLACES[2])).mean() < 6


def test_the_middle_of_a_wide_chip_has_the_mean_colour_of_a_narrow_one() -> None:
    wide, narrow = VirtualChips(0, ground_km=200, px=64), VirtualChips(0, ground_km=50, px=64)
    differences = [
        np.abs(wide.chip(place)[24:40, 24:40].mean((0, 1)) - narrow.chip(place).mean((0, 1))).mean() for place in PLACES
    ]
    assert np.median(differences) < 8
    assert np.max(differences) < 40


def test_two_seeds_show_different_ground() -> None:
    first, second = (VirtualChips(seed, ground_km=100, px=32).chip(PLACES[3]) for seed in (0, 1))
    assert np.abs(first.astype(float) - second).mean() > 5


def test_chips_cross_the_antimeridian_and_cover_the_poles() -> None:
    chips = VirtualChips(0, ground_km=300, px=32)
    west, east = chips.chip(Place(-180, 20)).astype(float), chips.chip(Place(180, 20)).astype(float)
    assert np.abs(west - east).mean() < 1
    assert chips.chip(Place(0, 90)).shape == (32, 32, 3)


def test_a_shifted_chip_shows_the_same_ground_shifted() -> None:
    chips, shift = VirtualChips(0, ground_km=64, px=64), 16
    place = PLACES[4]
    moved = Place(place.lon, place.lat - np.degrees(shift / 6371.0088))
    here, south = chips.chip(place).astype(float), chips.chip(moved).astype(float)
    assert np.abs(here[shift:] - south[:-shift]).mean() < 0.35 * np.abs(here - south).mean() + 4


def test_interpolated_octaves_are_close_to_the_exact_ones() -> None:
    chips = VirtualChips(0, ground_km=100, px=64)
    window = Window(PLACES[0], 100, 64)
    shown = chips._noise.wavelengths_km > 2.5 * window.pixel_km
    error = window.octaves(chips._noise)[shown] - chips._noise.octaves(window.points)[shown]
    assert np.abs(error).max() < 0.1


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="ground_km"):
        VirtualChips(0, ground_km=0, px=64)
    with pytest.raises(ConfigError, match="px"):
        VirtualChips(0, ground_km=10, px=4)
