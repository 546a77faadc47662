"""How the columns of a source are brought to one scale, so that sources side by side have as much to say as another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CONSTANT = 1e-7  # of a column's mean: what differs by less, differs by rounding
_UNLIKE = 20.0  # times the median deviation: columns of which one varies more are in units of their own


class ColumnFigures:
    """Mean and variance of every column over rows that come in blocks; NaN is not counted."""

    def __init__(self, width: int) -> None:
        self.rows = 0
        self.known = np.zeros(width, dtype=np.int64)  # of the rows, in each column
        self.mean = np.zeros(width)
        self._squares = np.zeros(width)  # of the distances to the mean, summed

    def add(self, values: NDArray[np.float64]) -> None:
        """More rows (n, width)."""
        there = np.isfinite(values)
        count = there.sum(axis=0)
        mean = np.where(there, values, 0).sum(axis=0) / np.maximum(count, 1)
        squares = np.square(np.where(there, values - mean, 0)).sum(axis=0)
        both = np.maximum(self.known + count, 1)
        apart = mean - self.mean
        # Chan and others 1979, equation 1.5
        self._squares += squares + np.square(apart) * self.known * count / both
        self.mean += apart * count / both
        self.known += count
        self.rows += len(values)

    @property
    def variance(self) -> NDArray[np.float64]:
        """(width,) over all rows, those that are not known at the mean."""
        return np.asarray(self._squares / max(1, self.rows))

    @property
    def missing(self) -> int:
        """Numbers that are not known."""
        return self.rows * len(self.known) - int(self.known.sum())


@dataclass(frozen=True, slots=True)
class Scaling:
    """Columns minus their mean, times a weight: together of variance 1. A column that is constant becomes 0.

    The numbers of a vector keep their own scale, on which what varies little says little. Columns in units of their
    own, such as degrees beside millimetres, have none in common: each is brought to the same variance.
    """

    mean: NDArray[np.float64]  # (width,)
    weight: NDArray[np.float64]  # (width,); 0: constant, or nowhere known
    own_units: bool  # whether each was brought to the same variance

    @classmethod
    def of(cls, figures: ColumnFigures, *, is_vector: bool) -> "Scaling":
        """is_vector: the columns are of one vector, and not of units of their own, however unlike they are."""
        variance = figures.variance
        std = np.sqrt(variance)
        varied = std > _CONSTANT * np.abs(figures.mean)
        own_units = not is_vector and bool(varied.any()) and std.max() > _UNLIKE * np.median(std[varied])
        weight = np.where(varied, 1 / np.where(varied & own_units, std, 1), 0)
        total = float((variance * np.square(weight)).sum())
        return cls(figures.mean, weight / np.sqrt(total) if total > 0 else weight, own_units)

    @property
    def constant(self) -> NDArray[np.bool_]:
        """(width,) which columns say nothing."""
        return np.asarray(self.weight == 0)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n, width) features of rows (n, width); what is not known is 0."""
        return np.nan_to_num((values - self.mean) * self.weight, nan=0.0).astype(np.float32)
