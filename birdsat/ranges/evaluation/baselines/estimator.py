"""Any classifier of scikit-learn's kind, a taxon at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.ranges.estimators import fit_one, parse_estimator, short_text, takes_weights, with_seed
from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer, one_by_one_weighted
from birdsat.ranges.evaluation.registry import ModelSettings
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points
from birdsat.ranges.projection import InputProjection

_Table = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class EstimatorModel:
    """A classifier of each taxon: its points are 1, the background is 0, and both weigh the same in sum.

    It reads what a range network would: the principal components of chip features and place, where there are chips, and
    columns, standardised over the background. Where `fit` takes no weights, the background is drawn by its own, and all
    rows count alike.
    """

    text: str  # as of `parse_estimator`
    chip: str | None = None  # columns of chip features, read with place; None: neither is read
    columns: tuple[str, ...] = ()
    seed: int = 0
    label: str = ""  # in tables; the text and the columns where empty
    probabilities: bool = True

    @property
    def name(self) -> str:
        read = [*([] if self.chip is None else [self.chip, "place"]), *self.columns]
        return self.label or f"{short_text(self.text)} on {' + '.join(read)}"

    def fit(self, points: Points) -> Scorer:
        estimator = with_seed(parse_estimator(self.text), self.seed)
        return one_by_one_weighted(
            points,
            self._inputs(points),
            lambda at, background, weight: fit_one(estimator, at, background, weight),
            weighted=takes_weights(estimator),
        )

    def _inputs(self, points: Points) -> Callable[[Cells], _Table]:
        behind = points.background
        scaled = ScaledColumns.fit(behind, self.columns) if self.columns else None
        if self.chip is None:
            assert scaled is not None
            return scaled
        features, most = behind.columns[self.chip].astype(np.float32), RangeNetworkConfig().inputs
        projection, chip = InputProjection.fit(features, behind.lon_lat, most), self.chip

        def inputs(cells: Cells) -> _Table:
            seen = projection(cells.columns[chip].astype(np.float32), cells.lon_lat).numpy().astype(np.float64)
            return seen if scaled is None else np.concatenate([seen, scaled(cells)], axis=1)

        return inputs


def own_model(text: str, settings: ModelSettings) -> EstimatorModel:
    """A classifier on what a range network reads, and all rasters. Raises ConfigError for a text of none."""
    parse_estimator(text)
    return EstimatorModel(text=text, chip="chip", columns=settings.rasters, seed=settings.seed)
