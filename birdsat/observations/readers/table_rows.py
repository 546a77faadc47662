"""Rows of a table one by one, for who reads few."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from birdsat.observations.curation import Remark
from birdsat.observations.readers.table_files import table_file
from birdsat.observations.readers.text_tables import TableFile


def column_names(file: TableFile) -> list[str]:
    """The columns of a table. Raises InputError where it is absent, empty, damaged, or of an unknown format."""
    return table_file(file).columns


def table_rows(file: TableFile, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
    """Number (from 1, blank lines not counted) and cells of each row; a remark for a row of the wrong length.

    Cells of CSV are strings. Memory does not grow with the file. Raises InputError for a table without rows, or one
    that cannot be read to its end.
    """
    for cells in table_file(file).cells(names):
        yield from (remark for _, remark in cells.remarks)
        rows = pa.table({name: cells.columns[name] for name in names}).to_pylist()
        yield from zip(cells.number.tolist(), rows, strict=True)
