"""What a format of observations needs to be read: whether a path is of it, and its rows as columns of cells."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.observations.curation import Remark


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """Some rows of a table, column by column, and remarks on rows thereabouts."""

    number: NDArray[np.int64]  # (n,) of each row within the table, from 1
    columns: Mapping[str, pa.Array]  # (n,) each, of text, numbers or booleans; null or "" where nothing is known
    # Number of a row, and why it cannot be used: such a row is not among the cells. One that says `kept` is about a
    # row that is.
    remarks: Sequence[tuple[int, Remark]] = ()

    def __len__(self) -> int:
        return len(self.number)


class TableSource(Protocol):
    """A table that is read in a stream."""

    @property
    def columns(self) -> list[str]:
        """Their names. Those that `TableColumns` looks for are found by themselves."""
        ...

    def cells(self, names: Sequence[str]) -> Iterator[Cells]:
        """The columns `names` of all rows, some thousands of rows at a time. Raises InputError where the table cannot
        be read to its end, or has no rows."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A format."""

    name: str  # with its suffixes, as messages call it
    recognises: Callable[[Path], bool]  # of a path that exists; InputError where it is damaged
    open: Callable[[Path], TableSource]  # of a path that is recognised; InputError where it cannot be read
