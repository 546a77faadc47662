"""Probabilities of all taxa of a range model over a region, of some cells and some taxa at a time."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.region import Region
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.model import RangeFeatures, RangeModel

_GROUP = 256  # taxa at once
_NUMBERS = 1 << 23  # of one array that is held while some cells are worked on

Groups = Iterator[NDArray[np.float32]]  # (taxa of a group, months, c) suitabilities, group after group


def iter_taxa(
    model: RangeModel, region: Region, taxa: Sequence[str], months: Sequence[int]
) -> Iterator[tuple[RangeFeatures, Groups]]:
    """Cells, and all taxa's suitabilities there; their areas of applicability are not asked.

    So few cells at once that neither the members' suitabilities of a group of taxa nor the suitabilities of all taxa
    hold more than _NUMBERS: memory grows neither with the grid nor with the taxa.
    """
    a_cell = len(months) * max(model.network.config.members * min(len(taxa), _GROUP), len(taxa))
    size = max(1, _NUMBERS // a_cell)
    for block in iter_features(model, region):
        for start in range(0, len(block), size):
            some = block[start : start + size]
            yield some, _groups(model, some, taxa, months)


def _groups(model: RangeModel, block: RangeFeatures, taxa: Sequence[str], months: Sequence[int]) -> Groups:
    for first in range(0, len(taxa), _GROUP):
        for found in model.predict([block], taxa[first : first + _GROUP], months, applicability=False):
            yield found.suitability
