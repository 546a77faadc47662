"""Background where people looked: the places of all taxa that the same people would have recorded."""

from dataclasses import dataclass, replace

import numpy as np

from birdsat.ranges.evaluation.learning import PresenceModel, Scorer
from birdsat.ranges.points import Points


def target_group(points: Points) -> Points:
    """The points against background where somebody looked.

    Target-group background (Phillips et al. 2009): all different places with a presence of any taxon, each once, so
    that what observers choose is not taken for what taxa choose. Where a single taxon has points, its own would be its
    background, and nothing is changed. A benchmark's places are sites without dates, at which all of a group are
    recorded; the background of a fit to records, by visits, is that of `birdsat.ranges.effort`.
    """
    if len(np.unique(points.taxon)) < 2:
        return points
    _, first = np.unique(points.presences.lon_lat, axis=0, return_index=True)
    looked = points.presences.take(np.sort(first))
    return replace(
        points,
        background=looked,
        background_weight=np.ones(len(looked)),
        background_area=np.ones(len(looked)),
        background_looked=np.ones(len(looked), np.bool_),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroup:
    """A model on target-group background."""

    model: PresenceModel
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or f"{self.model.name}, target group"

    @property
    def probabilities(self) -> bool:
        return self.model.probabilities

    def fit(self, points: Points) -> Scorer:
        return self.model.fit(target_group(points))
