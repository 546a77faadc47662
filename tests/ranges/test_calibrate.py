"""Log odds to probabilities: order kept, confidence mended, and the figures against slow references."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from birdsat.metrics import boyce_index
from birdsat.ranges.calibrate import Calibration, balanced_weights, fit_calibration, held_out_figures

Rows = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]


def rows_held_out(count: int = 4000, taxa: int = 3, seed: int = 0) -> Rows:
    """True log odds (r,), taxon and presence: as many points as background, in truth."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(0, 2, count)
    present = generator.random(count) < 1 / (1 + np.exp(-odds))
    return odds, generator.integers(0, taxa, count), present


@pytest.mark.parametrize(("wrong", "by"), [(4.0, 0.0), (0.5, 1.0)])
def test_log_odds_that_are_too_sure_or_not_sure_enough_are_mended(wrong: float, by: float) -> None:
    odds, taxon, present = rows_held_out()
    logit = (wrong * odds + by).astype(np.float32)
    found = fit_calibration(logit, taxon, present)
    assert found.fitted and found.photo == 0
    assert found.scale == pytest.approx(1 / wrong, rel=0.1) and found.shift == pytest.approx(-by / wrong, abs=0.2)
    before, after = (
        held_out_figures(one(torch.from_numpy(logit)).numpy(), taxon, present) for one in (Calibration(), found)
    )
    assert after["held_out_calibration_error"] < 0.04 < before["held_out_calibration_error"]
    assert after["held_out_brier"] < before["held_out_brier"]
    assert after["held_out_auc"] == pytest.approx(before["held_out_auc"], abs=1e-4)


def test_order_is_kept_even_where_what_was_held_out_says_the_opposite() -> None:
    odds, taxon, present = rows_held_out(400)
    found = fit_calibration((-odds).astype(np.float32), taxon, present)
    assert found.scale > 0
    assert found.shift == pytest.approx(0, abs=1e-6)  # what is left after the scale says nothing
    assert (found(torch.linspace(-5, 5, 20)).diff() > 0).all()


def test_log_odds_beyond_all_bounds_give_probabilities_and_not_nan() -> None:
    assert Calibration(scale=3.0)(torch.tensor([-1e30, 0, 1e30])).tolist() == [0, 0.5, 1]


def test_photos_are_weighed_by_what_they_tell() -> None:
    odds, taxon, present = rows_held_out()
    blind = np.random.default_rng(9).normal(0, 1, len(odds)).astype(np.float32)
    telling = fit_calibration(blind, taxon, present, odds.astype(np.float32))
    assert telling.photo == pytest.approx(1, rel=0.15) and telling.scale < 0.15
    against = fit_calibration(blind, taxon, present, -odds.astype(np.float32))
    assert against.photo == 0  # photos that would turn the map over are not used
    probability = telling(torch.zeros(2), torch.tensor([-1.0, 1.0]))
    assert probability[1] > probability[0] + 0.3


@pytest.mark.parametrize("points", [0, 4])
def test_with_too_few_points_held_out_log_odds_are_taken_as_they_are(points: int) -> None:
    present = np.arange(50) < points
    logit = np.linspace(-1, 1, 50, dtype=np.float32)
    assert fit_calibration(logit, np.zeros(50, np.int64), present) == Calibration()


def test_every_taxon_s_points_and_its_background_weigh_alike() -> None:
    taxon = np.array([0, 0, 0, 2, 2, 2, 3])
    present = np.array([1, 0, 0, 1, 1, 0, 1], dtype=bool)
    weight = [1, 0.5, 0.5, 0.5, 0.5, 1, 0]  # taxon 3 has no background, and 1 nothing at all
    np.testing.assert_allclose(balanced_weights(taxon, present), weight)


def test_figures_equal_slow_references() -> None:
    odds, taxon, present = rows_held_out(900)
    probability = (1 / (1 + np.exp(-1.5 * odds - 0.5))).astype(np.float32)
    taxon[-5:], present[-5:] = 7, True  # a taxon without background is not evaluated
    areas, boyces = [], []
    gap = np.zeros(15)
    brier = 0.0
    for label in range(3):
        of = taxon == label
        areas.append(roc_auc_score(present[of], probability[of]))
        boyces.append(boyce_index(probability[of], probability[of & present]))
        for row in np.flatnonzero(of):
            weight = 1 / np.count_nonzero(of & (present == present[row])) / 6
            gap[int(probability[row] * 15)] += weight * (probability[row] - present[row])
            brier += weight * (probability[row] - present[row]) ** 2
    found = held_out_figures(probability, taxon, present)
    assert found["held_out_taxa"] == 3 and found["held_out_points"] == np.count_nonzero(present[:-5])
    assert found["held_out_auc"] == pytest.approx(np.mean(areas), abs=1e-6)
    assert found["held_out_boyce"] == pytest.approx(np.mean(boyces), abs=1e-6)
    assert found["held_out_calibration_error"] == pytest.approx(np.abs(gap).sum(), abs=0.03)  # from rows drawn
    assert found["held_out_brier"] == pytest.approx(brier, abs=0.02)
    assert held_out_figures(probability[-5:], taxon[-5:], present[-5:]) == {}
