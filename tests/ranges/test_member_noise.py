"""Members learn under less noise where taxa have many points."""

import numpy as np
import pytest
from made_points import PLACES, SMALL, chips, draw_rows, fit, habitat, points_at, presence

from birdsat.ranges.member_noise import FEW_POINTS, with_noise
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points

SETTINGS = RangeNetworkConfig(noise=(0.1, 1.2))


def points_of(*counts: int) -> Points:
    return points_at(np.arange(sum(counts)) % len(PLACES), np.repeat(np.arange(len(counts)), counts), len(counts))


@pytest.mark.parametrize("counts", [(1,), (FEW_POINTS,), (2, 3, 500), (1, 1, 0, 90)])
def test_few_points_are_learned_from_under_all_the_noise(counts: tuple[int, ...]) -> None:
    assert with_noise(SETTINGS, points_of(*counts)) is SETTINGS


@pytest.mark.parametrize(
    ("counts", "noise"),
    [
        ((4 * FEW_POINTS,), (0.1, 0.6)),
        ((2 * FEW_POINTS, 6 * FEW_POINTS), (0.1, 0.6)),  # the median, of those that have any
        ((4 * FEW_POINTS, 0, 0, 0), (0.1, 0.6)),
        ((200 * FEW_POINTS,), (0.1, 0.1)),  # no less than the first member's
    ],
)
def test_that_of_the_last_member_falls_as_the_error_of_a_mean(
    counts: tuple[int, ...], noise: tuple[float, float]
) -> None:
    assert with_noise(SETTINGS, points_of(*counts)).noise == pytest.approx(noise)


def test_a_last_member_that_has_less_than_the_first_keeps_it() -> None:
    assert with_noise(RangeNetworkConfig(noise=(0.5, 0.2)), points_of(64)).noise == pytest.approx((0.5, 0.2))


def test_a_fit_learns_under_it_and_remembers_it() -> None:
    present = presence(habitat())
    rows, taxon = draw_rows(present, 4 * FEW_POINTS)
    model = fit(points_at(rows, taxon, 3), rows, chips(habitat()), SMALL)
    assert model.facts.network.noise == pytest.approx((SMALL.noise[0], SMALL.noise[1] / 2))
