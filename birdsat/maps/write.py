"""Maps as files that a GIS opens."""

import calendar
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import Grid
from birdsat.earth.raster import write_cog

SCORE = "cosine of the taxon's mean photo embedding and the embedding of chip, place and mid-month; not a probability"


def write_map(
    path: Path, grid: Grid, months: Sequence[int], score: NDArray[np.float32], *, taxon: str, model: str
) -> None:
    """Write one taxon's score (months, rows, columns) as a Cloud-Optimised GeoTIFF, a band named for each month.

    NaN, where there is no imagery, is nodata. model: the run the scores came from. The tags name taxon, model and
    what the score is. Raises InputError when the shapes do not fit.
    """
    tags = {"taxon": taxon, "model": model, "months": ",".join(map(str, months)), "score": SCORE}
    names = [calendar.month_name[month] for month in months]
    write_cog(path, score, grid, band_names=names, tags=tags)
