"""Columns bent at knots: what lets a linear model, and helps a network, to follow an optimum or a threshold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KNOTS = 8  # of each column, at even quantiles


@dataclass(frozen=True, slots=True)
class Hinges:
    """Each column, its square, and hinges that rise from each knot and fall to each (Phillips and Dudik 2008).

    Columns are held within the range that they were fitted on, so that nothing is carried on beyond it. A column of one
    or two values, as of a class, is taken as it is. All that comes out has mean 0, and the columns of one covariate
    together the variance 1, so that one that is bent weighs no more than one that is not.
    """

    knots: tuple[NDArray[np.float64] | None, ...]
    mean: NDArray[np.float64]
    factor: NDArray[np.float64]

    @classmethod
    def fit(cls, table: NDArray[np.float64], weight: NDArray[np.float64], knots: int = KNOTS) -> "Hinges":
        """table (n, f) without NaN, weight (n,): how often each row comes."""
        drawn = table[np.random.default_rng(0).choice(len(table), len(table), p=weight / weight.sum())]
        at = tuple(_knots(column, knots) for column in drawn.T)
        columns = [_bent(table[:, number], some) for number, some in enumerate(at)]
        bent = np.concatenate(columns, axis=1)
        mean = np.average(bent, axis=0, weights=weight)
        deviation = np.sqrt(np.average(np.square(bent - mean), axis=0, weights=weight))
        size = np.concatenate([np.full(one.shape[1], np.sqrt(one.shape[1])) for one in columns])
        varies = deviation > 1e-9 * (1 + np.abs(mean))
        return cls(at, mean, np.where(varies, 1 / np.where(varies, deviation * size, 1.0), 0.0))

    def __call__(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, f) -> (n, g)."""
        bent = np.concatenate([_bent(table[:, number], some) for number, some in enumerate(self.knots)], axis=1)
        out: NDArray[np.float64] = (bent - self.mean) * self.factor
        return out


def _knots(column: NDArray[np.float64], knots: int) -> NDArray[np.float64] | None:
    if len(np.unique(column)) <= 2:
        return None
    return np.unique(np.quantile(column, np.linspace(0, 1, knots + 2)))


def _bent(column: NDArray[np.float64], knots: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if knots is None or len(knots) < 2:
        return column[:, None]
    least, most = knots[0], knots[-1]
    x = np.clip(column, least, most)[:, None]
    rising = np.maximum(x - knots[:-1], 0) / (most - knots[:-1])
    falling = np.maximum(knots[1:] - x, 0) / (knots[1:] - least)
    return np.concatenate([x, np.square(x), rising, falling], axis=1)
