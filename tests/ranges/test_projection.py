"""What a range network sees: shares of the variance, which directions are kept, and what is refused."""

import numpy as np
import pytest
from made_points import PLACES, WIDTH, chips, habitat

from birdsat.errors import InputError
from birdsat.ranges.projection import InputProjection

CHIP = chips(habitat())


@pytest.mark.parametrize("most", [1, 4, 100])
def test_variances_add_up_to_the_number_of_inputs_and_fall_from_the_first(most: int) -> None:
    inputs = InputProjection.fit(CHIP, PLACES, most)(CHIP, PLACES).numpy()
    assert inputs.shape == (len(PLACES), min(most, WIDTH + 3))
    variance = inputs.astype(np.float64).var(axis=0)
    assert variance.sum() == pytest.approx(inputs.shape[1], rel=1e-3)
    assert (np.diff(variance) < 0).all()
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("share", [0.1, 0.4, 1.0])
def test_the_place_brings_its_share_of_the_variance_whatever_the_size_of_the_chip_s_numbers(share: float) -> None:
    scale = InputProjection.fit(CHIP * 1000, PLACES, 100, place_share=share)
    same_chip = np.broadcast_to(CHIP[:1] * 1000, CHIP.shape)
    of_place = scale(same_chip, PLACES).double().var(dim=0, correction=0).sum()
    of_all = scale(CHIP * 1000, PLACES).double().var(dim=0, correction=0).sum()
    assert float(of_place / of_all) == pytest.approx(share, rel=0.02)


def test_without_chip_features_the_place_is_all_there_is() -> None:
    none = np.empty((len(PLACES), 0), np.float32)
    inputs = InputProjection.fit(none, PLACES, 48)(none, PLACES)
    assert inputs.shape == (len(PLACES), 3)
    assert len(np.unique(inputs.numpy().round(4), axis=0)) == len(PLACES)


def test_places_that_are_all_the_same_give_inputs_of_zero() -> None:
    same, there = np.repeat(CHIP[:1], 5, axis=0), np.repeat(PLACES[:1], 5, axis=0)
    inputs = InputProjection.fit(same, there, 48)(same, there)
    assert inputs.shape == (5, 1) and float(inputs.abs().max()) < 1e-6


def test_chip_features_of_another_width_are_refused() -> None:
    scale = InputProjection.fit(CHIP, PLACES, 4)
    with pytest.raises(InputError, match=r"are 5 wide, the model learned from 6.*the region and the run"):
        scale(CHIP[:, 1:], PLACES)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    chip = CHIP.copy()
    chip[3, 2] = bad
    with pytest.raises(InputError, match="not finite"):
        InputProjection.fit(chip, PLACES, 4)
