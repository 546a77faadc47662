"""Permutation importance (Breiman 2001, section 10) of chip, place and each covariate, on what was held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.facts import column_spans
from birdsat.ranges.covariates.named import COVARIATES
from birdsat.ranges.held_out import auc_by_member
from birdsat.ranges.model import RangeModel
from birdsat.tables import Table

REPEATS = 10  # of few taxa; of more, whose mean varies less, fewer
_LEAST_REPEATS, _TAXA_REPEATS = 3, 2000
_LOW, _HIGH = 5, 95  # percentiles


@dataclass(frozen=True, kw_only=True, slots=True)
class Importance:
    """How much worse points are told from background where a group of inputs is that of other places."""

    name: str  # chip, place, or the covariate's
    auc_lost: float  # the mean over members, taxa and repeats
    low: float  # the 5th percentile over members and repeats, each the mean over taxa
    high: float  # the 95th


@dataclass(frozen=True, kw_only=True, slots=True)
class Importances:
    """Of all groups of inputs, the most important first."""

    auc: float  # held out, with all inputs as they are: the mean over members and taxa
    repeats: int
    groups: tuple[Importance, ...]

    def table(self) -> Table:
        """A row a group."""
        table = Table(
            title="importance, on what was held out", columns=["shuffled", "AUC lost", f"{_LOW}%", f"{_HIGH}%"]
        )
        for one in self.groups:
            table.add_row(one.name, *(f"{figure:.3f}" for figure in (one.auc_lost, one.low, one.high)))
        table.caption = (
            f"AUC with nothing shuffled, the mean over members: {self.auc:.3f}; percentiles over members and "
            f"{self.repeats} repeats"
        )
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "auc": self.auc,
            "repeats": self.repeats,
            "groups": [
                {"name": one.name, "auc_lost": one.auc_lost, "low": one.low, "high": one.high} for one in self.groups
            ],
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Importances":
        """From what `to_dict` gave."""
        return cls(
            auc=plain["auc"], repeats=plain["repeats"], groups=tuple(Importance(**one) for one in plain["groups"])
        )


def permutation_importance(
    model: RangeModel, *, repeats: int | None = None, seed: int = 0, progress: Progress = QUIET
) -> Importances | None:
    """Of a model as its fit gave it; None where that held out no points, or none with background beside them.

    In each repeat a group of inputs is that of other places, drawn among points and background together, so that what
    it has in common with the others is lost. Groups that say the same stand in for each other, and each of them alone
    seems to matter less than both.
    """
    places = model.held_out
    if places is None:
        return None
    members, taxa = model.network.config.members, len(model.facts.taxa)
    repeats = repeats or max(_LEAST_REPEATS, min(REPEATS, _TAXA_REPEATS // taxa))
    before = auc_by_member(places.said(), members, taxa)
    if not np.isfinite(before).any():
        return None
    spans = dict(zip([one.name for one in places.names], column_spans(places.names), strict=True))
    groups = [name for name in model.facts.inputs if name != COVARIATES] + list(spans)
    found = []
    with progress.bar("shuffling inputs", len(groups) * repeats, unit="times") as bar:
        for name in groups:
            generator = np.random.default_rng(seed)  # the same orders for every group
            lost = []
            for _ in range(repeats):
                order = generator.permutation(len(places.lon_lat))
                shuffled = places.said(name, spans.get(name), order)
                lost.append(before - auc_by_member(shuffled, members, taxa))
                bar.advance()
            found.append(_importance(name, lost))
    return Importances(
        auc=float(np.nanmean(before)),
        repeats=repeats,
        groups=tuple(sorted(found, key=lambda one: (-one.auc_lost, one.name))),
    )


def _importance(name: str, lost: Sequence[NDArray[np.float64]]) -> Importance:
    some = [one[np.isfinite(one).any(axis=1)] for one in lost]  # members that held out any
    means = np.concatenate([np.nanmean(one, axis=1) for one in some])
    low, high = np.percentile(means, (_LOW, _HIGH))
    return Importance(name=name, auc_lost=float(np.nanmean(np.stack(lost))), low=float(low), high=float(high))
