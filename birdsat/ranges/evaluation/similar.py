"""The cells most alike by chip features and place, as a range network sees them."""

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from birdsat.ranges.evaluation.learning import Scorer
from birdsat.ranges.points import Cells
from birdsat.ranges.projection import PLACE_SHARE, InputProjection


def mean_of_similar(
    cells: Cells, values: NDArray[np.generic], *, column: str, k: int, place_share: float = PLACE_SHARE
) -> Scorer:
    """What scores cells by the mean of the values (n, taxa) of the k of these n cells that are most alike.

    column: name of the chip features. place_share: of the variance of both, that the place brings.
    """
    chip = cells.table((column,)).astype(np.float32)
    scale = InputProjection.fit(chip, cells.lon_lat, chip.shape[1] + 3, place_share=place_share)
    near = NearestNeighbors(n_neighbors=min(k, len(cells))).fit(scale(chip, cells.lon_lat).numpy())

    def score(asked: Cells) -> NDArray[np.float32]:
        inputs = scale(asked.table((column,)).astype(np.float32), asked.lon_lat)
        found = near.kneighbors(inputs.numpy(), return_distance=False)
        mean: NDArray[np.float32] = values[found].mean(axis=1).astype(np.float32)
        return mean

    return score
