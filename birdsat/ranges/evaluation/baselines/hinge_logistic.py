"""Logistic regression on columns bent at knots: MaxEnt's features, with a ridge penalty in place of the lasso."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from birdsat.ranges.evaluation.hinges import KNOTS, Hinges
from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer, balanced_rows, one_by_one_weighted
from birdsat.ranges.points import COORDINATES, Points


@dataclass(frozen=True, kw_only=True, slots=True)
class HingeLogistic:
    """A logistic regression of each taxon on `Hinges` of columns; points weigh as much as the background in sum.

    A fit to points against background, as MaxEnt's is in the limit (Fithian and Hastie 2013); ridge in place of lasso
    keeps all hinges at small steps, which is smoother, and has one optimum that Newton's steps find quickly.
    """

    columns: tuple[str, ...] = (COORDINATES,)
    c: float = 0.1  # inverse strength of the penalty
    knots: int = KNOTS
    label: str = ""
    probabilities: bool = False

    @property
    def name(self) -> str:
        return self.label or f"hinge regression on {' + '.join(self.columns)}"

    def fit(self, points: Points) -> Scorer:
        scaled = ScaledColumns.fit(points.background, self.columns)
        hinges = Hinges.fit(scaled(points.background), points.background_weight, self.knots)
        return one_by_one_weighted(points, lambda cells: hinges(scaled(cells)), self._fit_one)

    def _fit_one(
        self, at: NDArray[np.float64], background: NDArray[np.float64], weight: NDArray[np.float64]
    ) -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
        x, y, rows = balanced_rows(at, background, weight)
        model = LogisticRegression(C=self.c, solver="newton-cholesky", max_iter=200).fit(x, y, sample_weight=rows)

        def score(asked: NDArray[np.float64]) -> NDArray[np.float32]:
            logit: NDArray[np.float32] = model.decision_function(asked).astype(np.float32)
            return logit

        return score
