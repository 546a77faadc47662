"""Numbers of cells that come in the order of a grid, put together into its rows."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid

_HELD_BYTES = 32 << 20  # of the rows that are filled at once


def rows_of_cells(
    grid: AnyGrid, bands: int, blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """All rows of `grid`, from the north, some at a time: the first's number, and (bands, r, columns) values.

    blocks: positions of cells (c,), growing from first to last, and their values (bands, c). What no block holds is
    NaN. Memory holds one band of rows, whatever the grid.
    """
    height = max(1, min(grid.rows, _HELD_BYTES // (4 * bands * grid.columns)))
    first = 0
    held = _empty(grid, bands, first, height)
    for cells, values in blocks:
        while len(cells):
            until = (first + held.shape[1]) * grid.columns
            here = int(np.searchsorted(cells, until))
            held.reshape(bands, -1)[:, cells[:here] - first * grid.columns] = values[:, :here]
            cells, values = cells[here:], values[:, here:]
            if len(cells):  # of later rows
                yield first, held
                first += held.shape[1]
                held = _empty(grid, bands, first, height)
    while first < grid.rows:
        yield first, held
        first += held.shape[1]
        held = _empty(grid, bands, first, height)


def _empty(grid: AnyGrid, bands: int, first: int, height: int) -> NDArray[np.float32]:
    return np.full((bands, min(height, grid.rows - first), grid.columns), np.nan, dtype=np.float32)
