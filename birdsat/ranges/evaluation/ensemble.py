"""Several models as one: their mean, their median, or how many of them say yes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.ranges.estimators import log_odds
from birdsat.ranges.evaluation.chosen import held_out_blocks
from birdsat.ranges.evaluation.learning import PresenceModel, Scorer
from birdsat.ranges.evaluation.presence_only.registry import Ensembles
from birdsat.ranges.points import Cells, Points

Way = Ensembles


@dataclass(frozen=True, kw_only=True, slots=True)
class Ensemble:
    """Models side by side, each on the scale of its own scores at the places it learned from.

    mean, median: of the members' scores, brought to mean 0 and variance 1 over the background, probabilities as log
    odds. committee: the share of the members whose score is above the threshold that tells the taxon's points from
    the background best, by the true skill statistic (committee averaging, Araujo and New 2007); for it, each is fitted
    twice more, to halves of the points.
    """

    members: tuple[PresenceModel, ...]
    by: Way = "mean"
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or f"{self.by} of {len(self.members)} models"

    @property
    def probabilities(self) -> bool:
        return False

    def fit(self, points: Points) -> Scorer:
        return combined([(model, model.fit(points)) for model in self.members], points, self.by)


def combined(members: Sequence[tuple[PresenceModel, Scorer]], points: Points, by: Way) -> Scorer:
    """The ensemble of models that are fitted to the points already."""
    make = _voting if by == "committee" else standardised
    scorers = [make(model, scorer, points) for model, scorer in members]
    together = np.median if by == "median" else np.mean

    def score(cells: Cells) -> NDArray[np.float32]:
        found: NDArray[np.float32] = together(np.stack([one(cells) for one in scorers]), axis=0).astype(np.float32)
        return found

    return score


def standardised(model: PresenceModel, scorer: Scorer, points: Points) -> Callable[[Cells], NDArray[np.float64]]:
    """A fitted model's scores (n, taxa), or log odds, with mean 0 and variance 1 over the background of the points."""
    weight = points.background_weight
    behind = _odds(model, scorer(points.background))
    mean = np.average(behind, axis=0, weights=weight)
    deviation = np.sqrt(np.average(np.square(behind - mean), axis=0, weights=weight))
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    return lambda cells: (_odds(model, scorer(cells)) - mean) / deviation


def _voting(model: PresenceModel, scorer: Scorer, points: Points) -> Callable[[Cells], NDArray[np.float64]]:
    """1 where a fitted model's score is at its threshold or above it, else 0."""
    behind, threshold = _odds(model, scorer(points.background)), np.full(points.taxa, np.nan)
    for label, share in _shares(model, scorer, points).items():
        ordered = np.argsort(behind[:, label])
        below = np.cumsum(points.background_weight[ordered]) / points.background_weight.sum()
        threshold[label] = behind[ordered[min(int(np.searchsorted(below, share)), len(below) - 1)], label]

    def votes(cells: Cells) -> NDArray[np.float64]:
        odds = _odds(model, scorer(cells))
        return np.where(np.isnan(odds), np.nan, odds >= threshold)

    return votes


def _odds(model: PresenceModel, score: NDArray[np.float32]) -> NDArray[np.float64]:
    return log_odds(score) if model.probabilities else score.astype(np.float64)


def _shares(model: PresenceModel, scorer: Scorer, points: Points) -> dict[int, float]:
    """Of each taxon, the share of the background below the threshold with the highest true skill statistic.

    By points that were held out, in halves: those that a model learned from lie higher than any others would.
    """
    found: dict[int, list[NDArray[np.float64]]] = {}
    for part in held_out_blocks(points, folds=2):
        learned = model.fit(part.learned)
        behind, at = _odds(model, learned(part.learned.background)), _odds(model, learned(part.places))
        for label in np.flatnonzero(part.present.any(axis=0) & np.isfinite(behind).all(axis=0)).tolist():
            found.setdefault(label, []).append(_below(behind[:, label], at[part.present[:, label], label]))
    own, behind = _odds(model, scorer(points.presences)), _odds(model, scorer(points.background))
    best = {}
    for label in np.unique(points.taxon).tolist():
        below = np.concatenate(found.get(label, [_below(behind[:, label], own[points.taxon == label, label])]))
        tried = np.sort(below)
        skill = 1 - np.arange(len(tried)) / len(tried) - (1 - tried)
        best[label] = float(tried[int(np.argmax(skill))])
    return best


def _below(behind: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) share of the background with a lower score than each, and half of that with the same."""
    ordered = np.sort(behind)
    twice = np.searchsorted(ordered, at) + np.searchsorted(ordered, at, "right")
    below: NDArray[np.float64] = twice / (2 * len(behind))
    return below
