"""Under how much noise the members of a range network learn, by how many points and taxa there are."""

import math
from dataclasses import replace

import numpy as np

from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points

FEW_POINTS = 16  # of a taxon, the median of a fit: so many or fewer are learned from under all the noise
MANY_POINTS = 100  # more count for no more
FEW_TAXA = 4  # of one alone a quarter of the points count, of two half of them


def with_noise(settings: RangeNetworkConfig, points: Points) -> RangeNetworkConfig:
    """The settings, with less noise where taxa have more than `FEW_POINTS`: the last member's falls as the error of a
    mean does, up to `MANY_POINTS`, but not below the first's.

    Noise keeps few points from being learned by heart, and blurs ranges of which many points tell more. Taxa share all
    layers but the last, so that each of many is learned from the points of all; one alone has its own.
    """
    counts = np.bincount(points.taxon)
    counts = counts[counts > 0]
    median = float(np.median(counts)) if len(counts) else 0.0
    counted = min(median, MANY_POINTS) * min(1.0, len(counts) / FEW_TAXA)
    if counted <= FEW_POINTS:
        return settings
    first, last = settings.noise
    return replace(settings, noise=(first, max(min(first, last), last * math.sqrt(FEW_POINTS / counted))))
