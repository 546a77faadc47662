"""Tables that lie as files by themselves, or alone in a zip file."""

from contextlib import suppress
from pathlib import Path

from birdsat.errors import InputError
from birdsat.observations.readers.columns import find_column
from birdsat.observations.readers.parquet_tables import ParquetTable
from birdsat.observations.readers.reader import Reader, TableSource
from birdsat.observations.readers.text_tables import TableFile, TextTable
from birdsat.observations.readers.zipped import PACKED_SUFFIXES, ZippedTable, zipped_tables

_PARQUET = (".parquet", ".geoparquet")
_SUFFIXES = (*PACKED_SUFFIXES, *_PARQUET)


def table_file(file: TableFile) -> TableSource:
    """The table of text or Parquet in a file. Raises InputError where it is absent, empty, damaged, or of an unknown
    format."""
    if isinstance(file, Path):
        if not file.is_file():
            raise InputError(f"table {file} is absent; give a file in one of {', '.join(_SUFFIXES)}.")
        if not file.name.lower().endswith(_SUFFIXES):
            raise InputError(f"table {file} is of an unknown format; allowed: {', '.join(_SUFFIXES)}.")
    return ParquetTable(file) if isinstance(file, Path) and _is_parquet(file) else TextTable(file)


def _is_text(path: Path) -> bool:
    return path.name.lower().endswith(PACKED_SUFFIXES)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in _PARQUET


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _is_of_gbif(file: ZippedTable) -> bool:
    """Whether it is one of the files that lie in GBIF's archives beside the occurrences, which may repeat them."""
    beside = ("verbatim.txt", "multimedia.txt", "citations.txt", "rights.txt")
    return file.member.rsplit("/", 1)[-1].lower() in beside


def _zipped(path: Path) -> TableSource:
    """The one table in a zip file, or of several the one of places and taxa, as eBird packs it with lists of codes."""
    files = [file for file in zipped_tables(path) if not _is_of_gbif(file)]
    if len(files) == 1:
        return table_file(files[0])
    tables = {}
    for file in files:
        with suppress(InputError):  # a text that is not a table
            table = table_file(file)
            if all(find_column(table.columns, what, None, path) for what in ("taxon", "lon", "lat")):
                tables[file.member] = table
    if len(tables) != 1:
        raise InputError(
            f"{path} holds {len(files)} tables ({', '.join(sorted(file.member for file in files)[:5])}), of which "
            f"{len(tables)} have columns of taxa and places, and no meta.xml that tells which holds the occurrences; "
            "unpack it and give that table."
        )
    return next(iter(tables.values()))


TEXT = Reader(name=", ".join(PACKED_SUFFIXES), recognises=_is_text, open=TextTable)
PARQUET = Reader(name=", ".join(_PARQUET), recognises=_is_parquet, open=ParquetTable)
ZIPPED = Reader(name="a .zip with one table", recognises=_is_zip, open=_zipped)
