"""Cells into rows: each number in its place, gaps are nodata, and few rows are held at once."""

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.maps import cell_rows as rows
from birdsat.maps.cell_rows import rows_of_cells

GRID = Grid(Box(0, 0, 10, 8), 1.0)  # 8 x 10


@pytest.mark.parametrize("held", [1, 3, 8, 100])
@pytest.mark.parametrize("size", [1, 7, 80])
def test_every_number_comes_to_its_cell_whatever_the_blocks(
    held: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_HELD_BYTES", held * 2 * 10 * 4)
    cells = np.flatnonzero(np.random.default_rng(0).random(80) < 0.4)
    cells = cells[cells < 65]  # none in the last row
    values = np.stack([cells, -cells]).astype(np.float32)
    blocks = [(cells[i : i + size], values[:, i : i + size]) for i in range(0, len(cells), size)]
    parts = list(rows_of_cells(GRID, 2, blocks))
    assert max(part.shape[1] for _, part in parts) == min(held, 8)
    assert [first for first, _ in parts] == list(range(0, 8, min(held, 8)))
    whole = np.concatenate([part for _, part in parts], axis=1).reshape(2, 80)
    expected = np.full((2, 80), np.nan)
    expected[:, cells] = values
    np.testing.assert_array_equal(whole, expected)


def test_without_blocks_all_is_nodata() -> None:
    ((first, part),) = rows_of_cells(GRID, 1, [])
    assert first == 0 and part.shape == (1, 8, 10) and np.isnan(part).all()
