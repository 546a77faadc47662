"""Background where people looked: the places of all taxa that the same people would have recorded."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from birdsat.ranges.evaluation.learning import PresenceModel, Scorer
from birdsat.ranges.points import Cells, Points


def target_group(points: Points, share: float = 1.0) -> Points:
    """The points against so large a share of background where somebody looked, and the rest of it as it was.

    Target-group background (Phillips et al. 2009): all different places with a presence of any taxon, each once, so
    that what observers choose is not taken for what taxa choose. Where a single taxon has points, its own would be its
    background, and nothing is changed.
    """
    if share == 0 or len(np.unique(points.taxon)) < 2:
        return points
    _, first = np.unique(points.presences.lon_lat, axis=0, return_index=True)
    looked, weight = points.presences.take(np.sort(first)), points.background_weight
    there = np.ones(len(looked), np.bool_)
    if share == 1:
        return _with_background(points, looked, np.ones(len(looked)), there)
    both = Cells(
        lon_lat=np.concatenate([points.background.lon_lat, looked.lon_lat]),
        columns={
            name: np.concatenate([values, looked.columns[name]]) for name, values in points.background.columns.items()
        },
    )
    weights = np.concatenate([(1 - share) * weight / weight.sum(), np.full(len(looked), share / len(looked))])
    return _with_background(points, both, weights, np.concatenate([np.zeros(len(weight), np.bool_), there]))


def _with_background(
    points: Points, background: Cells, weight: NDArray[np.float64], looked: NDArray[np.bool_]
) -> Points:
    return replace(
        points,
        background=background,
        background_weight=weight,
        background_area=np.ones(len(background)),
        background_looked=looked,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroup:
    """A model on target-group background."""

    model: PresenceModel
    share: float = 1.0
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or f"{self.model.name}, target group"

    @property
    def probabilities(self) -> bool:
        return self.model.probabilities

    def fit(self, points: Points) -> Scorer:
        return self.model.fit(target_group(points, self.share))
