"""Intervals about a map's probabilities: between which the relative suitability of a cell lies in four of five cells.

The members' disagreement alone is not such an interval: they share their features, their records and their calibration,
and so most of their errors. What they do not know is of three kinds, which add up as variances of the log odds:

- what the members disagree in;
- which records there happened to be, which falls with their number n as 1 / n;
- what the features do not resolve: places that look alike to the members and still differ. This one is skewed. A map
  that is calibrated says of such places the mean of their odds, and of numbers whose logarithms are normal with
  variance v the median lies v / 2 below the logarithm of the mean: most of the places are a little worse than the map
  says, a few much better.

Constants were chosen on virtual worlds where the truth is known (`benchmarks/intervals.py`); nothing is assumed of it
in real data, and no truth is needed to make an interval.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

COVERAGE = 0.8  # of cells lie within their intervals
_DEVIATIONS = 1.2815515655446004  # of a normal distribution, that so many lie within


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRule:
    """Constants of the intervals; the first three are of log odds."""

    members: float  # factor of the variance over the members
    records: float  # variance of a taxon with one record; with n it is 1 / n of that
    unresolved: float  # variance among places that look alike
    tolerance: float  # of a probability: an interval that comes so close to 0 or 1 reaches it


RULE = IntervalRule(members=1.0, records=9.0, unresolved=2.4, tolerance=0.005)


def intervals(
    log_odds: Float[Tensor, "members taxa months c"],
    probability: Float[Tensor, "taxa months c"],
    records: Float[Tensor, " taxa"],
    rule: IntervalRule = RULE,
) -> tuple[Float[Tensor, "taxa months c"], Float[Tensor, "taxa months c"]]:
    """Low and high, from 0 to 1, with the probability between them.

    log_odds: of the members, calibrated. probability: their mean, as the map shows it. records: of each taxon, thinned
    to cells and months; of none, as of one.
    """
    centre = log_odds.mean(dim=0)
    spread = (log_odds - centre).square_().mean(dim=0)
    chance = rule.records / records.clamp(min=1.0)
    half = spread.mul_(rule.members).add_(chance[:, None, None] + rule.unresolved).sqrt_().mul_(_DEVIATIONS)
    centre -= rule.unresolved / 2
    low = (centre - half).sigmoid_()
    high = centre.add_(half).sigmoid_()
    low = low.sub_(rule.tolerance).clamp_(min=0.0)
    high = high.add_(rule.tolerance).clamp_(max=1.0)
    return torch.minimum(low, probability), torch.maximum(high, probability)
