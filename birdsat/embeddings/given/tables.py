"""Embeddings as a table, with a place a row: GeoParquet, Parquet, or text such as CSV."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.undeclared import ABSURD
from birdsat.embeddings.given.given_file import GivenFile, Vectors, names_text
from birdsat.embeddings.given.vector_columns import VectorColumns, families, listed
from birdsat.errors import InputError
from birdsat.observations.coordinates import off_earth
from birdsat.observations.readers.cell_values import as_numbers, says_nothing
from birdsat.observations.readers.parquet_tables import ParquetTable, plain
from birdsat.observations.readers.points import middles
from birdsat.observations.readers.reader import TableSource
from birdsat.observations.readers.registry import open_table
from birdsat.progress import QUIET, Progress
from birdsat.reading import first_bytes, kind_of

_NUMBERS = 1 << 21  # of a batch
PARQUET = "a Parquet file"  # as `kind_of` says
_MOST_WIDTH = 1 << 14  # numbers of a vector
_HEAD_ROWS, _HEADS = 256, 64  # rows by which columns are known, and how often as many more are read for a first list
_BRACKETS = r"[\[\]\(\)\{\},;\s]+"  # around and between the numbers of a list that is written as text
_Columns = dict[str, pa.Array]


class GivenTable(GivenFile):
    """A table whose vectors are in one column of lists, or in columns of numbers.

    A row says something of the cell that its place lies in: that of a polygon is the middle of its bounds.
    """

    def __init__(self, path: Path, columns: VectorColumns) -> None:
        """Raises InputError for a table that cannot be read, and for one without places or vectors, or with columns of
        which either could be meant."""
        is_parquet = kind_of(first_bytes(path)) == PARQUET
        self._table: TableSource = ParquetTable(path) if is_parquet else open_table(path)
        self._lon, self._lat = columns.places(self._table.columns, path)
        self._columns, width = self._vector_columns(path, columns)
        self._is_list = width > 0
        if width > _MOST_WIDTH:
            raise InputError(f"{path} has vectors of {width:,} numbers; allowed: up to {_MOST_WIDTH:,}.")
        names = tuple(f"{self._columns[0]}[{i}]" for i in range(width)) if width else self._columns
        super().__init__(path, names, is_vector=self._is_list)

    def vectors(self, grid: AnyGrid, remarks: list[str], progress: Progress = QUIET) -> Iterator[Vectors]:
        """As `GivenFile`."""
        tally: Counter[str] = Counter()
        rows, example = 0, ""
        with progress.bar(f"reading {self.path.name}", unit="rows") as bar:
            for columns in self._batches(max(1, _NUMBERS // len(self.names)), tally):
                lon, lat = (as_numbers(plain(columns[name]))[0] for name in (self._lon, self._lat))
                on_earth = (np.abs(lon) <= 360) & (np.abs(lat) <= 90)  # grids of models run from 0 to 360
                cells = grid.cells_at(np.where(on_earth, lon, np.nan), np.where(on_earth, lat, np.nan))
                vectors = self._numbers(columns, rows, tally)
                rows += len(cells)
                wrong = np.isfinite(lon) & np.isfinite(lat) & ~on_earth
                if wrong.any() and not example:
                    at = int(wrong.argmax())
                    example = f" (longitude {lon[at]:g}, latitude {lat[at]:g}: {off_earth(lon[at], lat[at])})"
                tally["have no place on Earth"] += int(np.count_nonzero(~on_earth))
                tally["lie outside the box"] += int(np.count_nonzero(on_earth & (cells < 0)))
                tally["have no number"] += int(np.count_nonzero((cells >= 0) & ~np.isfinite(vectors).any(axis=1)))
                bar.advance(len(cells))
                yield cells, vectors
        rows += tally["cannot be read"]
        for what, count in tally.items():
            if count:
                said = f"{what}{example}" if "Earth" in what else what
                remarks.append(f"{self.path.name}: {count:,} of {rows:,} rows {said}")

    def _batches(self, rows: int, tally: Counter[str]) -> Iterator[_Columns]:
        names = tuple(dict.fromkeys((self._lon, self._lat, *self._columns)))
        if isinstance(self._table, ParquetTable):
            yield from (columns for _, columns in self._table.batches(names, rows, middles))
            return
        for cells in self._table.cells(names):
            tally["cannot be read"] += sum(not remark.kept for _, remark in cells.remarks)
            for start in range(0, len(cells), rows):
                yield {name: column.slice(start, rows) for name, column in cells.columns.items()}

    def _numbers(self, columns: _Columns, start: int, tally: Counter[str]) -> NDArray[np.floating]:
        """(n, width) vectors of a batch; start: rows before it."""
        if self._is_list:
            return _of_lists(columns[self._columns[0]], len(self.names), self.path, start)
        vectors = np.empty((len(columns[self._lon]), len(self._columns)))
        words = np.zeros(len(vectors), dtype=np.bool_)
        for number, name in enumerate(self._columns):
            cells = plain(columns[name])
            vectors[:, number], odd = as_numbers(cells)
            words |= odd & ~says_nothing(cells) if odd.any() else odd
        vectors[np.abs(vectors) > ABSURD] = np.nan
        tally["have words in place of numbers, which are left out"] += int(words.sum())
        return vectors

    def _vector_columns(self, path: Path, columns: VectorColumns) -> tuple[tuple[str, ...], int]:
        """The columns that hold vectors; and how many numbers each list has, 0 where they are columns of numbers."""
        present = self._table.columns
        asked = columns.asked(present, path)
        others = [name for name in present if name not in (self._lon, self._lat)]
        head = self._head(others if asked is None else asked)
        lists = {name: width for name, cells in head.items() if (width := _list_width(cells))}
        if asked is not None:
            if len(asked) == 1 and asked[0] in lists:
                return asked, lists[asked[0]]
            if unfit := [name for name in asked if name not in head or name in lists or not _is_numbers(head[name])]:
                raise columns.no_numbers(unfit[0], path)
            return asked, 0
        if len(lists) == 1:
            return next(iter(lists.items()))[0:1], next(iter(lists.values()))
        numbers = [name for name in others if name in head and name not in lists and _is_numbers(head[name])]
        found = families(numbers)
        if not lists and len(found) == 1:
            return found[0], 0
        could = [*lists, *(f"{names_text(some)} ({len(some)} columns)" for some in found)]
        which = (
            f"{' and '.join(could)} could all be"
            if could
            else "no column of lists, and none numbered like A00, A01, is"
        )
        raise InputError(
            f"{path}: {which} its vectors; its columns are {listed(present)}. Name them: columns vector=COLUMN of "
            "lists, or vector=FIRST:LAST or vector=A,B,C of numbers.",
            settings=("columns",),
        )

    def _head(self, names: Sequence[str]) -> _Columns:
        """Some rows of columns, by which they are known. Of Parquet, those columns whose type may hold vectors."""
        if isinstance(self._table, ParquetTable):
            schema = self._table.schema
            fit = [
                name
                for name in names
                if name in schema.names and _may_hold(schema.field(schema.names.index(name)).type)
            ]
            found: _Columns = {}
            for _, columns in islice(self._table.batches(fit, _HEAD_ROWS), _HEADS) if fit else ():
                found |= {name: columns[name] for name in fit if name not in found or not _known(found[name])}
                if all(map(_known, found.values())):
                    break
            return found
        first = next(iter(self._table.cells(names)), None)
        return {} if first is None else {name: cells.slice(0, _HEAD_ROWS) for name, cells in first.columns.items()}


def _known(cells: pa.Array) -> bool:
    """Whether there is anything in a column of lists; others are known by their type."""
    return not _is_list(_storage(cells).type) or _list_width(cells) > 0


def _storage(cells: pa.Array) -> pa.Array:
    return cells.storage if isinstance(cells, pa.ExtensionArray) else cells


def _may_hold(kind: pa.DataType) -> bool:
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return bool(_is_list(kind) or _is_number(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_numbers(cells: pa.Array) -> bool:
    """Whether a column holds numbers, or nothing."""
    if pa.types.is_string(cells.type):
        numbers, odd = as_numbers(cells)
        return bool(np.isfinite(numbers).any() or not (odd & ~says_nothing(cells)).any())
    return _is_number(cells.type)


def _list_width(cells: pa.Array) -> int:
    """How many numbers the first list has that has any; 0 where there is none, as in a column of single values."""
    cells = _storage(cells)
    if pa.types.is_string(cells.type):
        bracketed = pc.match_substring_regex(cells, r"^\s*[\[\(\{]").fill_null(False)
        cells = _split(cells.filter(bracketed))
    elif not _is_list(cells.type) or not _is_number(cells.type.value_type):
        return 0
    lengths = pc.list_value_length(cells).drop_null().to_numpy(zero_copy_only=False)
    return int(lengths[lengths > 0][0]) if (lengths > 0).any() else 0


def _split(texts: pa.Array) -> pa.Array:
    """Lists of the words of lists that are written as text."""
    bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, _BRACKETS, " "))
    return pc.split_pattern(bare, " ")


def _of_lists(cells: pa.Array, width: int, path: Path, start: int) -> NDArray[np.floating]:
    """(n, width) numbers of lists, NaN where there is none. Raises InputError for lists of another length."""
    lists = _storage(cells)
    if pa.types.is_string(lists.type):
        empty = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(lists)), 0)
        lists = _split(pc.if_else(empty, pa.scalar(None, pa.string()), lists))
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    if (wrong := (lengths > 0) & (lengths != width)).any():
        row = int(wrong.argmax())
        raise InputError(
            f"{path} has vectors of two lengths: {width} numbers at first, and {lengths[row]} in row "
            f"{start + row + 1:,}; give one table for each."
        )
    vectors = np.full((len(lists), width), np.nan)
    there = lengths > 0
    numbers = pc.list_flatten(lists.filter(pa.array(there)))
    try:
        flat = numbers.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise InputError(f"{path} has vectors that are not of numbers ({error}); give lists of numbers.") from error
    vectors[there] = flat.reshape(-1, width)
    return vectors
