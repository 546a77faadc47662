"""Rows of a table in a stream: CSV (comma, semicolon or tab; plain, gzipped, or in a zip file) or Parquet."""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.zipped import ZIP_ERRORS, CsvLayout, ZippedTable

TableFile = Path | ZippedTable

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
_BATCH_ROWS = 4096
_UNREADABLE = (pa.ArrowException, OSError, EOFError, *ZIP_ERRORS)

_Malformed = deque[tuple[int, Remark]]  # number of the row, and why it cannot be used


def column_names(path: TableFile) -> list[str]:
    """The columns of a table. Raises InputError where it is absent, empty, damaged, or of an unknown format."""
    if isinstance(path, Path) and not path.is_file():
        raise InputError(f"table {path} is absent; give a file in one of {', '.join(_SUFFIXES)}.")
    if isinstance(path, Path) and not path.name.lower().endswith(_SUFFIXES):
        raise InputError(f"table {path} is of an unknown format; allowed: {', '.join(_SUFFIXES)}.")
    try:
        if _is_parquet(path):
            return list(pq.read_schema(path).names)
        with _open_csv(path, deque(), pa_csv.ConvertOptions()) as reader:
            return list(reader.schema.names)
    except _UNREADABLE as error:
        raise InputError(f"table {path} is empty or damaged ({error}); export it again.") from error


def table_rows(path: TableFile, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
    """Number (from 1, blank lines not counted) and cells of each row; a remark for a row of the wrong length.

    Cells of CSV, and dates and times of Parquet, are strings. Memory does not grow with the file. Raises InputError
    for a table without rows, or one that cannot be read to its end.
    """
    number = 0
    malformed: _Malformed = deque()
    try:
        batches = _parquet_batches(path, names) if _is_parquet(path) else _csv_batches(path, names, malformed)
        for batch in batches:
            for cells in batch.to_pylist():
                number += 1
                while malformed and malformed[0][0] == number:
                    yield malformed.popleft()[1]
                    number += 1
                yield number, cells
    except _UNREADABLE as error:
        raise InputError(f"table {path} cannot be read past row {number:,} ({error}); export it again.") from error
    if number == 0 and not malformed:
        raise InputError(f"table {path} has columns but no rows; export it again with its rows.")
    yield from (remark for _, remark in malformed)


def _is_parquet(path: TableFile) -> TypeGuard[Path]:
    return isinstance(path, Path) and path.suffix.lower() == ".parquet"


def _parquet_batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(names)):
            # As text, since Python's own dates hold neither nanoseconds nor every year that Arrow's do.
            columns = [column.cast(pa.string()) if _is_time(column.type) else column for column in batch.columns]
            yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _csv_batches(path: TableFile, names: Sequence[str], malformed: _Malformed) -> Iterator[pa.RecordBatch]:
    # All text: a type guessed from the first rows would make a later row an error of the whole table.
    as_text = pa_csv.ConvertOptions(
        include_columns=list(names), column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    with _open_csv(path, malformed, as_text) as reader:
        yield from reader


def _open_csv(path: TableFile, malformed: _Malformed, convert: pa_csv.ConvertOptions) -> pa_csv.CSVStreamingReader:
    return pa_csv.open_csv(
        _open(path),
        read_options=_read_options(path),
        parse_options=_csv_options(path, malformed),
        convert_options=convert,
    )


def _read_options(path: TableFile) -> pa_csv.ReadOptions:
    layout = _layout(path)
    known = (
        {"column_names": list(layout.names), "skip_rows": layout.head_lines, "encoding": layout.encoding}
        if layout
        else {}
    )
    return pa_csv.ReadOptions(use_threads=False, **known)  # with threads the number of a malformed row is not known


def _layout(path: TableFile) -> CsvLayout | None:
    return path.layout if isinstance(path, ZippedTable) else None


def _csv_options(path: TableFile, malformed: _Malformed) -> pa_csv.ParseOptions:
    layout = _layout(path)
    head_lines = 1 if layout is None else layout.head_lines  # Arrow counts them among the rows

    def skip(row: Any) -> str:
        number = row.number - head_lines
        detail = f"{row.actual_columns} cells, the head has {row.expected_columns}: {row.text[:80]!r}"
        malformed.append((number, Remark(row=f"row {number}", reason="wrong number of cells", detail=detail)))
        return "skip"

    if layout is not None:
        return pa_csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char=layout.quote or False,
            newlines_in_values=bool(layout.quote),
            invalid_row_handler=skip,
        )
    with _open(path) as stream:
        head = stream.read(1 << 16).split(b"\n", 1)[0]
    delimiter = max(",", ";", "\t", key=lambda mark: int(head.count(mark.encode())))
    # Tables with tabs, as from GBIF, do not quote: a quote at the start of a cell is a part of its text. R does quote.
    quoted = delimiter != "\t" or head.startswith(b'"')
    return pa_csv.ParseOptions(
        delimiter=delimiter, quote_char='"' if quoted else False, newlines_in_values=quoted, invalid_row_handler=skip
    )


def _open(path: TableFile) -> Any:
    if isinstance(path, ZippedTable):
        return pa.PythonFile(path.open(), mode="r")
    return pa.input_stream(str(path), compression="detect")
