"""Background: the places that a fit tells presences from."""

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.region import Region
from birdsat.observations.occurrence_grid import effort
from birdsat.observations.occurrences import Occurrences

CELLS = 20_000  # at most
LOOKED_SHARE = 0.5  # of the background, where somebody looked


def draw_background(
    region: Region, everything: Occurrences, *, most: int = CELLS, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cells (b,), and how often each is to be drawn: LOOKED_SHARE of the draws where somebody looked, others anywhere.

    Anywhere, by area; where somebody looked, by the records of all taxa there, so that places are not taken for good
    ones because observers go there (target-group background, Phillips et al. 2009). Where one taxon is all there is,
    its own records say nothing of that, and every draw is anywhere.
    """
    random = np.random.default_rng(seed)
    grid = region.grid
    anywhere = region.cells()
    anywhere = random.choice(anywhere, min(most, len(anywhere)), replace=False)
    looked = effort(everything, grid)
    cells = np.union1d(anywhere, looked.cells) if len(everything.taxa) > 1 else np.sort(anywhere)
    area = np.where(np.isin(cells, anywhere), grid.cell_area(cells), 0.0)
    weight = area / area.sum()
    if len(everything.taxa) > 1:
        seen = looked.weight(cells)
        weight = (1 - LOOKED_SHARE) * weight + LOOKED_SHARE * seen / max(seen.sum(), 1.0)
    return cells, weight
