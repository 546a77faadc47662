"""Maps whose numbers tell where they lie, in both kinds of grid."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.maps.description import SUITABILITY, MapDescription
from birdsat.maps.map_file import create_map

OVER_ANTIMERIDIAN = Box(160, -50, -160, -10)
GRIDS: list[AnyGrid] = [
    Grid(Box(113, -44, 154, -10), 1),
    Grid(OVER_ANTIMERIDIAN, 0.5),
    EqualAreaGrid(OVER_ANTIMERIDIAN, 50),
    EqualAreaGrid(Box(-180, -90, 180, 90), 120),
]


def described(grid: AnyGrid, **changes: object) -> MapDescription:
    full = MapDescription(
        title="Corvus corax",
        grid=grid,
        months=(1, 7, 12),
        quantity=SUITABILITY,
        model="runs/demo",
        std=True,
        applicability=True,
        evaluation={"auc": 0.9, "unknown": float("nan")},
        sources={"imagery": "mosaic.tif"},
    )
    return replace(full, **changes)  # type: ignore[arg-type]


def numbers(description: MapDescription) -> NDArray[np.float32]:
    """(bands, rows, columns): value falls from 1 in the north-west to 0, less in every layer; no value in a corner.

    The north-east corner has none in any layer, the south-west none in the first.
    """
    rows, columns = description.grid.shape
    slope = np.linspace(1, 0.5, rows)[:, None] * np.linspace(1, 0.5, columns)
    count = len(description.layers)
    value = np.stack([slope / (layer + 1) for layer in range(count)])
    value[:, :3, -3:] = np.nan
    value[0, -2:, :2] = np.nan
    parts = [value]
    if description.std:
        parts.append(value / 10)
    if description.interval is not None:
        parts += [value * 0.8, value + 0.1 * (1 - value)]
    if description.applicability:
        inside = np.ones((1, rows, columns))
        inside[:, :, : columns // 2] = 0
        inside[:, :3, -3:] = np.nan
        parts.append(inside)
    return np.concatenate(parts).astype(np.float32)


def written(path: Path, description: MapDescription, block: int = 17) -> NDArray[np.float32]:
    """The map, written in blocks of rows; what was written."""
    values = numbers(description)
    with create_map(path, description) as sink:
        for first in range(0, description.grid.rows, block):
            sink.write(first, values[:, first : first + block])
    return values
