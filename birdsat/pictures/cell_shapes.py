"""Shapes of cells on a picture: the outline of many, to be hatched, and islands that are too small to be seen."""

from dataclasses import dataclass

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray
from scipy import ndimage

Extent = tuple[float, float, float, float]  # west, east, south, north


def signed_area(ring: NDArray[np.float64]) -> float:
    """Of a closed ring (n, 2); above 0 where it runs to the left, against the clock."""
    x, y = ring.T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def cells_path(cells: NDArray[np.bool_], extent: Extent, turn: int = 1) -> Path:
    """The cells (h, w) that are True, from the north-west, as rectangles of a path: a row's neighbours are one.

    turn: 1 where they run to the left, against the clock; -1 to the right.
    """
    height, width = cells.shape
    west, east, south, north = extent
    ends = np.diff(np.pad(cells, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, first = np.nonzero(ends > 0)
    behind = np.nonzero(ends < 0)[1]
    left, right = (west + at * (east - west) / width for at in (first, behind))
    top, bottom = (north - at * (north - south) / height for at in (row, row + 1))
    if turn > 0:
        top, bottom = bottom, top
    corners = np.stack([left, top, right, top, right, bottom, left, bottom, left, top], axis=1)
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], np.uint8), len(row))
    return Path(corners.reshape(-1, 2), codes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Islands:
    """Groups of neighbouring cells that no picture shows by themselves."""

    label: NDArray[np.int32]  # (h, w) 1..n; 0 elsewhere
    row: NDArray[np.float64]  # (n,) their middles, counted from the north-western corner in cells
    column: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.row)

    def mean(self, value: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n,) means of values (h, w); NaN where an island has none."""
        known = (self.label > 0) & np.isfinite(value)
        total = np.bincount(self.label[known], value[known], len(self) + 1)[1:]
        count = np.bincount(self.label[known], minlength=len(self) + 1)[1:]
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def small_islands(cells: NDArray[np.bool_], most_rows: float, most_columns: float) -> Islands:
    """Of the cells (h, w) with a value, those in groups of at most so many rows and columns, that touch no others and
    no edge."""
    label, count = ndimage.label(cells, structure=np.ones((3, 3)))
    spans = ndimage.find_objects(label)
    height, width = cells.shape
    numbers = np.zeros(count + 1, np.int32)
    row, column = [], []
    for number, span in enumerate(spans, start=1):
        (top, bottom), (left, right) = ((side.start, side.stop) for side in span)
        at_edge = top == 0 or left == 0 or bottom == height or right == width
        if bottom - top <= most_rows and right - left <= most_columns and not at_edge:
            row.append((top + bottom) / 2)
            column.append((left + right) / 2)
            numbers[number] = len(row)
    return Islands(label=numbers[label], row=np.array(row), column=np.array(column))
