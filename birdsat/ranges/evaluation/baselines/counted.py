"""Models of how many individuals are counted, log(1 + mean count), on chip features and place."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from birdsat.ranges.evaluation.baselines.surveyed import CHIP_PLACE
from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer, each_taxon, none_elsewhere
from birdsat.ranges.evaluation.registry import ModelSettings
from birdsat.ranges.evaluation.similar import mean_of_similar
from birdsat.ranges.points import Cells

_Inputs = NDArray[np.float64]  # (n, f)


@dataclass(frozen=True, kw_only=True, slots=True)
class CountRidge:
    """A ridge regression of each taxon on standardised columns."""

    columns: tuple[str, ...] = CHIP_PLACE
    alpha: float = 300.0  # strength of the penalty, as in scikit-learn
    probabilities: bool = False

    @property
    def name(self) -> str:
        return f"ridge regression of counts on {' + '.join(self.columns)}"

    def fit(self, cells: Cells, counts: NDArray[np.floating]) -> Scorer:
        scaled = ScaledColumns.fit(cells, self.columns)
        model = Ridge(alpha=self.alpha).fit(scaled(cells), np.log1p(counts))

        def score(asked: Cells) -> NDArray[np.float32]:
            predicted: NDArray[np.floating] = model.predict(scaled(asked))
            return predicted.reshape(len(asked), -1).astype(np.float32)

        return none_elsewhere(score, cells, counts)


@dataclass(frozen=True, kw_only=True, slots=True)
class CountTrees:
    """Boosted trees of each taxon (scikit-learn's histogram gradient boosting)."""

    columns: tuple[str, ...] = CHIP_PLACE
    learning_rate: float = 0.05
    trees: int = 100
    leaves: int = 8  # of a tree, at most
    leaf: int = 10  # cells in a leaf, at least
    seed: int = 0
    probabilities: bool = False

    @property
    def name(self) -> str:
        return f"boosted trees of counts on {' + '.join(self.columns)}"

    def fit(self, cells: Cells, counts: NDArray[np.floating]) -> Scorer:
        def fit_one(inputs: _Inputs, logs: NDArray[np.generic]) -> Callable[[_Inputs], NDArray[np.floating]]:
            model = HistGradientBoostingRegressor(
                learning_rate=self.learning_rate,
                max_iter=self.trees,
                max_leaf_nodes=self.leaves,
                min_samples_leaf=self.leaf,
                early_stopping=False,
                random_state=self.seed,
            ).fit(inputs, logs)
            predict: Callable[[_Inputs], NDArray[np.floating]] = model.predict
            return predict

        logs, labels = np.log1p(counts), range(counts.shape[1])
        score = each_taxon(cells.table(self.columns), logs, labels, fit_one, lambda asked: asked.table(self.columns))
        return none_elsewhere(score, cells, counts)


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarCounts:
    """The mean over the k cells most alike by chip features and place, as a range network sees them."""

    columns: str = "chip"
    k: int = 5
    probabilities: bool = False

    @property
    def name(self) -> str:
        return f"counts of the {self.k} most similar by {self.columns} + place"

    def fit(self, cells: Cells, counts: NDArray[np.floating]) -> Scorer:
        return mean_of_similar(cells, np.log1p(counts), column=self.columns, k=self.k)


def ridge_counts(settings: ModelSettings) -> tuple[CountRidge, ...]:
    """On chip features and coordinates."""
    return (CountRidge(),)


def boosted_counts(settings: ModelSettings) -> tuple[CountTrees, ...]:
    """On chip features and coordinates."""
    return (CountTrees(seed=settings.seed),)


def similar_counts(settings: ModelSettings) -> tuple[SimilarCounts, ...]:
    """Neighbours by chip and place."""
    return (SimilarCounts(),)
