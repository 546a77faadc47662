"""Figures of one score against the truth, beyond the AUC and average precision of `evaluate.map_scores`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError

BOYCE_WINDOW = 0.1  # of the range of scores: the width that Hirzel et al. (2006) settled on
BOYCE_STEPS = 100  # positions of the window, the resolution of ecospat.boyce
CALIBRATION_BINS = 15

_Truth = NDArray[np.bool_]
_Score = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Skill:
    """The true skill statistic at one threshold."""

    value: float  # sensitivity + specificity - 1; 0 by chance, 1 when all cells are right
    threshold: float  # cells at or above it are taken for present


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliability:
    """How often a taxon is there in the cells whose probability is about the same."""

    predicted: tuple[float, ...]  # mean probability of the cells of each bin that has any, ascending
    observed: tuple[float, ...]  # share of them where the taxon is
    cells: tuple[int, ...]
    error: float  # expected calibration error: mean gap between the two, weighed by cells
    brier: float  # mean squared gap between probability and truth (Brier 1950)


def max_true_skill(score: _Score, truth: _Truth) -> Skill:
    """The highest true skill statistic that any threshold reaches (Allouche, Tsoar and Kadmon 2006).

    score (n,) without NaN; truth (n,) holds True and False. The threshold is chosen on these very cells: to judge a
    threshold, choose it on others and give it to `true_skill`. Of several that are best, the highest. Raises
    InputError for a truth of one kind.
    """
    _refuse_one_kind(truth)
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1]
    hits = np.cumsum(truth[order])[last_of_tie]
    false_alarms = last_of_tie + 1 - hits
    skill = hits / hits[-1] - false_alarms / false_alarms[-1]
    best = int(skill.argmax())
    return Skill(value=float(skill[best]), threshold=float(score[order][last_of_tie[best]]))


def true_skill(score: _Score, truth: _Truth, threshold: float) -> float:
    """The true skill statistic where cells that score at least `threshold` are taken for present.

    score (n,) without NaN; truth (n,). Raises InputError for a truth of one kind.
    """
    _refuse_one_kind(truth)
    taken = score >= np.float32(threshold)
    return float(taken[truth].mean() - taken[~truth].mean())


def boyce_index(score: _Score, present: _Score, *, window: float = BOYCE_WINDOW, steps: int = BOYCE_STEPS) -> float:
    """The continuous Boyce index (Hirzel et al. 2006): how steadily presences grow more frequent with the score.

    score (n,): of all cells of the region; present (p,): of the cells with a presence. No absence is needed. A window
    of `window` times the range of all scores moves over it in `steps` steps; in each position stands the share of the
    presences over the share of the cells, and the index is Spearman's correlation of that ratio with the position.
    Positions without cells are left out, and so is each that repeats the ratio of the one before it, as in ecospat
    3.0 and later, so that plateaus do not count many times. From -1 to 1, 0 by chance; NaN where the score is flat.
    """
    if len(present) == 0:
        raise InputError("there is no presence to judge; give the scores of one or more cells where the taxon is.")
    low, high = float(min(score.min(), present.min())), float(max(score.max(), present.max()))
    width = (high - low) * window
    start = np.linspace(low, high - width, steps + 1)
    tolerance = (high - low) * 1e-7  # the outermost cells lie in the outermost windows
    cells = _within(score, start - tolerance, start + width + tolerance)
    presences = _within(present, start - tolerance, start + width + tolerance)
    some = cells > 0
    ratio = np.round((presences[some] / len(present)) / (cells[some] / len(score)), 10)  # equal in all but rounding
    position = start[some]
    new = np.r_[ratio[1:] != ratio[:-1], True] if len(ratio) else np.zeros(0, dtype=bool)
    return _spearman(ratio[new], position[new])


def reliability(probability: _Score, truth: _Truth, *, bins: int = CALIBRATION_BINS) -> Reliability:
    """How far values between 0 and 1 are probabilities. probability (n,) without NaN, truth (n,); bins of equal width.

    Raises InputError for values outside 0..1 and for no cells.
    """
    if len(probability) == 0:
        raise InputError("there is no cell to judge; give one or more.")
    value = probability.astype(np.float64)
    if not ((value >= 0) & (value <= 1)).all():
        raise InputError(
            f"calibration is of probabilities, and these scores run from {value.min():g} to {value.max():g}; "
            "calibrate them first, or leave calibration out."
        )
    at = np.minimum((value * bins).astype(np.int64), bins - 1)
    cells = np.bincount(at, minlength=bins)
    some = cells > 0
    predicted = np.bincount(at, weights=value, minlength=bins)[some] / cells[some]
    observed = np.bincount(at, weights=truth, minlength=bins)[some] / cells[some]
    return Reliability(
        predicted=tuple(predicted.tolist()),
        observed=tuple(observed.tolist()),
        cells=tuple(cells[some].tolist()),
        error=float((np.abs(predicted - observed) * cells[some]).sum() / len(value)),
        brier=float(np.square(value - truth).mean()),
    )


def _refuse_one_kind(truth: _Truth) -> None:
    if truth.all() or not truth.any():
        raise InputError("skill needs cells with and without the taxon; the truth given holds one kind only.")


def _within(values: _Score, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values (n,) lie in each window, edges included."""
    ordered = np.sort(values).astype(np.float64)
    inside: NDArray[np.int64] = np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low, "left")
    return inside


def _spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Correlation of ranks, ties sharing their mean rank; NaN where either never varies."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, at, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2
    ranks: NDArray[np.float64] = middle[at]
    return ranks
