"""Recall at k and median rank, each beside what a random order would give."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KS = (1, 5, 10)


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


def _no_hit(gallery: int, right: int, k: int) -> float:
    wrong = gallery - right
    if k > wrong:
        return 0.0
    lg = math.lgamma
    return math.exp(lg(wrong + 1) - lg(wrong - k + 1) - lg(gallery + 1) + lg(gallery - k + 1))
