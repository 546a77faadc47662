"""Columns of a table of places, over the cells of a grid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.raster_cells import CellSamples
from birdsat.earth.undeclared import ABSURD, LoneValues
from birdsat.embeddings.given.vector_columns import listed
from birdsat.errors import InputError, nearest
from birdsat.observations.readers.cell_values import as_numbers, as_text, says_nothing
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.place_rows import read_told_places
from birdsat.observations.readers.registry import open_table
from birdsat.observations.readers.row_tally import RowTally
from birdsat.progress import QUIET, Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueColumn:
    """A column of numbers, or of words for classes."""

    name: str
    words: tuple[str, ...] = ()  # classes, whose positions stand for them; none: a column of numbers

    def values(self, cells: pa.Array) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(n,) numbers, NaN where there is none, and -1 of a word that is not among the classes; and where words stand
        in place of numbers."""
        if self.words:
            at = pc.index_in(_trimmed(cells), value_set=pa.array(self.words)).fill_null(-1)
            codes = at.to_numpy(zero_copy_only=False).astype(np.float32)
            return np.where(says_nothing(cells), np.float32(np.nan), codes), np.zeros(len(cells), np.bool_)
        numbers, odd = as_numbers(cells)
        numbers = np.where(np.abs(numbers) > ABSURD, np.nan, numbers)
        return numbers.astype(np.float32), odd & ~says_nothing(cells) if odd.any() else odd


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceTable:
    """A table with a place a row. Its rows are read as those of places of the background: `read_told_places`."""

    path: Path
    lon: str = ""  # column of longitude, or x; "": by its usual names
    lat: str = ""
    crs: str = ""  # of the places; "": degrees of WGS84

    @classmethod
    def of(cls, path: Path, column: str, columns: TableColumns | None, crs: str | None) -> "PlaceTable":
        """Of the columns of places that are named, it has some or none. Raises InputError for a table that cannot be
        read, and for one without the column."""
        if not path.is_file():
            raise InputError(f"{path} does not exist; give a table of places, or a raster.")
        present = open_table(path).columns
        if column not in present:
            raise InputError(
                f"{path} has no column {column!r}{nearest(column, present)}. Its columns are "
                f"{listed(present)}; name one of them after the table, NAME=TABLE:COLUMN."
            )
        lon, lat = ("", "") if columns is None else (columns.lon or "", columns.lat or "")
        return cls(path=path, lon=lon if lon in present else "", lat=lat if lat in present else "", crs=crs or "")

    def check_numbers(self, column: str) -> None:
        """Raise InputError where a column begins with words."""
        first = next(iter(open_table(self.path).cells([column])), None)
        if first is None:
            return
        values, words = ValueColumn(name=column).values(first.columns[column])
        if words.any() and not np.isfinite(values).any():
            raise InputError(
                f"column {column!r} of {self.path} holds no numbers; name one that does, or write :categorical after "
                "it where its words are classes."
            )

    def samples(
        self, columns: Sequence[ValueColumn], grid: AnyGrid, progress: Progress = QUIET
    ) -> Iterator[CellSamples]:
        """What columns say, a row a sample: the mean of a cell is that of the rows whose places lie in it.

        What could not be used is noted, and so are numbers that look as if they stood for none.
        """
        lone = LoneValues(len(columns))
        empty = odd = 0
        for cells, told in self._rows([one.name for one in columns], grid, progress):
            values = np.empty((len(cells), len(columns)), dtype=np.float32)
            words = np.zeros(len(cells), dtype=np.bool_)
            for at, column in enumerate(columns):
                values[:, at], odd_ones = column.values(told[column.name])
                words |= odd_ones
            empty += int(np.count_nonzero((cells >= 0) & ~np.isfinite(values).any(axis=1)))
            odd += int(np.count_nonzero(words))
            numbers = np.where([bool(one.words) for one in columns], np.float32(np.nan), values)
            lone.add(numbers[cells >= 0])
            yield CellSamples(cells=cells, values=values)
        if empty:
            progress.note(f"{self.path.name}: {_rows(empty)} in the box without a value.")
        if odd:
            progress.note(f"{self.path.name}: {_rows(odd)} with words in place of numbers, which are left out.")
        ones, zeros = [1.0] * len(columns), [0.0] * len(columns)
        for remark in lone.remarks(ones, zeros, "leave the cells of the table empty"):
            progress.note(remark)

    def words(self, column: str, grid: AnyGrid, progress: Progress = QUIET) -> Iterator[pa.Array]:
        """What a column says of the places in the cells, as text without blanks around it. Noted is what could not be
        used."""
        for cells, told in self._rows([column], grid, progress):
            kept = pa.array((cells >= 0) & ~says_nothing(told[column]))
            yield _trimmed(told[column]).filter(kept)

    def _rows(
        self, names: Sequence[str], grid: AnyGrid, progress: Progress
    ) -> Iterator[tuple[NDArray[np.int64], dict[str, pa.Array]]]:
        """Cells (n,) of places, -1 outside the grid, and what columns say of each."""
        became, places, outside = RowTally(), 0, 0
        columns = TableColumns(lon=self.lon or None, lat=self.lat or None)
        with progress.bar(f"reading {self.path.name}", unit="rows") as bar:
            for some in read_told_places(self.path, columns, names, became, crs=self.crs or None):
                cells = grid.cells_at(*some.lon_lat.T)
                places += len(cells)
                outside += int(np.count_nonzero(cells < 0))
                bar.advance(len(cells))
                yield cells, some.columns
        for remark in became.remarks():
            progress.note(f"{self.path.name}: {remark}")
        if outside:
            progress.note(f"{self.path.name}: {outside:,} of {places:,} places lie outside the box.")


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _trimmed(cells: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(as_text(cells))
