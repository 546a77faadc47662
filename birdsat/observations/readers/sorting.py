"""Rows sorted into those that are kept and those that are dropped, each of the latter for one reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.observations.readers.cell_values import by_distinct, is_true

# What cells are called.
_SHOWN = {
    "seen": "presence",
    "status": "occurrence status",
    "basis": "basis of record",
    "means": "establishment",
    "degree": "establishment",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found in some rows of a batch."""

    reason: str  # short and the same for every such row: rows are counted by it
    rows: NDArray[np.int64]  # (k,) positions in the batch, ascending
    detail: Callable[[int], str]  # what was found in the row at a position
    kept: bool  # whether the rows are kept, without a part


class Sorting:
    """What becomes of n rows. The first reason to drop a row counts; what is said of kept rows is asked at the end."""

    def __init__(self, rows: int) -> None:
        self.kept: NDArray[np.bool_] = np.ones(rows, dtype=np.bool_)
        self._dropped: list[Finding] = []
        self._noted: list[Finding] = []

    def drop(self, which: NDArray[np.bool_], reason: str, detail: Callable[[int], str]) -> None:
        """Drop those of the rows (n,) that are still there."""
        rows = np.flatnonzero(which & self.kept)
        if len(rows):
            self.kept[rows] = False
            self._dropped.append(Finding(reason=reason, rows=rows, detail=detail, kept=False))

    def note(self, which: NDArray[np.bool_], reason: str, detail: Callable[[int], str]) -> None:
        """Say something of rows (n,), should they be kept."""
        rows = np.flatnonzero(which)
        if len(rows):
            self._noted.append(Finding(reason=reason, rows=rows, detail=detail, kept=True))

    def drop_by(self, codes: NDArray[np.int64], reasons: Sequence[str], detail: Callable[[int], str]) -> None:
        """Drop rows by the reason (n,) at their code; "" keeps them."""
        for reason in dict.fromkeys(reasons):
            if reason:
                self.drop(is_true(codes, (one == reason for one in reasons)), reason, detail)

    def note_by(self, codes: NDArray[np.int64], reasons: Sequence[str], detail: Callable[[int], str]) -> None:
        """As `drop_by`, for what is said of rows."""
        for reason in dict.fromkeys(reasons):
            if reason:
                self.note(is_true(codes, (one == reason for one in reasons)), reason, detail)

    def drop_cells(self, what: str, cells: Mapping[str, pa.Array], reason: Callable[[str], str]) -> None:
        """Drop rows by the reason that is given for a cell's text; "" keeps them, and so does a column that is not
        there."""
        if what in cells:
            column = cells[what]
            codes, reasons = by_distinct(reason, column)
            shown = _SHOWN.get(what, what)
            self.drop_by(codes, reasons, lambda i: f"{shown} {column[i].as_py()!r}"[:200])

    def findings(self) -> list[Finding]:
        """Why rows were dropped, and what is to be said of those that are kept."""
        noted = [
            Finding(reason=one.reason, rows=rows, detail=one.detail, kept=True)
            for one in self._noted
            if len(rows := one.rows[self.kept[one.rows]])
        ]
        return [*self._dropped, *noted]
