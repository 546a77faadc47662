"""The formats that observations are read from."""

import pkgutil
from pathlib import Path

from birdsat.errors import InputError
from birdsat.observations.readers.reader import Reader, TableSource

READERS: tuple[str, ...] = (  # "module:Reader", in the order in which they are asked whether a path is theirs
    "birdsat.observations.readers.table_files:TEXT",
    "birdsat.observations.readers.table_files:PARQUET",
    "birdsat.observations.readers.darwin_core:ARCHIVE",
    "birdsat.observations.readers.camtrap_dp:READER",
    "birdsat.observations.readers.table_files:ZIPPED",
)


def open_table(path: Path) -> TableSource:
    """The table at a path, by the first reader that recognises it.

    Raises InputError where it is absent, empty, damaged, or of an unknown format.
    """
    readers: list[Reader] = [pkgutil.resolve_name(reader) for reader in READERS]
    allowed = "; ".join(reader.name for reader in readers)
    if not path.exists():
        raise InputError(f"table {path} is absent; give one of: {allowed}.")
    for reader in readers:
        if reader.recognises(path):
            return reader.open(path)
    raise InputError(f"table {path} is of an unknown format; allowed: {allowed}.")
