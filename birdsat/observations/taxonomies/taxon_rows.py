"""The rows of a table of taxa, from whatever file it lies in: text or Parquet, by itself or in a zip; a workbook."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from birdsat.errors import InputError
from birdsat.observations.readers.cell_values import as_text
from birdsat.observations.readers.column_names import plain
from birdsat.observations.readers.reader import TableSource
from birdsat.observations.readers.table_files import table_file
from birdsat.observations.readers.text_tables import TableFile
from birdsat.observations.readers.zipped import PACKED_SUFFIXES, ZippedTable, zip_members

Row = dict[str, str]  # cells by `plain` column name

_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
_CORES = (
    "taxa.csv",
    "taxon.tsv",
    "taxon.txt",
    "taxon.csv",
    "taxa.tsv",
    "taxa.txt",
)  # of archives, by their usual names
ENDINGS = (*PACKED_SUFFIXES, ".parquet", ".zip", ".xml", *_WORKBOOKS)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonRows:
    """A table that may be read several times."""

    path: Path
    columns: tuple[str, ...]  # as they are written
    read: Callable[[], Iterator[Row]]
    note: str = ""  # what else the file says of its version

    @property
    def plain_columns(self) -> frozenset[str]:
        """Without case, blanks and marks."""
        return frozenset(map(plain, self.columns))


def open_taxon_rows(path: Path) -> TaxonRows:
    """The table in a file, or in a zip file or folder that holds an archive of taxa.

    Raises InputError where there is none, or where it cannot be read.
    """
    if path.is_dir():
        core = next((file for name in _CORES for file in path.iterdir() if file.name.lower() == name), None)
        if core is None:
            raise InputError(f"folder {path} holds none of {', '.join(_CORES)}; give the file of the taxa itself.")
        return of_table(path, core)
    if not path.is_file():
        raise InputError(f"table of taxa {path} is absent; give a file that ends in one of {', '.join(ENDINGS)}.")
    if path.suffix.lower() in _WORKBOOKS:
        return _of_lines(path, import_module("birdsat.observations.taxonomies.workbook").sheet_rows(path))
    if path.suffix.lower() == ".xml":
        opened: TaxonRows = import_module("birdsat.observations.taxonomies.ioc").open_xml(path)
        return opened
    if path.suffix.lower() == ".zip":
        return of_table(path, zipped_core(path))
    return of_table(path, path)


def zipped_core(path: Path) -> ZippedTable:
    """The table of taxa in a zip file. Raises InputError where there is not exactly one."""
    names = [name for name in zip_members(path) if not name.startswith("__MACOSX/")]
    tables = [name for name in names if name.lower().endswith(PACKED_SUFFIXES)]
    cores = [name for name in tables if PurePosixPath(name).name.lower() in _CORES] or tables
    if len(cores) != 1:
        raise InputError(
            f"{path} holds {len(cores)} tables of which none is called {' or '.join(_CORES[:2])}; unpack it and give "
            "the table of taxa."
        )
    return ZippedTable(archive=path, member=cores[0])


def of_table(path: Path, file: TableFile) -> TaxonRows:
    """The rows of a text or Parquet table. path: what it is called."""
    table = table_file(file)
    return TaxonRows(path=path, columns=tuple(table.columns), read=lambda: _plain_rows(table))


def _plain_rows(table: TableSource) -> Iterator[Row]:
    """Those of birds, where there is a column for the class: lists of all life have millions of rows."""
    names = {column: plain(column) for column in table.columns}
    classes = [column for column, name in names.items() if name == "class"]
    for cells in table.cells(list(names)):  # rows of another length, as notes at the end of such tables, are not there
        columns = {names[column]: as_text(values) for column, values in cells.columns.items()}
        rows = pa.table(columns)
        if classes:
            rows = rows.filter(pc.is_in(columns["class"], pa.array(["Aves", ""])))
        for row in rows.to_pylist():
            yield {name: " ".join(value.split()) for name, value in row.items()}


def _of_lines(path: Path, lines: Iterable[list[str]]) -> TaxonRows:
    """A sheet whose head stands above its rows, below a title or not."""
    rows = list(lines)
    at = next((i for i, line in enumerate(rows[:20]) if _is_head(line)), None)
    if at is None:
        raise InputError(
            f"{path}: none of the first 20 lines of its first sheet names columns, such as 'Scientific name'; save the "
            "sheet with the taxa as CSV and give that."
        )
    head = rows[at]
    names = list(map(plain, head))

    def read() -> Iterator[Row]:
        for line in rows[at + 1 :]:
            if any(line):
                yield dict(zip(names, line, strict=False))

    return TaxonRows(path=path, columns=tuple(head), read=read)


def _is_head(line: list[str]) -> bool:
    named = set(map(plain, filter(None, line)))
    return len(named) >= 2 and any(
        "scientificname" in name or "speciesscientific" in name
        for name in named | {"scientificname" for name in named if name.startswith("ioc") or name == "sciname"}
    )


def text(value: object) -> str:
    """A cell as text; "" where there is nothing in it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else str(value)
    return " ".join(str(value).split())
