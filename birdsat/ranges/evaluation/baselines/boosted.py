"""Boosted regression trees (Elith, Leathwick and Hastie 2008), as scikit-learn's histograms grow them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer, balanced_rows, one_by_one_weighted
from birdsat.ranges.points import COORDINATES, Points


@dataclass(frozen=True, kw_only=True, slots=True)
class BoostedTrees:
    """Boosted trees of each taxon; points weigh as much as the background in sum."""

    columns: tuple[str, ...] = (COORDINATES,)
    learning_rate: float = 0.05
    trees: int = 100
    leaves: int = 5  # of a tree, as its complexity in Elith et al.
    seed: int = 0
    label: str = ""
    probabilities: bool = True

    @property
    def name(self) -> str:
        return self.label or f"boosted trees on {' + '.join(self.columns)}"

    def fit(self, points: Points) -> Scorer:
        return one_by_one_weighted(points, ScaledColumns.fit(points.background, self.columns), self._fit_one)

    def _fit_one(
        self, at: NDArray[np.float64], background: NDArray[np.float64], weight: NDArray[np.float64]
    ) -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
        x, y, rows = balanced_rows(at, background, weight)
        model = HistGradientBoostingClassifier(
            learning_rate=self.learning_rate,
            max_iter=self.trees,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=5,
            early_stopping=False,
            random_state=self.seed,
        ).fit(x, y, sample_weight=rows)
        return lambda asked: model.predict_proba(asked)[:, 1].astype(np.float32)
