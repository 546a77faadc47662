"""Maps of a migrant whose ranges are known cell by cell: breeding in the north, in winter in the south."""

from pathlib import Path

import numpy as np

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.maps.description import SUITABILITY, MapDescription
from birdsat.maps.making import Making
from birdsat.maps.map_file import create_map

YEAR = tuple(range(1, 13))
GRID = Grid(Box(0, 10, 20, 50), 1)  # 40 rows, the first in the north
THRESHOLDS = {"p10": 0.4, "max_sss": 0.45, "equal": 0.6, "prevalence": 0.5}
LATITUDE = {1: 15, 2: 15, 3: 20, 4: 30, 5: 40, 6: 45, 7: 45, 8: 40, 9: 30, 10: 20, 11: 15, 12: 15}  # of its middle


def write_map(
    path: Path,
    *,
    months: tuple[int, ...] = YEAR,
    grid: AnyGrid = GRID,
    taxon: str = "Passerina cyanea",
    making: Making | None = None,
    **changes: object,
) -> Path:
    """0.8 within four degrees of the month's middle, east of the first two columns, 0.2 elsewhere; spread 0.4 in the
    last column, else 0.01; outside the area of applicability in the third column; no value in the first row."""
    making = Making(thresholds=THRESHOLDS, thresholds_of="50 held-out points") if making is None else making
    fields = {
        "title": taxon,
        "grid": grid,
        "months": months,
        "quantity": SUITABILITY,
        "model": "fit to occurrences on a made world",
        "std": True,
        "applicability": True,
        "making": making,
    }
    about = MapDescription(**(fields | changes))  # type: ignore[arg-type]
    near = [np.abs(grid.lat - LATITUDE[month]) <= 4 for month in months or (6,)]
    value = np.where(np.stack(near)[:, :, None], 0.8, 0.2) * np.ones(grid.columns)
    value[:, :, :2] = 0.2
    value[:, 0] = np.nan
    bands = [value]
    std = np.where(np.isnan(value), np.nan, 0.01)
    std[:, 1:, -1] = 0.4
    if about.std:
        bands.append(std)
    if about.interval is not None:
        bands += [value - std, value + std]
    if about.applicability:
        inside = np.ones((1, *grid.shape))
        inside[:, :, 2] = 0
        bands.append(inside)
    with create_map(path, about) as sink:
        sink.write(0, np.concatenate(bands).astype(np.float32))
    return path
