"""Members learn under less noise where taxa have many points."""

import numpy as np
import pytest
from made_points import PLACES, SMALL, chips, draw_rows, fit, habitat, points_at, presence

from birdsat.ranges.member_noise import FEW_POINTS, FEW_TAXA, MANY_POINTS, with_noise
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points

SETTINGS = RangeNetworkConfig(noise=(0.1, 1.2))


def points_of(*counts: int) -> Points:
    return points_at(np.arange(sum(counts)) % len(PLACES), np.repeat(np.arange(len(counts)), counts), len(counts))


@pytest.mark.parametrize("counts", [(1,), (FEW_POINTS,) * 9, (2, 3, 3, 3, 500, 600), (1, 1, 0, 90), (4 * FEW_POINTS,)])
def test_few_points_are_learned_from_under_all_the_noise(counts: tuple[int, ...]) -> None:
    assert with_noise(SETTINGS, points_of(*counts)) is SETTINGS


@pytest.mark.parametrize(
    ("counts", "noise"),
    [
        ((4 * FEW_POINTS,) * FEW_TAXA, (0.1, 0.6)),
        ((4 * FEW_POINTS,) * 4 * FEW_TAXA, (0.1, 0.6)),
        ((2 * FEW_POINTS, 2 * FEW_POINTS, 6 * FEW_POINTS, 6 * FEW_POINTS), (0.1, 0.6)),  # the median
        ((*(4 * FEW_POINTS,) * FEW_TAXA, 0, 0, 0), (0.1, 0.6)),  # of those that have any
        ((MANY_POINTS,) * FEW_TAXA, (0.1, 0.48)),
        ((10 * MANY_POINTS,) * FEW_TAXA, (0.1, 0.48)),  # no less
        ((10 * MANY_POINTS,), (0.1, 0.96)),  # one alone
        ((10 * MANY_POINTS,) * 2, (0.1, 0.48 * 2**0.5)),
    ],
)
def test_that_of_the_last_member_falls_as_the_error_of_a_mean(
    counts: tuple[int, ...], noise: tuple[float, float]
) -> None:
    assert with_noise(SETTINGS, points_of(*counts)).noise == pytest.approx(noise)


@pytest.mark.parametrize(("given", "kept"), [((0.5, 0.2), (0.5, 0.2)), ((0.6, 1.2), (0.6, 0.6))])
def test_that_of_the_last_member_does_not_fall_below_the_first_s(
    given: tuple[float, float], kept: tuple[float, float]
) -> None:
    assert with_noise(RangeNetworkConfig(noise=given), points_of(*(MANY_POINTS,) * FEW_TAXA)).noise == pytest.approx(
        kept
    )


def test_a_fit_learns_under_it_and_remembers_it() -> None:
    present = presence(habitat())
    rows, taxon = draw_rows(present, 4 * FEW_POINTS)
    model = fit(points_at(rows, taxon, 3), rows, chips(habitat()), SMALL)
    assert model.facts.network.noise == pytest.approx((SMALL.noise[0], SMALL.noise[1] / 3**0.5))  # of 3 taxa
