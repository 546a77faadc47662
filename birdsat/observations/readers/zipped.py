"""A table that lies in a zip file, read from there without unpacking it."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from birdsat.errors import InputError
from birdsat.observations.readers.encoding import refuse_bomb

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
PACKED_SUFFIXES = (*TABLE_SUFFIXES, *(f"{suffix}.gz" for suffix in TABLE_SUFFIXES))
ANY_TABLE_SUFFIXES = (*PACKED_SUFFIXES, ".parquet", ".geoparquet", ".zip")  # of a table in one file
# What reading a damaged file raises, in zipfile, gzip and what unpacks for them. RuntimeError: a password is needed;
# NotImplementedError: packed in a way that Python does not read.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    KeyError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextLayout:
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
    layout: TextLayout | None = None  # None: found from its first line

    def open(self) -> IO[bytes]:
        """The bytes of the table, unpacked as they are read. Raises InputError where it cannot be opened, or where it
        would unpack to much more than tables do."""
        with _opened(self.archive) as file:
            try:
                info = file.getinfo(self.member)
            except KeyError as error:
                raise InputError(
                    f"{self.archive} holds no file {self.member!r}; download the archive again."
                ) from error
            refuse_bomb(self, info.file_size, info.compress_size)
            try:
                return file.open(info)  # stays open until it is closed itself
            except DAMAGED as error:
                raise InputError(f"{self} cannot be opened ({error}); unpack it and give the table itself.") from error

    def read(self, most: int) -> bytes:
        """All bytes, of a member that has no more than so many. Raises InputError."""
        with self.open() as file:
            try:
                data = file.read(most + 1)
            except DAMAGED as error:
                raise InputError(f"{self} is damaged ({error}); download the archive again.") from error
        if len(data) > most:
            raise InputError(f"{self} has more than {most:,} bytes, as no such description has; it is refused.")
        return data

    def __str__(self) -> str:
        return f"{self.archive}/{self.member}"


def zip_members(path: Path) -> list[str]:
    """Names of the files in a zip file. Raises InputError where it is absent or damaged."""
    with _opened(path) as file:
        return [info.filename for info in file.infolist() if info.filename and not info.is_dir()]


def is_within(path: str) -> bool:
    """Whether a path that a description names is a relative one that does not leave its folder."""
    parts = PurePosixPath(path)
    return bool(path) and "://" not in path and "\\" not in path and not parts.is_absolute() and ".." not in parts.parts


def zipped_tables(path: Path) -> list[ZippedTable]:
    """The text tables in a zip file, by their names. Raises InputError where there is none."""
    names = [name for name in zip_members(path) if not name.startswith("__MACOSX/")]  # macOS packs its own notes
    tables = [name for name in names if name.lower().endswith(PACKED_SUFFIXES)]
    if not tables:
        raise InputError(
            f"{path} holds 0 tables ({', '.join(sorted(names)[:5])}); unpack it and give the table of the occurrences."
        )
    return [ZippedTable(archive=path, member=name) for name in tables]


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    if not path.is_file():
        raise InputError(f"zip file {path} is absent; give the path of the one that was downloaded.")
    try:
        file = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise InputError(f"zip file {path} is damaged ({error}); download it again.") from error
    with file:
        yield file
