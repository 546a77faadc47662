"""Which reader a file of observations needs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from birdsat.observations.curation import Remark
from birdsat.observations.readers.darwin_core import DarwinCoreArchive, is_archive
from birdsat.observations.readers.table_rows import TableFile, column_names, table_rows
from birdsat.observations.readers.zipped import only_table


class TableSource(Protocol):
    """A table that is read in a stream."""

    @property
    def columns(self) -> list[str]:
        """Their names."""
        ...

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
        """Number and cells of each row, as `table_rows`."""
        ...


class _OneTable:
    def __init__(self, file: TableFile) -> None:
        self._file = file
        self.columns = column_names(file)

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
        return table_rows(self._file, names)


def open_table(path: Path) -> TableSource:
    """A table by itself, the one in a zip file, or the occurrences of a Darwin Core Archive.

    Raises InputError where it is absent, empty, damaged, or of an unknown format.
    """
    if path.suffix.lower() != ".zip":
        return _OneTable(path)
    return DarwinCoreArchive(path) if is_archive(path) else _OneTable(only_table(path))
