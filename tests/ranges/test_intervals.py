"""Intervals about what the members say: their order, and that they hold what they say they hold."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from birdsat.ranges.intervals import COVERAGE, RULE, IntervalRule, intervals


def asked(log_odds: Tensor, records: list[float], rule: IntervalRule = RULE) -> tuple[Tensor, Tensor, Tensor]:
    """Low, probability and high of members' log odds (m, taxa, months, c)."""
    probability = log_odds.sigmoid().mean(dim=0)
    low, high = intervals(log_odds, probability, torch.tensor(records), rule)
    return low, probability, high


def drawn(*shape: int, deviation: float = 3.0) -> Tensor:
    return deviation * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_they_hold_the_probability_and_lie_from_0_to_1() -> None:
    low, probability, high = asked(drawn(5, 3, 2, 1000), [0.0, 1.0, 1e6])
    assert low.shape == high.shape == (3, 2, 1000)
    assert (low <= probability).all() and (probability <= high).all()
    assert low.min() >= 0 and high.max() <= 1


def test_they_hold_the_probability_also_where_members_are_all_but_certain() -> None:
    certain = torch.tensor([-200.0, -30.0, -10.0, 10.0, 30.0, 200.0])
    for members in (certain.expand(5, 1, 1, -1), torch.stack([certain, -certain])[:, None, None]):
        low, probability, high = asked(members.clone(), [1e9])
        assert torch.isfinite(high - low).all()
        assert (low <= probability).all() and (probability <= high).all()


def test_more_records_never_make_them_wider() -> None:
    records = [0.0, 1.0, 2.0, 10.0, 30.0, 100.0, 300.0, 1e5]
    low, _, high = asked(drawn(5, 1, 1, 500).expand(5, len(records), 1, -1).clone(), records)
    assert (low.diff(dim=0) >= 0).all() and (high.diff(dim=0) <= 0).all()
    narrower = (high - low).mean(dim=(1, 2)).diff()
    assert narrower[0] == 0 and (narrower[1:] < 0).all()  # none counts as one


def test_members_that_disagree_make_them_wider() -> None:
    apart = drawn(5, 1, 1, 1).expand(-1, -1, -1, 4).clone()
    apart = (apart - apart.mean(dim=0)) * torch.tensor([0.0, 0.5, 1.0, 2.0])
    low, _, high = asked(apart, [100.0])
    assert ((high - low).diff() > 0).all()


def test_both_bounds_rise_with_the_log_odds() -> None:
    rising = torch.linspace(-12, 12, 200).expand(5, 1, 1, -1).clone()
    low, _, high = asked(rising, [30.0])
    assert (low.diff() >= 0).all() and (high.diff() >= 0).all()


def test_hardly_anything_may_be_nothing_and_nearly_all_may_be_all() -> None:
    low, _, high = asked(torch.tensor([-5.0, 9.0]).expand(5, 1, 1, -1).clone(), [100.0])
    assert low[0, 0, 0] == 0 and high[0, 0, 1] == 1


def test_what_the_members_say_is_left_as_it_is() -> None:
    log_odds = drawn(5, 2, 2, 10)
    before = log_odds.clone()
    asked(log_odds, [3.0, 40.0])
    assert torch.equal(log_odds, before)


@pytest.mark.parametrize("records", [10, 100])
def test_they_hold_four_of_five_truths_that_differ_as_the_rule_says(records: int) -> None:
    random = np.random.default_rng(0)
    rule = IntervalRule(members=1.0, records=20.0, unresolved=2.0, tolerance=0.0)
    said = random.normal(size=20_000)
    # The map says the mean of odds that are log-normal, and misses it by chance.
    missed = random.normal(scale=math.sqrt(20 / records), size=len(said))
    truth = said - 1.0 + missed + random.normal(scale=math.sqrt(2.0), size=len(said))
    low, _, high = asked(torch.from_numpy(said).expand(5, 1, 1, -1).clone(), [float(records)], rule)
    true = torch.from_numpy(truth).sigmoid()
    assert ((low <= true) & (true <= high)).double().mean().item() == pytest.approx(COVERAGE, abs=0.02)
