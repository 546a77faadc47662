"""The seasonal basis that points tell, against the movements that they were made by."""

import numpy as np
import pytest
from numpy.typing import NDArray

from birdsat.embeddings.regions.embed_cells import year_basis
from birdsat.ranges.seasonal_basis import starting_basis

HARMONICS, INPUTS = 5, 6
DATES = np.linspace(0, 1, 96, endpoint=False)


def stay_and_go(dates: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 in summer, -1 in winter, and six weeks between them: no plain wave."""
    return np.clip(np.cos(2 * np.pi * (dates - 0.55)) / 0.6, -1, 1)


def made(waves: list[NDArray[np.float64]], each: int, seed: int = 0) -> tuple[NDArray[np.float32], ...]:
    """Inputs, labels and dates of points of taxa, each shifting along a direction of its own by its wave (96,)."""
    generator = np.random.default_rng(seed)
    inputs, dates = [], []
    for wave in waves:
        rows = generator.integers(0, len(DATES), each)
        direction = generator.normal(0, 1, INPUTS)
        inputs.append(wave[rows, None] * direction + generator.normal(0, 0.7, (each, INPUTS)))
        dates.append(DATES[rows])
    taxon = np.repeat(np.arange(len(waves)), each)
    return np.concatenate(inputs).astype(np.float32), taxon, np.concatenate(dates)


def basis(points: tuple[NDArray[np.float32], ...], components: int = 2) -> NDArray[np.float32]:
    """(rows, 96) values over the year."""
    rows = starting_basis(*points, components=components, harmonics=HARMONICS)
    assert rows.shape == (2 * components, 2 * HARMONICS) and rows.dtype == np.float32
    values: NDArray[np.float32] = rows @ year_basis(DATES, HARMONICS)[:, 1:].T
    return values


def alike(ours: NDArray[np.floating], true: NDArray[np.floating]) -> float:
    return float(np.corrcoef(ours, true)[0, 1])


def test_the_movement_that_taxa_share_and_its_square_are_the_first_terms() -> None:
    wave = stay_and_go(DATES)
    found = basis(made([wave, -wave, wave] + [np.zeros(96)] * 5, 1000))
    assert abs(alike(found[0], wave)) > 0.99 > abs(alike(np.cos(2 * np.pi * (DATES - 0.55)), wave))
    assert alike(found[1], wave**2) > 0.85
    assert np.abs(found[2:]).max() < 0.2 * np.abs(found[:2]).max()  # nothing else moves


def test_taxa_that_move_at_other_times_have_terms_as_large() -> None:
    wave = stay_and_go(DATES)
    later = np.roll(wave, 24)  # three months
    found = basis(made([wave, later] * 4, 80))
    for each in (wave, later):
        weights, *_ = np.linalg.lstsq(found[[0, 2]].T, each, rcond=None)
        assert alike(found[[0, 2]].T @ weights, each) > 0.97
    assert np.abs(found[2:]).max() > 0.5 * np.abs(found[:2]).max()


def test_what_chance_moves_is_followed_in_slow_waves_only() -> None:
    """Two taxa that stay, of 12 points each."""
    found = starting_basis(*made([np.zeros(96)] * 2, 12), components=1, harmonics=HARMONICS)
    assert np.square(found[0, :2]).sum() > 0.9


@pytest.mark.parametrize("dates", [np.full(6, np.nan), np.array([0.1, np.nan, 0.5, 0.4, np.nan, 0.9])])
def test_points_that_say_nothing_leave_plain_harmonics(dates: NDArray[np.float64]) -> None:
    """Without dates, or with two of each taxon."""
    inputs = np.random.default_rng(0).normal(0, 1, (6, INPUTS)).astype(np.float32)
    found = starting_basis(inputs, np.array([0, 0, 0, 1, 1, 1]), dates, components=2, harmonics=HARMONICS)
    np.testing.assert_array_equal(found, np.eye(4, 10))


def test_points_of_one_place_leave_plain_harmonics() -> None:
    ones = np.ones((9, INPUTS), np.float32)
    found = starting_basis(ones, np.zeros(9, np.int64), np.linspace(0, 0.9, 9), components=2, harmonics=HARMONICS)
    np.testing.assert_array_equal(found, np.eye(4, 10))


def test_the_order_of_points_does_not_matter() -> None:
    points = made([stay_and_go(DATES), np.zeros(96)], 40)
    order = np.random.default_rng(1).permutation(80)
    np.testing.assert_allclose(
        starting_basis(*points, components=2, harmonics=HARMONICS) ** 2,
        starting_basis(*(one[order] for one in points), components=2, harmonics=HARMONICS) ** 2,
        atol=1e-6,
    )
