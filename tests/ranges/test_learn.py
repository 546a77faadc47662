"""Of two fits the one that tells better what was held out, and figures in which that choice has no part."""

import numpy as np
import pytest
import torch
from made_points import PLACES, SMALL, made_rows

from birdsat.ranges.learn import Learned
from birdsat.ranges.network import RangeNetwork
from birdsat.ranges.projection import InputProjection
from birdsat.ranges.train import Fitted

NETWORK = RangeNetwork(SMALL, inputs=3, taxa=1, dated=False)
PROJECTION = InputProjection.fit(np.empty((len(PLACES), 0), np.float32), PLACES, 3, 1.0)


def learned(name: str, trials: tuple[float, ...]) -> Learned:
    """With rows of its own for each half."""
    rows = tuple(made_rows(np.zeros(4, np.int64), np.ones(4, bool)) for _ in trials[1:])
    fitted = Fitted(network=NETWORK, steps=1, held_out=None, by_half=rows, trials=trials)
    nothing = torch.empty(0, 3)
    return Learned(inputs=(name,), projection=PROJECTION, at_points=nothing, elsewhere=nothing, fitted=fitted)


@pytest.mark.parametrize("halves", [(0.2, 0.9), (0.9, 0.2), (0.2, 0.2), (0.9, 0.9)])
@pytest.mark.parametrize("whole", [0.2, 0.9])
def test_each_half_is_told_by_the_fit_that_the_other_chose_whatever_all_of_it_says(
    whole: float, halves: tuple[float, float]
) -> None:
    one, other = learned("chip", (0.5, 0.5, 0.5)), learned("covariates", (whole, *halves))
    best = one.or_better(other)
    assert best.inputs == (("covariates",) if whole > 0.5 else ("chip",))
    for half, value in enumerate(halves):
        assert best.fitted.by_half[half] is (other if value > 0.5 else one).fitted.by_half[half]


def test_where_nothing_was_held_out_the_first_is_kept() -> None:
    one, other = learned("chip", ()), learned("covariates", (0.9, 0.9, 0.9))
    assert one.or_better(other) is one
