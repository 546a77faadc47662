"""Sets of taxa that hold the true one at a chosen rate, whatever the model is worth: split conformal prediction."""

import zlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SetRule = Literal["lac", "raps", "raps, drawn"]
SET_RULES: tuple[SetRule, ...] = ("lac", "raps, drawn", "raps")
_RAPS_FREE, _RAPS_PENALTY = 3, 0.01  # answers without penalty, and the penalty of each beyond (section 4 of the paper)
_FOLDS = 5
_TOLERATED = 0.05  # below the coverage asked for, in the worst third of photos, before a rule is passed over


def nonconformity(probability: NDArray[np.float64], rule: SetRule) -> NDArray[np.float64]:
    """(n, t) how little each taxon fits: those of least value make the set.

    lac: 1 - p (Sadinle, Lei and Wasserman 2019, "Least ambiguous set-valued classifiers with bounded error levels",
    section 2), of which sets are the smallest on average. raps: the probability of all answers down to it, and a
    penalty for each beyond the third (Angelopoulos et al. 2021, "Uncertainty sets for image classifiers using
    conformal prediction", section 2.3, without chance), of which sets grow where photos are hard. "raps, drawn": with
    its chance, as in the paper: of a taxon's own probability a share counts that is drawn for each photo. Without it
    sets hold more than was asked, the more so the surer the photos are.
    """
    if rule == "lac":
        return 1 - probability
    order = np.argsort(-probability, axis=1, kind="stable")
    sorted_ = np.take_along_axis(probability, order, axis=1)
    rank = np.arange(1, probability.shape[1] + 1)
    value = np.cumsum(sorted_, axis=1) + _RAPS_PENALTY * np.maximum(rank - _RAPS_FREE, 0)
    if rule == "raps, drawn":
        value -= _drawn(sorted_)[:, None] * sorted_
    scores = np.empty_like(probability)
    np.put_along_axis(scores, order, value, axis=1)
    return scores


def _drawn(sorted_: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) a share for each photo, of its likeliest three taxa's probabilities: the same whenever it is asked about,
    and of nothing else in common with what it shows."""
    coarse = np.round(np.log(np.maximum(sorted_[:, :3], 1e-30)), 3) + 0.0  # so that -0 is 0
    return np.array([zlib.crc32(row.tobytes()) / 2**32 for row in np.ascontiguousarray(coarse, np.float32)])


def own_nonconformity(
    probability: NDArray[np.float64], labels: NDArray[np.int64], rule: SetRule
) -> NDArray[np.float64]:
    """(n,) of the true taxa."""
    scores = nonconformity(probability, rule)
    own: NDArray[np.float64] = np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
    return own


def set_limit(own: NDArray[np.floating], coverage: float) -> float:
    """The value up to which taxa belong to the set: the ceil((n + 1) coverage)-th smallest of true taxa's (n,); inf,
    which takes every taxon, where there are too few of them to promise the coverage (Vovk et al. 2005, section 4.2)."""
    place = int(np.ceil((len(own) + 1) * coverage - 1e-9))
    return float(np.sort(own)[place - 1]) if place <= len(own) else float("inf")


def conformal_sets(probability: NDArray[np.float64], rule: SetRule, limit: float) -> NDArray[np.bool_]:
    """(n, t) the sets; the likeliest taxon is in each. None in rows of NaN."""
    known = np.isfinite(probability).all(axis=1)
    sets = np.zeros(probability.shape, dtype=np.bool_)
    sets[known] = nonconformity(probability[known], rule) <= limit + 1e-9
    rows = np.flatnonzero(known)
    sets[rows, probability[rows].argmax(axis=1)] = True
    return sets


def choose_rule(probability: NDArray[np.float64], labels: NDArray[np.int64], coverage: float = 0.9) -> SetRule:
    """The rule of the smaller sets on rows that its limit was not chosen on, unless it covers the surest, the middle
    or the least sure third of photos too seldom; then that which covers the worst third best."""
    if len(labels) < 2 * _FOLDS:
        return "lac"
    fold = np.arange(len(labels)) % _FOLDS
    third = np.argsort(np.argsort(probability.max(axis=1), kind="stable"), kind="stable") * 3 // len(labels)
    sizes: dict[SetRule, float] = {}
    worst: dict[SetRule, float] = {}
    for rule in SET_RULES:
        own = own_nonconformity(probability, labels, rule)
        held, size = np.zeros(len(labels), dtype=np.bool_), np.zeros(len(labels))
        for number in range(_FOLDS):
            some = fold == number
            sets = conformal_sets(probability[some], rule, set_limit(own[~some], coverage))
            held[some] = np.take_along_axis(sets, labels[some, None], axis=1)[:, 0]
            size[some] = sets.sum(axis=1)
        sizes[rule] = float(size.mean())
        worst[rule] = min(float(held[third == number].mean()) for number in range(3))
    good = [rule for rule in SET_RULES if worst[rule] >= coverage - _TOLERATED]
    return min(good, key=sizes.__getitem__) if good else max(SET_RULES, key=worst.__getitem__)
