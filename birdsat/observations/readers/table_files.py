"""Tables that lie as files by themselves, or alone in a zip file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from birdsat.observations.curation import Remark
from birdsat.observations.readers.reader import Reader
from birdsat.observations.readers.table_rows import TEXT_SUFFIXES, TableFile, column_names, table_rows
from birdsat.observations.readers.zipped import only_table


class _OneTable:
    def __init__(self, file: TableFile) -> None:
        self._file = file
        self.columns = column_names(file)

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
        return table_rows(self._file, names)


def _is_text(path: Path) -> bool:
    return path.name.lower().endswith(TEXT_SUFFIXES)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


TEXT = Reader(name=", ".join(TEXT_SUFFIXES), recognises=_is_text, open=_OneTable)
PARQUET = Reader(name=".parquet", recognises=_is_parquet, open=_OneTable)
ZIPPED = Reader(name="a .zip with one table", recognises=_is_zip, open=lambda path: _OneTable(only_table(path)))
