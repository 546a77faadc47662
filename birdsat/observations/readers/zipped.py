"""A table that lies in a zip file, read from there without unpacking it."""

import gzip
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from birdsat.errors import InputError

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError)  # damaged, or packed in a way Python does not read


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvLayout:
    """How a text table is laid out, where something else than its own first line says so."""

    names: tuple[str, ...]  # of every column, in order
    delimiter: str  # one character
    quote: str  # one character; "" where cells are never quoted
    head_lines: int  # lines before the first row
    encoding: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ZippedTable:
    """One text table within a zip file."""

    archive: Path
    member: str  # its name within the archive
    layout: CsvLayout | None = None  # None: found from its first line

    def open(self) -> IO[bytes]:
        """The bytes of the table, unpacked as they are read, also of one that is gzipped within. Raises InputError
        where it cannot be opened."""
        try:
            with zipfile.ZipFile(self.archive) as file:
                member = file.open(self.member)  # stays open until it is closed itself
                return cast(IO[bytes], gzip.open(member)) if self.member.lower().endswith(".gz") else member
        except KeyError as error:
            raise InputError(f"{self.archive} holds no file {self.member!r}; download the archive again.") from error
        except (*ZIP_ERRORS, RuntimeError) as error:  # RuntimeError: a password is needed
            raise InputError(f"{self} cannot be opened ({error}); unpack it and give the table itself.") from error

    def __str__(self) -> str:
        return f"{self.archive}/{self.member}"


def zip_members(path: Path) -> list[str]:
    """Names of the files in a zip file. Raises InputError where it is absent or damaged."""
    if not path.is_file():
        raise InputError(f"zip file {path} is absent; give the path of the one that was downloaded.")
    try:
        with zipfile.ZipFile(path) as file:
            return [info.filename for info in file.infolist() if not info.is_dir()]
    except (*ZIP_ERRORS, OSError) as error:
        raise InputError(f"zip file {path} is damaged ({error}); download it again.") from error


def only_table(path: Path) -> ZippedTable:
    """The one table in a zip file. Raises InputError where there is none, or several."""
    names = [name for name in zip_members(path) if not name.startswith("__MACOSX/")]  # macOS packs its own notes
    tables = [name for name in names if PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES]
    if len(tables) != 1:
        raise InputError(
            f"{path} holds {len(tables)} tables ({', '.join(sorted(names)[:5])}) and no meta.xml that tells which "
            "holds the occurrences; unpack it and give that table."
        )
    return ZippedTable(archive=path, member=tables[0])
