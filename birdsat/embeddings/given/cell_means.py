"""Means over the cells of a grid of vectors that come in any order, in memory that grows with neither."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MOST_NUMBERS = 1 << 23  # sums that are held: 100 MB with their counts, and thrice that while they are put together


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of some cells."""

    cells: NDArray[np.int64]  # (c,) ascending
    sums: NDArray[np.float64]  # (c, width) of the numbers that are known
    counts: NDArray[np.int32]  # (c, width) how many those are


class CellMeans:
    """Sums and counts of every cell that any vector lies in. What does not fit into memory waits in files.

    The means are the same to the last bit whenever the same vectors come in the same order.
    """

    def __init__(self, width: int, folder: Path, *, most_numbers: int = _MOST_NUMBERS) -> None:
        """width: numbers of a vector. folder: empty, for files of its own. most_numbers: sums that are held."""
        self.width, self._folder, self._most = width, folder, max(most_numbers, width)
        self._held: list[_Sums] = []
        self._numbers = 0  # of those that are held
        self._files: list[_Sums] = []  # mapped

    def add(self, cells: NDArray[np.int64], vectors: NDArray[np.floating]) -> None:
        """Vectors (n, width) in cells (n,): a cell below 0 is nowhere, a number that is not finite is not known."""
        inside = np.flatnonzero(cells >= 0)
        if not len(inside):
            return
        inside = inside[np.argsort(cells[inside], kind="stable")]
        vectors = vectors[inside]
        known = np.isfinite(vectors)
        values = vectors.astype(np.float64)
        values[~known] = 0
        self._hold(_added_up(cells[inside], values, known.astype(np.int32)))

    @property
    def is_empty(self) -> bool:
        """Whether no number is known of any cell."""
        return not any((part.counts > 0).any() for part in (*self._files, *self._held))

    def of(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """(c, width) means of cells (c,), ascending; NaN where no number is known. Nothing may be added after."""
        if len(self._held) > 1:
            self._held = [_together(self._held)]
        sums = np.zeros((len(cells), self.width))
        counts = np.zeros((len(cells), self.width), dtype=np.int64)
        for part in (*self._files, *self._held):
            first, behind = np.searchsorted(part.cells, [cells[0], cells[-1] + 1]) if len(cells) else (0, 0)
            if first == behind:
                continue
            at = np.searchsorted(cells, part.cells[first:behind])
            wanted = cells[at] == part.cells[first:behind]
            sums[at[wanted]] += part.sums[first:behind][wanted]
            counts[at[wanted]] += part.counts[first:behind][wanted]
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(counts > 0, sums / counts, np.nan))

    def _hold(self, more: _Sums) -> None:
        self._held.append(more)
        self._numbers += more.sums.size
        if self._numbers <= self._most:
            return
        whole = _together(self._held)
        self._held, self._numbers = [whole], whole.sums.size
        if self._numbers > self._most // 2:  # else most of what came was of the same cells
            self._files.append(self._written(whole))
            self._held, self._numbers = [], 0

    def _written(self, part: _Sums) -> _Sums:
        mapped = []
        for name in ("cells", "sums", "counts"):
            path = self._folder / f"{len(self._files)}-{name}.npy"
            np.save(path, getattr(part, name))
            mapped.append(np.load(path, mmap_mode="r"))
        return _Sums(*mapped)


def _together(parts: list[_Sums]) -> _Sums:
    cells = np.concatenate([part.cells for part in parts])
    order = np.argsort(cells, kind="stable")
    return _added_up(
        cells[order],
        np.concatenate([part.sums for part in parts])[order],
        np.concatenate([part.counts for part in parts])[order],
    )


def _added_up(cells: NDArray[np.int64], sums: NDArray[np.float64], counts: NDArray[np.int32]) -> _Sums:
    """Rows of the same cell, which stand together, as one."""
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    if len(first) == len(cells):
        return _Sums(cells, sums, counts)
    return _Sums(
        cells[first], np.add.reduceat(sums, first, axis=0), np.add.reduceat(counts, first, axis=0, dtype=np.int32)
    )
