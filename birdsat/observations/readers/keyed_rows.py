"""Rows of one table that the rows of another refer to by a key: kept on disk, in a file that goes away by itself."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from birdsat.observations.curation import Remark
from birdsat.observations.readers.cell_values import as_text, by_distinct
from birdsat.observations.readers.reader import TableSource


class KeyedRows:
    """Texts by a key. Of rows that share one, the first counts. Memory does not grow with them."""

    def __init__(self, columns: Sequence[str]) -> None:
        """columns: of what is kept of each row."""
        self.columns = tuple(columns)
        self._journal = sqlite3.connect("")
        kept = "".join(f", c{i} TEXT" for i in range(len(self.columns)))
        self._journal.execute(f"CREATE TABLE kept (key TEXT PRIMARY KEY{kept}) WITHOUT ROWID")
        marks = ", ?" * len(self.columns)
        self._insert = f"INSERT OR IGNORE INTO kept VALUES (?{marks})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._journal.close()

    def fill(self, table: TableSource, key: str) -> Iterator[Remark]:
        """Take all rows of a table; the remarks of its reader."""
        for cells in table.cells([key, *self.columns]):
            texts = (as_text(cells.columns[name]).to_pylist() for name in (key, *self.columns))
            self._journal.executemany(self._insert, zip(*texts, strict=True))
            yield from (remark for _, remark in cells.remarks)

    def find(self, key: str) -> tuple[str, ...] | None:
        """What is kept of the row with that key."""
        found = self._journal.execute("SELECT * FROM kept WHERE key = ?", (key,)).fetchone()
        return None if found is None else tuple(found[1:])


def joined(
    keys: pa.Array, find: Callable[[str], Sequence[str] | None], names: Sequence[str]
) -> tuple[dict[str, pa.Array], pa.Array]:
    """For rows with keys (n,): columns `names` (n,) of what is found for each key, "" where nothing is; and whether
    anything was (n,). A key is looked for once."""
    codes, found = by_distinct(find, keys)
    at = pa.array(codes)
    nothing = ("",) * len(names)
    columns = {
        name: pa.array([(one or nothing)[i] for one in found], pa.string()).take(at) for i, name in enumerate(names)
    }
    return columns, pa.array([one is not None for one in found]).take(at)


def filled(own: pa.Array, other: pa.Array) -> pa.Array:
    """Text (n,), taken from the other where there is none of one's own."""
    text = as_text(own)
    return pc.if_else(pc.equal(pc.binary_length(text), 0), as_text(other), text)
