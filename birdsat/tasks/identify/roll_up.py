"""The finest name that is sure enough: the species, or else its genus, or else its family, or else a bird."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from birdsat.tasks.identify.answers import RolledUp
from birdsat.tasks.identify.taxon_groups import GROUP_RANKS, TaxonGroups

BIRDS = "Aves"
NEVER = 2.0  # a threshold that no probability reaches
_DOUBT = 0.1  # chance that names are right less often than promised, as val is but a sample
_STEPS = 200


@dataclass(frozen=True)
class RollUp:
    """Groups of t taxa, and which of their names to give."""

    groups: TaxonGroups

    @cached_property
    def _ranks(self) -> list[tuple[NDArray[np.int64], tuple[str, ...]]]:
        return [self.groups.numbers(rank) for rank in GROUP_RANKS]

    def best(self, probability: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(n, 3) probability of the likeliest species, genus and family, and (n, 3) their numbers; a group without a
        name has none, and is never given."""
        score, number = np.zeros((len(probability), 3)), np.zeros((len(probability), 3), dtype=np.int64)
        for rank, (group, names) in enumerate(self._ranks):
            held = np.zeros((len(probability), len(names)))
            np.add.at(held.T, group, probability.T)
            held[:, [not name for name in names]] = 0
            number[:, rank] = held.argmax(axis=1)
            score[:, rank] = np.minimum(held.max(axis=1), 1)
        return score, number

    def right(self, number: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n, 3) whether the groups (n, 3) are those of the true taxa (n,)."""
        own = np.stack([group[labels] for group, _ in self._ranks], axis=1)
        same: NDArray[np.bool_] = number == own
        return same

    def names(self, probability: NDArray[np.float64], threshold: float) -> list[RolledUp]:
        """The finest name of each row (n, t) whose probability passes."""
        score, number = self.best(probability)
        found = []
        for row, rank in enumerate(finest(score, threshold).tolist()):
            if rank == len(GROUP_RANKS):
                found.append(RolledUp(rank="class", name=BIRDS, score=1.0))
            else:
                name = self._ranks[rank][1][number[row, rank]]
                found.append(RolledUp(rank=GROUP_RANKS[rank], name=name, score=float(score[row, rank])))
        return found


def finest(score: NDArray[np.floating], threshold: float) -> NDArray[np.int64]:
    """(n,) which of the ranks (n, 3), from fine to coarse, is the first to pass; 3 where none does."""
    passes = score >= threshold
    first: NDArray[np.int64] = np.where(passes.any(axis=1), passes.argmax(axis=1), score.shape[1])
    return first


def roll_up_threshold(score: NDArray[np.floating], right: NDArray[np.bool_], sure: float) -> float:
    """The lowest threshold at which the names that are given are right at the rate `sure`, for scores (n, 3) and
    whether these are right (n, 3).

    Thresholds are tried from the highest down. A rate is believed when names so often right would be had by chance, at
    a lower rate, once in ten times; after the first threshold that is believed, the first that is not ends the search
    (after Angelopoulos et al. 2021, "Learn then test", section 4, fixed sequences with binomial tails). NEVER where
    even the surest names are not right so often, or there are too few of them to tell.
    """
    chosen, started = NEVER, False
    for threshold in np.linspace(1, 0, _STEPS + 1):
        rank = finest(score, threshold)
        named = rank < score.shape[1]
        given = int(named.sum())
        hits = int(right[named, rank[named]].sum())
        believed = hits > 0 and float(bdtrc(hits - 1, given, sure)) <= _DOUBT
        if believed:
            chosen, started = float(threshold), True
        elif started:
            break
    return chosen
