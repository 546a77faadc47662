"""Which cells of a grid have land in them."""

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.outline import Land
from birdsat.errors import InputError

_ROWS = 32  # of cells, of which the land is asked for at once


def land_cells(grid: AnyGrid, land: Land) -> NDArray[np.bool_]:
    """(rows, columns) cells with land at their centre, or at one of eight places around it: coasts are where birds and
    observers are. Raises InputError when there is none."""
    (lon, lat), thirds = grid.edges(), np.array([1, 3, 5]) / 6
    lon = (lon[:-1, None] + np.diff(lon)[:, None] * thirds).ravel()  # three places across each column
    lat = (lat[:-1, None] + np.diff(lat)[:, None] * thirds).ravel()
    found = np.empty(grid.shape, dtype=bool)
    for first in range(0, grid.rows, _ROWS):
        rows = min(_ROWS, grid.rows - first)
        part = land.contains((lon[None] + 180) % 360 - 180, lat[3 * first : 3 * (first + rows), None])
        found[first : first + rows] = part.reshape(rows, 3, grid.columns, 3).any(axis=(1, 3))
    if not found.any():
        raise InputError(f"no cell in the box {grid.box} has land; ask for all cells, or take another box.")
    return found
