"""The down-sampled random forest (Valavi et al. 2021): every tree sees as many background places as presences."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer, one_by_one_weighted
from birdsat.ranges.points import COORDINATES, Points


@dataclass(frozen=True, kw_only=True, slots=True)
class DownSampledForest:
    """A random forest of each taxon, as `randomForest(sampsize = c(n, n), replace = TRUE)` grows it for n points.

    Each tree draws n of the points and n of the background with replacement, grows until its leaves are pure, and tries
    the square root of the columns at each split. scikit-learn's own forests weigh classes, but draw no two samples of
    one size.
    """

    columns: tuple[str, ...] = (COORDINATES,)
    trees: int = 1000  # Valavi et al. (2022), the comparison on the benchmark's data
    seed: int = 0
    label: str = ""
    probabilities: bool = True

    @property
    def name(self) -> str:
        return self.label or f"down-sampled random forest on {' + '.join(self.columns)}"

    def fit(self, points: Points) -> Scorer:
        return one_by_one_weighted(points, ScaledColumns.fit(points.background, self.columns), self._fit_one)

    def _fit_one(
        self, at: NDArray[np.float64], background: NDArray[np.float64], weight: NDArray[np.float64]
    ) -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
        generator, n = np.random.default_rng(self.seed), len(at)
        at, background = at.astype(np.float32), background.astype(np.float32)
        y, share = np.repeat([1, 0], n), weight / weight.sum()
        trees = []
        for number in range(self.trees):
            drawn = generator.integers(n, size=n), generator.choice(len(background), n, p=share)
            x = np.concatenate([at[drawn[0]], background[drawn[1]]])
            tree = DecisionTreeClassifier(max_features="sqrt", random_state=self.seed + number)
            trees.append(tree.fit(x, y, check_input=False).tree_)

        def score(asked: NDArray[np.float64]) -> NDArray[np.float32]:
            table, total = np.ascontiguousarray(asked, dtype=np.float32), np.zeros(len(asked))
            for tree in trees:
                total += tree.predict(table)[:, 1]
            return (total / len(trees)).astype(np.float32)

        return score
