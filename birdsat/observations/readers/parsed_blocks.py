"""Blocks of a text table parsed into columns of text, whatever bytes are in them."""

from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from birdsat.observations.curation import Remark
from birdsat.observations.readers.encoding import decode_cell, decoded
from birdsat.observations.readers.limits import MAX_ROW_BYTES
from birdsat.observations.readers.text_layout import FoundLayout

_NO_ROW = (b"\r", b"\n", BOM_UTF8[:1])  # what a block may begin with that holds none


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedBlock:
    """Some rows of a table, and those that cannot be read."""

    columns: pa.Table  # (n,) text each, named by their positions in the table
    malformed: Sequence[tuple[int, Remark]]  # number of each row that has too few cells or too many
    cured: Sequence[tuple[int, str, str]]  # row (from 0) and column of each cell that is not UTF-8, and what is read

    @property
    def rows(self) -> int:
        """All of them."""
        return int(self.columns.num_rows) + len(self.malformed)


class BlockParser:
    """Parses blocks of whole rows. Not Arrow's own streaming, which reads ahead in threads that may hang when the
    process ends; with threads, the number of a malformed row would not be known either."""

    def __init__(self, layout: FoundLayout, wanted: Sequence[int]) -> None:
        """wanted: positions of the columns to read."""
        self._layout = layout
        self._keys = [str(i) for i in range(len(layout.names))]  # names may come twice, or be blank
        self.wanted = [self._keys[i] for i in wanted] or self._keys[:1]
        self._read = pa_csv.ReadOptions(use_threads=False, column_names=self._keys, block_size=3 * MAX_ROW_BYTES)
        # All text: a type guessed from the first rows would make a later row an error of the whole table.
        self._convert = pa_csv.ConvertOptions(
            include_columns=self.wanted,
            column_types=dict.fromkeys(self.wanted, pa.string()),
            strings_can_be_null=False,
            check_utf8=False,  # the block is checked as a whole
        )

    def parse(self, block: memoryview, rows: int) -> ParsedBlock | None:
        """None for a block of line ends alone. rows: before the block."""
        if block[:1].tobytes() in _NO_ROW and not block.tobytes().removeprefix(BOM_UTF8).strip(b"\r\n"):
            return None  # Arrow refuses a text without a row, and passes over a mark at its beginning
        if _is_utf8(block):
            columns, malformed = self._parsed(pa.py_buffer(block), rows, is_latin=False)
            return ParsedBlock(columns=columns, malformed=malformed, cured=())
        # Every byte is a letter in Latin-1, and those that make rows and cells are the same ones.
        latin = block.tobytes().decode("latin-1").encode()
        columns, malformed = self._parsed(pa.py_buffer(latin), rows, is_latin=True)
        texts: dict[str, pa.Array] = {}
        cured: list[tuple[int, str, str]] = []
        for name in self.wanted:
            cells = [cell.encode("latin-1") for cell in columns[name].to_pylist()]
            texts[name] = pa.array(_cured(cells, name, cured), pa.string())
        return ParsedBlock(columns=pa.table(texts), malformed=malformed, cured=cured)

    def _parsed(self, text: pa.Buffer, rows: int, *, is_latin: bool) -> tuple[pa.Table, list[tuple[int, Remark]]]:
        malformed: list[tuple[int, Remark]] = []

        def skip(row: Any) -> str:
            written = decoded(row.text.encode("latin-1")) if is_latin else row.text
            malformed.append((rows + row.number, _remark(rows + row.number, row, written)))
            return "skip"

        parse = pa_csv.ParseOptions(
            delimiter=self._layout.delimiter,
            quote_char=self._layout.quote or False,
            newlines_in_values=bool(self._layout.quote),
            invalid_row_handler=skip,
        )
        return pa_csv.read_csv(pa.BufferReader(text), self._read, parse, self._convert), malformed


def _is_utf8(block: memoryview) -> bool:
    ends = pa.array([0, len(block)], pa.int32()).buffers()[1]
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, ends, pa.py_buffer(block)]).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _cured(cells: Sequence[bytes], name: str, cured: list[tuple[int, str, str]]) -> list[str]:
    """The texts of cells; those that are not UTF-8 are added to `cured`."""
    texts = []
    for i, cell in enumerate(cells):
        try:
            texts.append(cell.decode())
        except UnicodeDecodeError:
            texts.append(decode_cell(cell))
            cured.append((i, name, texts[-1]))
    return texts


def _remark(number: int, row: Any, written: str) -> Remark:
    detail = f"{row.actual_columns} cells, the head has {row.expected_columns}: {written[:80]!r}"
    if lines := written.count("\n"):
        detail += f" (over {lines + 1:,} lines: is a quote not closed?)"
    reason = "wrong number of cells" if written.strip("\0") else "zeros in place of a row"
    return Remark(row=f"row {number}", reason=reason, detail=detail)
