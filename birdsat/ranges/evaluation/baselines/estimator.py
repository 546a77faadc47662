"""Any classifier of scikit-learn's kind, a taxon at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from birdsat.ranges.estimators import parse_estimator, takes_weights, with_seed
from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer, one_by_one_weighted
from birdsat.ranges.points import COORDINATES, Points


@dataclass(frozen=True, kw_only=True, slots=True)
class EstimatorModel:
    """A classifier of each taxon: its points are 1, the background is 0, and both weigh the same in sum.

    Columns are standardised over the background. Where `fit` takes no weights, the background is drawn by its own, and
    all rows count alike.
    """

    text: str  # as of `parse_estimator`
    columns: tuple[str, ...] = (COORDINATES,)
    seed: int = 0
    label: str = ""  # in tables; the text and the columns where empty
    probabilities: bool = True

    @property
    def name(self) -> str:
        short = self.text.replace(":", ".").split("(")[0].rpartition(".")[2]
        inside = self.text.partition("(")[2].rpartition(")")[0]
        return self.label or f"{short}{f'({inside})' if inside else ''} on {' + '.join(self.columns)}"

    def fit(self, points: Points) -> Scorer:
        estimator = with_seed(parse_estimator(self.text), self.seed)
        weighted = takes_weights(estimator)

        def fit_one(
            at: NDArray[np.float64], background: NDArray[np.float64], weight: NDArray[np.float64]
        ) -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
            x, y = np.concatenate([at, background]), np.repeat([1, 0], [len(at), len(background)])
            # As many in sum as there are rows, of which penalties are told.
            rows = np.concatenate([np.full(len(at), 1 / len(at)), weight / weight.sum()]) * len(x) / 2
            model = clone(estimator)
            model = model.fit(x, y, sample_weight=rows) if weighted else model.fit(x, y)
            present = int(np.flatnonzero(model.classes_ == 1)[0])
            return lambda asked: np.asarray(model.predict_proba(asked)[:, present], dtype=np.float32)

        scaled = ScaledColumns.fit(points.background, self.columns)
        return one_by_one_weighted(points, scaled, fit_one, weighted=weighted)
