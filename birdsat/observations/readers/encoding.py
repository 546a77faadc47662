"""The one place where it is found out how the bytes of a text are packed and written: gzip, UTF-8, UTF-16, Windows.

Whatever they are, readers get UTF-8. A cell that is not UTF-8 in a text that otherwise is, which shows only when it is
met, is taken to be of Windows (`decode_cell`).
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from birdsat.errors import InputError
from birdsat.observations.readers.limits import MAX_ROW_BYTES, MAX_UNPACKED_BYTES, MAX_UNPACKED_TIMES

GZIP_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile)
_LOOKED_AT = 1 << 16  # bytes at the start of a file
_GZIP = b"\x1f\x8b"
_MARKS = (  # UTF-32 first: its mark begins as that of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WINDOWS = "cp1252"
_NOT_TEXT = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7", "mbcs", "oem"}
_OTHERS = (  # how files begin that are often given for tables
    (b"PK\x03\x04", "a zip file or a workbook of Excel; save its sheet as CSV, or end its name in .zip"),
    (b"PAR1", "a Parquet file; end its name in .parquet"),
    (b"\xd0\xcf\x11\xe0", "a workbook of Excel; save its sheet as CSV"),
    (b"%PDF", "a PDF; give the table itself"),
    (b"SQLite format 3", "a database; export its table as CSV"),
    (b"ARROW1", "an Arrow file; save it as Parquet or CSV"),
    (b"BZh", "packed by bzip2; unpack it, or pack it by gzip"),
    (b"\xfd7zXZ", "packed by xz; unpack it, or pack it by gzip"),
    (b"\x28\xb5\x2f\xfd", "packed by zstandard; unpack it, or pack it by gzip"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it and give the table itself"),
    (b"Rar!", "a rar archive; unpack it and give the table itself"),
    (b"version https://git-lfs.github.com", "a Git LFS pointer in place of the file; fetch it with `git lfs pull`"),
)
# What JSON begins with, and a head of columns does not.
_JSON = re.compile(rb'\s*(?:\[\s*[\[{]|\{\s*"|\[\s*\])')
_WEB_PAGE = (b"<!doctype html", b"<html", b"<?xml")


def text_encoding(name: str) -> str:
    """The codec of that name. Raises LookupError for one that is not known, or not of text."""
    found = codecs.lookup(name).name
    try:
        usable = found not in _NOT_TEXT and "a".encode(found).decode(found) == "a"
    except UnicodeError:
        usable = False
    if not usable:
        raise LookupError(f"{name} is not an encoding of text")
    return found


def decode_cell(data: bytes) -> str:
    """Text of bytes that are not UTF-8: as Windows writes it in western Europe, else as Latin-1."""
    try:
        return data.decode(_WINDOWS)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def open_text(open_bytes: Callable[[], IO[bytes]], name: object, *, declared: str = "utf-8") -> IO[bytes]:
    """A stream of UTF-8 without a mark at its start, unpacked where it is gzipped, whatever its name says.

    declared: the encoding that it is said to have, which counts where it has no mark. Raises InputError for what is not
    text; errors of the system and of gzip come as they are.
    """
    stream = _buffered(open_bytes())
    try:
        if stream.peek(2)[:2] == _GZIP:
            packed = stream
            stream = _buffered(cast(IO[bytes], _Unpacked(packed, name)))
        head = stream.peek(_LOOKED_AT)[:_LOOKED_AT]
        for begins, what in _OTHERS:
            if head.startswith(begins):
                raise InputError(f"{name} is {what}.")
        if head.lstrip().lower().startswith(_WEB_PAGE):
            raise InputError(f"{name} is a web page or XML in place of a table; download the table again.")
        if _JSON.match(head):
            raise InputError(f"{name} is JSON in place of a table; save it as CSV or GeoParquet, a row a record.")
        mark, encoding = next((found for found in _MARKS if head.startswith(found[0])), (b"", ""))
        stream.read(len(mark))
        encoding = encoding or _without_mark(head) or declared
        if codecs.lookup(encoding).name in ("utf-8", "ascii"):
            return stream
        return _buffered(cast(IO[bytes], _Recoded(stream, encoding, name)))
    except BaseException:
        stream.close()
        raise


def read_text(path: Path) -> str:
    """All of a text that fits in memory, in whatever encoding. Raises InputError for what is not text."""
    with open_text(lambda: path.open("rb", buffering=0), path) as stream:
        try:
            data = stream.read()
        except GZIP_ERRORS as error:
            raise InputError(f"{path} is damaged ({error}); download it again.") from error
    return decoded(data)


def decoded(data: bytes) -> str:
    """Text of bytes that should be UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return decode_cell(data)


def _buffered(stream: IO[bytes]) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, stream), buffer_size=MAX_ROW_BYTES)


def _without_mark(head: bytes) -> str:
    """UTF-16 of western text by its zeros, every other byte, and UTF-32 by its: three of four."""
    if len(head) >= 8:
        share = [part.count(0) / len(part) for part in (head[i::4] for i in range(4))]
        if min(share[0], share[3]) < 0.1 and max(share[0], share[3]) > 0.9 and min(share[1:3]) > 0.9:
            return "utf-32-be" if share[0] > share[3] else "utf-32-le"
    even, odd = head[0::2], head[1::2]
    if len(odd) >= 2:
        for zeros, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
            if zeros.count(0) > 0.7 * len(zeros) and others.count(0) < 0.1 * len(others):
                return encoding
    return ""


class _Unpacked(io.RawIOBase):
    """A gzip as it unpacks, which must not grow out of all proportion."""

    def __init__(self, packed: IO[bytes], name: object) -> None:
        self._packed, self._name, self._unpacked = packed, name, 0
        self._gzip = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._gzip.read1(len(buffer))
        buffer[: len(data)] = data
        self._unpacked += len(data)
        refuse_bomb(self._name, self._unpacked, self._packed)
        return len(data)

    def close(self) -> None:
        self._gzip.close()
        self._packed.close()
        super().close()


def refuse_bomb(name: object, unpacked: int, packed: IO[bytes] | int) -> None:
    """Raise InputError for a file that unpacks to much more than tables do. packed: its size, or what reads it."""
    if unpacked > MAX_UNPACKED_BYTES:
        size = packed if isinstance(packed, int) else packed.tell()
        if unpacked > MAX_UNPACKED_TIMES * size:
            raise InputError(
                f"{name} unpacks to more than {MAX_UNPACKED_TIMES} times its size, as tables do not; it is refused. "
                "Unpack it yourself, if it is right, and give what was in it."
            )


class _Recoded(io.RawIOBase):
    """UTF-8 of a stream in another encoding; what cannot be read in it becomes U+FFFD."""

    def __init__(self, stream: IO[bytes], encoding: str, name: object) -> None:
        self._stream, self._decoder = stream, codecs.getincrementaldecoder(encoding)(errors="replace")
        self._waiting, self._ended, self._name = b"", False, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._waiting and not self._ended:
            data = self._stream.read(_LOOKED_AT)
            self._ended = not data
            self._waiting = self._decoder.decode(data, final=self._ended).encode("utf-8", errors="replace")
        given, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)

    def close(self) -> None:
        self._stream.close()
        super().close()
