"""Models of presence and absence in every cell, on chip features and place: each taxon by itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer, each_taxon
from birdsat.ranges.evaluation.registry import ModelSettings
from birdsat.ranges.points import COORDINATES, Cells

CHIP_PLACE = (COORDINATES, "chip")
_Inputs = NDArray[np.float64]  # (n, f)


@dataclass(frozen=True, kw_only=True, slots=True)
class SurveyLogistic:
    """A logistic regression of each taxon on standardised columns."""

    columns: tuple[str, ...] = CHIP_PLACE
    c: float = 0.1  # inverse strength of the penalty, as in scikit-learn
    probabilities: bool = True

    @property
    def name(self) -> str:
        return f"logistic regression on {' + '.join(self.columns)}"

    def fit(self, cells: Cells, presence: NDArray[np.bool_]) -> Scorer:
        scaled = ScaledColumns.fit(cells, self.columns)

        def fit_one(inputs: _Inputs, there: NDArray[np.generic]) -> Callable[[_Inputs], NDArray[np.floating]]:
            model = LogisticRegression(C=self.c, max_iter=1000).fit(inputs, there)
            return lambda asked: model.predict_proba(asked)[:, 1]

        return each_taxon(scaled(cells), presence, _told_apart(presence), fit_one, scaled)


@dataclass(frozen=True, kw_only=True, slots=True)
class SurveyTrees:
    """Boosted trees of each taxon (scikit-learn's histogram gradient boosting, with the settings that it has)."""

    columns: tuple[str, ...] = CHIP_PLACE
    learning_rate: float = 0.1
    trees: int = 100
    leaves: int = 31  # of a tree, at most
    leaf: int = 20  # cells in a leaf, at least
    seed: int = 0
    probabilities: bool = True

    @property
    def name(self) -> str:
        return f"boosted trees on {' + '.join(self.columns)}"

    def fit(self, cells: Cells, presence: NDArray[np.bool_]) -> Scorer:
        def fit_one(inputs: _Inputs, there: NDArray[np.generic]) -> Callable[[_Inputs], NDArray[np.floating]]:
            model = HistGradientBoostingClassifier(
                learning_rate=self.learning_rate,
                max_iter=self.trees,
                max_leaf_nodes=self.leaves,
                min_samples_leaf=self.leaf,
                early_stopping=False,
                random_state=self.seed,
            ).fit(inputs, there)
            return lambda asked: model.predict_proba(asked)[:, 1]

        return each_taxon(
            cells.table(self.columns),
            presence,
            _told_apart(presence),
            fit_one,
            lambda asked: asked.table(self.columns),
        )


def _told_apart(presence: NDArray[np.bool_]) -> list[int]:
    """Taxa that are in some cells (n, taxa) and not in others: of the rest there is nothing to learn."""
    labels: list[int] = np.flatnonzero(presence.any(axis=0) & ~presence.all(axis=0)).tolist()
    return labels


def logistic_chip_place(settings: ModelSettings) -> tuple[SurveyLogistic, ...]:
    """On chip features and coordinates."""
    return (SurveyLogistic(),)


def boosted_chip_place(settings: ModelSettings) -> tuple[SurveyTrees, ...]:
    """On chip features and coordinates."""
    return (SurveyTrees(seed=settings.seed),)
