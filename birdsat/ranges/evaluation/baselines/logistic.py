"""Logistic regression of points against background."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from birdsat.errors import ConfigError
from birdsat.ranges.covariates.named import CHIP
from birdsat.ranges.evaluation.learning import CHIP_COMPONENTS, ScaledColumns, Scorer, one_by_one, raster_sets
from birdsat.ranges.evaluation.registry import ModelSettings
from birdsat.ranges.points import COORDINATES, Points

_MOST_SQUARED = 50  # columns; with their squares and products that is 1,325


@dataclass(frozen=True, kw_only=True, slots=True)
class QuadraticLogistic:
    """A logistic regression of each taxon on columns, their squares and their products.

    Columns are standardised before and after they are multiplied. Points and background weigh the same in sum, so that
    the value is not a probability of presence but rises with it.
    """

    columns: tuple[str, ...] = (COORDINATES,)
    components: int | None = None  # that chip features are brought down to; None: as they are
    c: float = 1.0  # inverse strength of the penalty, as in scikit-learn
    quadratic: bool = True  # False: the columns as they are, as for embeddings
    or_plain: bool = False  # more columns than can be squared are taken as they are, and are not an error
    label: str = ""  # in tables; the columns where empty
    probabilities: bool = False

    def __post_init__(self) -> None:
        if not self.c > 0:
            raise ConfigError(f"c is {self.c}; it must be above 0.")

    @property
    def name(self) -> str:
        return f"logistic regression on {self.label or ' + '.join(self.columns)}"

    def fit(self, points: Points) -> Scorer:
        scaled = ScaledColumns.fit(points.background, self.columns, self.components)
        background = scaled(points.background)
        too_many = background.shape[1] > _MOST_SQUARED
        if self.quadratic and too_many and not self.or_plain:
            raise ConfigError(
                f"{', '.join(self.columns)} are {background.shape[1]} columns; up to {_MOST_SQUARED} can be squared "
                "and multiplied with each other. Set quadratic to False."
            )
        degree = 2 if self.quadratic and not too_many else 1
        squares = make_pipeline(PolynomialFeatures(degree, include_bias=False), StandardScaler())
        squares.fit(background)
        return one_by_one(points, lambda cells: squares.transform(scaled(cells)), self._fit_one)

    def _fit_one(
        self, at: NDArray[np.float64], background: NDArray[np.float64]
    ) -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
        x = np.concatenate([at, background])
        y = np.repeat([1, 0], [len(at), len(background)])
        # The same optimum as the default solver's, in a few Newton steps: there are more rows than columns.
        solver = "newton-cholesky" if x.shape[1] < len(x) else "lbfgs"
        model = LogisticRegression(C=self.c, class_weight="balanced", solver=solver, max_iter=1000).fit(x, y)

        def score(asked: NDArray[np.float64]) -> NDArray[np.float32]:
            logit: NDArray[np.float32] = model.decision_function(asked).astype(np.float32)
            return logit

        return score


def logistic_coordinates(settings: ModelSettings) -> tuple[QuadraticLogistic, ...]:
    """On coordinates."""
    return (QuadraticLogistic(),)


def logistic_chip(settings: ModelSettings) -> tuple[QuadraticLogistic, ...]:
    """On chip features and coordinates, as the range network."""
    return (QuadraticLogistic(columns=(CHIP, COORDINATES), components=CHIP_COMPONENTS),)


def logistic_rasters(settings: ModelSettings) -> tuple[QuadraticLogistic, ...]:
    """On each set of columns."""
    return tuple(QuadraticLogistic(columns=names) for names in raster_sets(settings.rasters))
