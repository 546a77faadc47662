"""Every figure that results are evaluated by, once: of ranks, of scores against a truth, of probabilities."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError

KS = (1, 5, 10)  # of recall
NEVER = np.iinfo(np.int64).max  # the rank of an answer that was never in the running
CALIBRATION_BINS = 15
BOYCE_WINDOW = 0.1  # of the range of scores: the width that Hirzel et al. (2006) settled on
BOYCE_STEPS = 100  # positions of the window, the resolution of ecospat.boyce
LOW, HIGH = "_low", "_high"  # behind the name of a figure: bounds of its interval
INTERVAL = 0.9  # of draws lie within it
_WHOLE = ("_taxa", "_points", "_rows", "_km")  # ends of names of figures that are numbers of something
_TEMPERATURES = (1e-3, 1e3)  # that are searched

_Truth = NDArray[np.bool_]
_Score = NDArray[np.float32]
_Areas = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliability:
    """How far values between 0 and 1 are from being probabilities."""

    error: float  # expected calibration error: gap of mean probability and share of hits in a bin, weighed by cells
    brier: float  # mean squared gap between probability and truth (Brier 1950)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recall:
    """How early the right answer comes, with what a random ranking would give beside it."""

    at: dict[int, float]  # k -> share of queries with a hit among the first k
    chance_at: dict[int, float]
    median_rank: float  # of the first hit; 1 is best
    chance_median_rank: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        figures: dict[str, Any] = {}
        for k in KS:
            figures |= {f"r{k}": self.at[k], f"r{k}_chance": self.chance_at[k]}
        return figures | {"median_rank": self.median_rank, "median_rank_chance": self.chance_median_rank}


def map_scores(score: NDArray[np.float32], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Area under the ROC curve, and average precision. score (n,) without NaN; truth (n,) holds True and False.

    Ties count half in the AUC; in the average precision, cells of equal score are taken together, as scikit-learn
    does.
    """
    order = np.argsort(-score, kind="stable")
    hit = truth[order]
    last_of_tie = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1]
    hits = np.cumsum(hit)[last_of_tie].astype(np.float64)  # present cells at or above each distinct score
    misses = last_of_tie + 1 - hits
    new_hits, new_misses = np.diff(hits, prepend=0), np.diff(misses, prepend=0)
    present, absent = hits[-1], misses[-1]
    below = absent - misses  # absent cells strictly below each distinct score
    auc = float((new_hits * (below + new_misses / 2)).sum() / (present * absent))
    average_precision = float((new_hits * hits / (hits + misses)).sum() / present)
    return auc, average_precision


def area_within(score: _Score, truth: _Truth, group: NDArray[np.integer], weight: NDArray[np.integer]) -> _Areas:
    """(d,) areas under the ROC curve among the cells of one group at a time, for d weightings (d, n) of the cells, such
    as draws with replacement: the mean over the groups that hold both kinds, by how many present cells they hold.

    score (n,) without NaN; truth (n,); group (n,) any numbers. Ties count half. NaN for a weighting by which no group
    holds both kinds. Of groups that different models scored, such as the folds of a cross-validation: a model from
    which many presences were held out gives all cells lower values, so that one curve over all groups lies below .5
    where there is nothing to find (Parker, Günter and Bedo 2007, BMC Bioinformatics 8, 326).
    """
    order = np.lexsort((-score, group))
    score, group, present = score[order], group[order], np.flatnonzero(truth[order])
    # Absent cells before each, in its group or an earlier one.
    before = np.cumsum(np.pad(weight[:, order] * ~truth[order], ((0, 0), (1, 0))), axis=1)
    new_group = np.diff(group, prepend=group[:1] - 1) != 0
    of_group = [before[:, edge[present]] for edge in _runs(new_group)]
    of_ties = [before[:, edge[present]] for edge in _runs(new_group | (np.diff(score, prepend=np.nan) != 0))]
    absent = of_group[1] - of_group[0]
    below = of_group[1] - (of_ties[0] + of_ties[1]) / 2
    count = weight[:, order[present]] * (absent > 0)
    won, counted = (count * below / np.maximum(absent, 1)).sum(axis=1), count.sum(axis=1)
    areas = np.full(len(weight), np.nan)
    np.divide(won, counted, out=areas, where=counted > 0)
    return areas


def _runs(new: _Truth) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) where the run of each begins, and behind its end; new (n,): which are the first of a run."""
    first = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    return first[run], np.append(first[1:], len(new))[run]


def max_true_skill(score: _Score, truth: _Truth) -> float:
    """The highest true skill statistic that any threshold reaches (Allouche, Tsoar and Kadmon 2006).

    Sensitivity + specificity - 1: 0 by chance, 1 when all cells are right. score (n,) without NaN; truth (n,) holds
    True and False. The threshold is chosen on these very cells. Raises InputError for a truth of one kind.
    """
    if truth.all() or not truth.any():
        raise InputError("skill needs cells with and without the taxon; the truth given holds one kind only.")
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1]
    hits = np.cumsum(truth[order])[last_of_tie]
    false_alarms = last_of_tie + 1 - hits
    return float((hits / hits[-1] - false_alarms / false_alarms[-1]).max())


def boyce_index(score: _Score, present: _Score, *, window: float = BOYCE_WINDOW, steps: int = BOYCE_STEPS) -> float:
    """The continuous Boyce index (Hirzel et al. 2006): how steadily presences grow more frequent with the score.

    score (n,): of all cells of the region; present (p,): of the cells with a presence. No absence is needed. A window
    of `window` times the range of all scores moves over it in `steps` steps; in each position stands the share of the
    presences over the share of the cells, and the index is Spearman's correlation of that ratio with the position.
    Positions without cells are left out, and so is each that repeats the ratio of the one before it, as in ecospat
    3.0 and later, so that plateaus do not count many times. From -1 to 1, 0 by chance; NaN where the score is flat.
    """
    if len(present) == 0:
        raise InputError("there is no presence to evaluate; give the scores of one or more cells where the taxon is.")
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
    return spearman(ratio[new], position[new])


def reliability(probability: NDArray[np.floating], truth: _Truth) -> Reliability:
    """How far values between 0 and 1 are probabilities. probability (n,) without NaN, truth (n,); bins of equal width.

    Of a classifier, probability is that of the taxon it named, and truth whether that was right (Guo et al. 2017).

    Raises InputError for values outside 0..1 and for no cells.
    """
    if len(probability) == 0:
        raise InputError("there is no cell to evaluate; give one or more.")
    value = probability.astype(np.float64)
    if not ((value >= 0) & (value <= 1)).all():
        raise InputError(
            f"calibration is of probabilities, and these scores run from {value.min():g} to {value.max():g}; "
            "calibrate them first, or leave calibration out."
        )
    bins = CALIBRATION_BINS
    at = np.digitize(value, np.linspace(0, 1, bins + 1)[1:-1], right=True)  # upper edges belong to a bin
    cells = np.bincount(at, minlength=bins)
    some = cells > 0
    predicted = np.bincount(at, weights=value, minlength=bins)[some] / cells[some]
    observed = np.bincount(at, weights=truth, minlength=bins)[some] / cells[some]
    return Reliability(
        error=float((np.abs(predicted - observed) * cells[some]).sum() / len(value)),
        brier=float(np.square(value - truth).mean()),
    )


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float | None:
    """The temperature with the lowest cross-entropy of logits / temperature (Guo et al. 2017, section 4.2).

    Rows whose own taxon was never in the running (-inf) are left out; None where none is left.
    """
    possible = np.isfinite(np.take_along_axis(logits, labels[:, None], axis=1)[:, 0])
    z, y = logits[possible].astype(np.float64), labels[possible]
    if len(z) == 0:
        return None
    z -= z.max(axis=1, keepdims=True)
    known = np.isfinite(z)
    finite = np.where(known, z, 0)
    own = float(np.take_along_axis(finite, y[:, None], axis=1).mean())

    def slope(inverse: float) -> float:
        """Of the cross-entropy by 1 / temperature; it only ever rises."""
        weight = np.where(known, np.exp(inverse * finite), 0)
        return float(((weight * finite).sum(axis=1) / weight.sum(axis=1)).mean()) - own

    low, high = np.log(1 / _TEMPERATURES[1]), np.log(1 / _TEMPERATURES[0])
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def ranks(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) rank of the right taxon among scores (n, taxa), 1 is best.

    A wrong taxon with the same score goes first; a right taxon that scores -inf was never in the running and
    ranks NEVER, however few taxa there are.
    """
    right = np.take_along_axis(scores, labels[:, None], axis=1)
    rank: NDArray[np.int64] = np.where(np.isneginf(right[:, 0]), NEVER, (scores >= right).sum(axis=1))
    return rank


def recall_of(rank: NDArray[np.int64], right: NDArray[np.int64], gallery: int) -> Recall:
    """From the rank of each query's first hit (n,) and its number of right answers (n,) among `gallery`."""
    return Recall(
        at={k: float((rank <= k).mean()) for k in KS},
        chance_at={k: chance_recall(right, gallery, k) for k in KS},
        median_rank=float(np.median(rank)),
        chance_median_rank=float(chance_median_rank(right, gallery)),
    )


def chance_recall(right: NDArray[np.int64], gallery: int, k: int) -> float:
    """Mean chance that the first k of a random order of `gallery` answers hold one of the `right` (n,) ones.

    1 - C(gallery - right, k) / C(gallery, k), the hypergeometric chance of no hit taken from 1.
    """
    values, counts = np.unique(right, return_counts=True)
    chances = [1 - _no_hit(gallery, int(value), k) for value in values]
    return float(np.dot(chances, counts) / counts.sum())


def chance_median_rank(right: NDArray[np.int64], gallery: int) -> int:
    """The smallest k at which a random order has hit for half of the queries."""
    low, high = 1, gallery
    while low < high:
        middle = (low + high) // 2
        if chance_recall(right, gallery, middle) >= 0.5 - 1e-12:  # log-gamma rounds in the last digits
            high = middle
        else:
            low = middle + 1
    return low


def _within(values: _Score, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values (n,) lie in each window, edges included."""
    ordered = np.sort(values).astype(np.float64)
    inside: NDArray[np.int64] = np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low, "left")
    return inside


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Correlation of ranks, ties sharing their mean rank; NaN where either never varies."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, at, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2
    ranks: NDArray[np.float64] = middle[at]
    return ranks


def _no_hit(gallery: int, right: int, k: int) -> float:
    wrong = gallery - right
    if k > wrong:
        return 0.0
    lg = math.lgamma
    return math.exp(lg(wrong + 1) - lg(wrong - k + 1) - lg(gallery + 1) + lg(gallery - k + 1))


def with_bounds(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """A figure for people, with the bounds of its interval where these are known."""
    shown = f"{value:.3f}" if math.isfinite(value) else "–"
    return f"{shown} ({low:.3f} to {high:.3f})" if math.isfinite(low + high) else shown


def figure_texts(figures: Mapping[str, float]) -> dict[str, str]:
    """Figures for people, by name, each with its bounds, which are not figures by themselves."""
    bounds = {f"{name}{end}" for name in figures for end in (LOW, HIGH)}
    return {
        name: f"{value:,.0f}"
        if name.endswith(_WHOLE)
        else with_bounds(value, figures.get(name + LOW, math.nan), figures.get(name + HIGH, math.nan))
        for name, value in figures.items()
        if name not in bounds
    }


def without_nan(value: Any) -> Any:
    """For JSON, which has no NaN: numbers that are not finite are None, at any depth; tuples are lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    return value
