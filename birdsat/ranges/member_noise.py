"""Under how much noise the members of a range network learn, by how many points the taxa have."""

import math
from dataclasses import replace

import numpy as np

from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points

FEW_POINTS = 16  # of a taxon, the median of a fit: so many or fewer are learned from under all the noise


def with_noise(settings: RangeNetworkConfig, points: Points) -> RangeNetworkConfig:
    """The settings, with less noise where taxa have more than `FEW_POINTS`: the last member's falls as the error of a
    mean does, down to the first's.

    Noise keeps few points from being learned by heart, and blurs ranges of which many points tell more.
    """
    counts = np.bincount(points.taxon)
    median = float(np.median(counts[counts > 0])) if counts.any() else 0.0
    if median <= FEW_POINTS:
        return settings
    first, last = settings.noise
    return replace(settings, noise=(first, max(min(first, last), last * math.sqrt(FEW_POINTS / median))))
