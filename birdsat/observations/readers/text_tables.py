"""Tables as text, CSV and its kin, read in a stream: plain, gzipped, or in a zip file, in whatever encoding."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from birdsat.errors import BirdsatError, InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.encoding import open_text
from birdsat.observations.readers.limits import MAX_COLUMNS, MAX_ROW_BYTES
from birdsat.observations.readers.parsed_blocks import BlockParser, ParsedBlock
from birdsat.observations.readers.reader import Cells
from birdsat.observations.readers.row_blocks import RowTooLongError, row_blocks
from birdsat.observations.readers.text_layout import FoundLayout, find_layout
from birdsat.observations.readers.zipped import DAMAGED, TextLayout, ZippedTable

TableFile = Path | ZippedTable

NOT_UTF8 = "not UTF-8: read as Windows writes it"
_BATCH_ROWS = 1 << 17  # of what is handed on; what Arrow reads at a time is less
_QUOTED_CELL = r'^"(?:[^"]|"")*"$'
_Malformed = deque[tuple[int, Remark]]  # number of the row, and why it cannot be used


class TextTable:
    """One table of text."""

    def __init__(self, file: TableFile, *, may_be_empty: bool = False) -> None:
        """may_be_empty: do not ask for a row. Raises InputError where it is absent, empty, damaged, or not text."""
        self.file, self._may_be_empty = file, may_be_empty
        if isinstance(file, Path) and not file.is_file():
            raise InputError(f"table {file} is absent; give a file.")
        declared = file.layout if isinstance(file, ZippedTable) else None
        self._encoding = "utf-8" if declared is None else declared.encoding
        self._head_lines = 0 if declared is None else declared.head_lines
        if declared is None:
            with self._open() as stream:
                self._layout = find_layout(_read(stream, MAX_ROW_BYTES + 1, file), file)
        else:
            self._layout = self._widened(declared)
        self.columns = list(self._layout.names)

    def cells(self, names: Sequence[str]) -> Iterator[Cells]:
        """As `TableSource`: text. Memory does not grow with the file."""
        unique = list(dict.fromkeys(names))
        parser = BlockParser(self._layout, [self.columns.index(name) for name in unique])
        named = dict(zip(parser.wanted, unique, strict=False))
        malformed: _Malformed = deque()  # rows that stand before those that are to come
        start = 1  # number of the next row
        for blocks in self._parsed(parser):
            malformed.extend(one for block in blocks for one in block.malformed)
            text = pa.concat_tables([block.columns for block in blocks]).combine_chunks()
            number, remarks = _numbered(start, text.num_rows, malformed)
            offset = 0
            for block in blocks:
                remarks += [_not_utf8(int(number[offset + i]), named[key], cell) for i, key, cell in block.cured]
                offset += block.columns.num_rows
            columns = {name: self._unquoted(_whole(text[key])) for key, name in named.items()}
            if len(number) or remarks:
                yield Cells(number=number, columns=columns, remarks=remarks)
            start = int(number[-1]) + 1 if len(number) else start
            if malformed and not len(number):  # nothing but such rows: however many come, none is held
                start = malformed[-1][0] + 1
                yield Cells(number=number, columns=columns, remarks=list(malformed))
                malformed.clear()
        if malformed:
            blank = pa.array([], pa.string())
            yield Cells(number=np.zeros(0, np.int64), columns=dict.fromkeys(unique, blank), remarks=list(malformed))
        elif start == 1 and not self._may_be_empty:
            raise InputError(f"table {self.file} has columns but no rows; export it again with its rows.")

    def _widened(self, told: TextLayout) -> FoundLayout:
        """The layout that is told, with the columns at the end that it passes over."""
        names = told.names
        if told.head_lines:
            with self._open() as stream:
                width = _line(stream, self.file).count(told.delimiter.encode()) + 1
            if width > MAX_COLUMNS:
                raise InputError(f"table {self.file} has {width:,} columns; up to {MAX_COLUMNS:,} are read.")
            names = (*names, *(f"column {i}" for i in range(len(names), width)))
        return FoundLayout(names=names, delimiter=told.delimiter, quote=told.quote, head_bytes=0)

    def _open(self) -> IO[bytes]:
        """Raises InputError."""
        file = self.file
        try:
            opener: Callable[[], IO[bytes]] = (
                file.open if isinstance(file, ZippedTable) else lambda: file.open("rb", buffering=0)
            )
            return open_text(opener, file, declared=self._encoding)
        except BirdsatError:
            raise
        except DAMAGED as error:
            raise InputError(f"table {file} is damaged ({first_line(error)}); download or export it again.") from error

    def _parsed(self, parser: BlockParser) -> Iterator[list[ParsedBlock]]:
        """Blocks with some thousands of rows together."""
        rows, waiting = 0, list[ParsedBlock]()
        with self._open() as stream:
            _skip(stream, self._layout.head_bytes, self.file)
            for _ in range(self._head_lines):
                _line(stream, self.file)
            try:
                for block in row_blocks(stream, self._layout.delimiter, self._layout.quote):
                    if (parsed := parser.parse(block, rows)) is None:
                        continue
                    rows += parsed.rows
                    waiting.append(parsed)
                    if sum(one.rows for one in waiting) >= _BATCH_ROWS:
                        yield waiting
                        waiting = []
            except BirdsatError:
                raise
            except RowTooLongError as error:
                raise InputError(
                    f"table {self.file} has a row of more than {MAX_ROW_BYTES >> 20} MiB after row {rows:,}, as of a "
                    "quote that is not closed, or a file that is not a table; mend it, or export it again."
                ) from error
            except DAMAGED as error:
                raise InputError(
                    f"table {self.file} cannot be read past row {rows:,} ({first_line(error)}); export it again."
                ) from error
            if waiting:
                yield waiting

    def _unquoted(self, text: pa.Array) -> pa.Array:
        """Cells that are quoted as a whole, with the quotes in them doubled, as Excel writes those with commas in a
        table that is not quoted otherwise."""
        if self._layout.quote or not pc.any(pc.starts_with(text, '"')).as_py():
            return text
        quoted = pc.and_(pc.greater(pc.binary_length(text), 1), pc.match_substring_regex(text, _QUOTED_CELL))
        inner = pc.replace_substring(pc.utf8_slice_codeunits(text, 1, -1), '""', '"')
        return pc.if_else(quoted, inner, text)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], pa.string())


def _not_utf8(number: int, name: str, text: str) -> tuple[int, Remark]:
    return number, Remark(row=f"row {number}", reason=NOT_UTF8, detail=f"{name}: {text!r}"[:200], kept=True)


def _numbered(start: int, rows: int, malformed: _Malformed) -> tuple[NDArray[np.int64], list[tuple[int, Remark]]]:
    """Numbers of the rows of a batch, of which the first would be `start`, and the malformed rows before the last."""
    at = np.arange(start, start + rows, dtype=np.int64)
    remarks: list[tuple[int, Remark]] = []
    if malformed and rows:
        # A malformed row whose number is m, the j-th that waits, stands before the row that would be number m - j.
        before = np.array([number - j for j, (number, _) in enumerate(malformed)], dtype=np.int64)
        at += np.searchsorted(before, at, side="right")
        while malformed and malformed[0][0] < at[-1]:
            remarks.append(malformed.popleft())
    return at, remarks


def _read(stream: IO[bytes], count: int, name: object) -> bytes:
    try:
        return stream.read(count)
    except BirdsatError:
        raise
    except DAMAGED as error:
        raise InputError(f"table {name} is damaged ({first_line(error)}); download or export it again.") from error


def _skip(stream: IO[bytes], count: int, name: object) -> None:
    for part in itertools.chain(itertools.repeat(MAX_ROW_BYTES, count // MAX_ROW_BYTES), [count % MAX_ROW_BYTES]):
        _read(stream, part, name)


def _line(stream: IO[bytes], name: object) -> bytes:
    """Read a line. Raises InputError for one that is longer than rows are."""
    try:
        line = stream.readline(MAX_ROW_BYTES + 1)
    except BirdsatError:
        raise
    except DAMAGED as error:
        raise InputError(f"table {name} is damaged ({first_line(error)}); download or export it again.") from error
    if len(line) > MAX_ROW_BYTES:
        raise InputError(f"table {name} begins with a line of more than {MAX_ROW_BYTES >> 20} MiB; export it again.")
    return line


def first_line(error: Exception) -> str:
    """What an error of a library says, short enough for a message."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
