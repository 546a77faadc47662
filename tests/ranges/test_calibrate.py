"""Log odds to probabilities: order kept, confidence mended."""

import numpy as np
import pytest
import torch
from made_points import made_rows, rows_held_out

from birdsat.ranges.calibrate import Calibration, balanced_weights, fit_calibration
from birdsat.ranges.held_out_figures import held_out_figures


@pytest.mark.parametrize(("wrong", "by"), [(4.0, 0.0), (0.5, 1.0)])
def test_log_odds_that_are_too_sure_or_not_sure_enough_are_mended(wrong: float, by: float) -> None:
    odds, taxon, present = rows_held_out()
    logit = (wrong * odds + by).astype(np.float32)
    found = fit_calibration(logit, taxon, present)
    assert found.fitted and found.photo == 0
    assert found.scale == pytest.approx(1 / wrong, rel=0.1) and found.shift == pytest.approx(-by / wrong, abs=0.2)
    before, after = (
        held_out_figures(one(torch.from_numpy(logit)).numpy(), made_rows(taxon, present), 3)[0]
        for one in (Calibration(), found)
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
