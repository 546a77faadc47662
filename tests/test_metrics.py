"""Figures of a score against slow references, closed forms and scikit-learn."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.calibration import calibration_curve
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_curve

from birdsat.errors import InputError
from birdsat.metrics import (
    CALIBRATION_BINS,
    boyce_index,
    figure_texts,
    max_true_skill,
    reliability,
    without_nan,
)


def drawn(levels: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    generator = np.random.default_rng(seed)
    score = (generator.integers(0, levels, 200) / levels).astype(np.float32)
    return score, generator.random(200) < score


@pytest.mark.parametrize("levels", [4, 1000])
def test_the_highest_skill_is_that_of_the_roc_curve_and_of_the_best_of_all_thresholds(levels: int) -> None:
    score, truth = drawn(levels)
    false_alarms, hits, _ = roc_curve(truth, score)
    assert max_true_skill(score, truth) == pytest.approx((hits - false_alarms).max())
    balanced = max(balanced_accuracy_score(truth, score >= value) for value in score)
    assert max_true_skill(score, truth) == pytest.approx(2 * balanced - 1)


def test_a_score_upside_down_has_no_skill_at_any_threshold_and_a_perfect_one_has_all() -> None:
    truth = np.array([True, True, False, False])
    assert max_true_skill(np.array([4, 3, 2, 1], np.float32), truth) == 1
    assert max_true_skill(np.array([1, 2, 3, 4], np.float32), truth) == 0


def test_skill_of_one_kind_of_truth_is_refused() -> None:
    with pytest.raises(InputError, match="with and without"):
        max_true_skill(np.zeros(3, np.float32), np.ones(3, bool))


def slow_boyce(score: NDArray[np.float32], present: NDArray[np.float32], window: float, steps: int) -> float:
    """As Hirzel et al. (2006) and ecospat.boyce: a loop over windows and over cells."""
    low, high = float(score.min()), float(score.max())
    width = (high - low) * window
    ratios, positions = [], []
    for i in range(steps + 1):
        start = low + i * (high - low - width) / steps
        inside = [start - 1e-7 <= value <= start + width + 1e-7 for value in score.tolist()]
        hits = [start - 1e-7 <= value <= start + width + 1e-7 for value in present.tolist()]
        if any(inside):
            ratios.append(round((sum(hits) / len(hits)) / (sum(inside) / len(inside)), 10))
            positions.append(start)
    last = [i for i in range(len(ratios)) if i + 1 == len(ratios) or ratios[i + 1] != ratios[i]]
    return float(spearmanr([ratios[i] for i in last], [positions[i] for i in last]).statistic)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("window, steps", [(0.1, 100), (0.2, 30)])
def test_the_boyce_index_is_that_of_a_loop_over_windows(seed: int, window: float, steps: int) -> None:
    generator = np.random.default_rng(seed)
    score = generator.random(300).astype(np.float32)
    score[score < 0.2] = 0  # many cells of one score, and windows without any
    present = score[generator.random(300) < score]
    assert boyce_index(score, present, window=window, steps=steps) == pytest.approx(
        slow_boyce(score, present, window, steps)
    )


def test_presences_that_grow_with_the_score_have_index_one_and_the_other_way_round_minus_one() -> None:
    score = np.linspace(0, 1, 2001, dtype=np.float32)
    present = np.sqrt(np.linspace(0, 1, 2001, dtype=np.float32))  # of density 2 x the score
    assert boyce_index(score, present) == pytest.approx(1, abs=1e-3)
    assert boyce_index(score, 1 - present) == pytest.approx(-1, abs=1e-3)


def test_the_boyce_index_does_not_depend_on_the_scale_of_the_score() -> None:
    score, truth = drawn(1000)
    assert boyce_index(score * 1000 - 7, score[truth] * 1000 - 7) == pytest.approx(boyce_index(score, score[truth]))


def test_a_flat_score_has_no_boyce_index_and_no_presence_is_refused() -> None:
    assert np.isnan(boyce_index(np.ones(9, np.float32), np.ones(3, np.float32)))
    with pytest.raises(InputError, match="no presence"):
        boyce_index(np.ones(9, np.float32), np.ones(0, np.float32))


def test_bounds_stand_behind_the_figure_that_they_are_of() -> None:
    figures = {"auc": 0.7, "auc_low": 0.6, "auc_high": 0.8, "held_out_points": 2051.0, "a_low": 0.1, "brier": np.nan}
    assert figure_texts(figures) == {
        "auc": "0.700 (0.600 to 0.800)",
        "held_out_points": "2,051",
        "a_low": "0.100",
        "brier": "–",
    }


def test_reliability_and_brier_score_are_those_of_scikit_learn() -> None:
    probability, truth = drawn(1000)
    found = reliability(probability, truth)
    observed, predicted = calibration_curve(truth, probability, n_bins=CALIBRATION_BINS)
    cells, _ = np.histogram(probability, CALIBRATION_BINS, (0, 1))
    assert found.error == pytest.approx(np.average(np.abs(observed - predicted), weights=cells[cells > 0]))
    assert found.brier == pytest.approx(brier_score_loss(truth, probability))


def test_calibration_error_is_the_gap_between_what_is_said_and_what_is() -> None:
    truth = np.array([True] * 3 + [False] * 7)
    assert reliability(np.full(10, 0.3, np.float32), truth).error == pytest.approx(0, abs=1e-6)
    assert reliability(np.full(10, 0.9, np.float32), truth).error == pytest.approx(0.6, abs=1e-6)
    certain = reliability(truth.astype(np.float32), truth)
    assert (certain.error, certain.brier) == (0, 0)


def test_scores_that_are_not_probabilities_are_not_evaluated_as_such() -> None:
    with pytest.raises(InputError, match="run from -1 to 0"):
        reliability(np.array([-1, 0], np.float32), np.array([True, False]))
    with pytest.raises(InputError, match="calibration"):
        reliability(np.array([0.5, np.nan], np.float32), np.array([True, False]))


def test_what_is_not_a_finite_number_is_none_at_any_depth() -> None:
    given = {"a": float("nan"), 1: [np.float64("inf"), (2.5, {"b": -float("inf"), "c": "nan"})], "d": True, "e": 3}
    assert without_nan(given) == {"a": None, "1": [None, [2.5, {"b": None, "c": "nan"}]], "d": True, "e": 3}
