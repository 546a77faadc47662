"""Files from elsewhere: found within the folder that names them, read up to a bound, and known for what they are.

A table, a manifest or a region may come from somebody else. What it names is read here alone, so that no name in it
leads out of its folder, and nothing that is read takes more memory than is said below.
"""

import json
import os
import re
import stat
from pathlib import Path, PurePath
from typing import Any

from birdsat.errors import InputError

MOST_IMAGE_BYTES = 256 << 20  # of one photo or chip: as many pixels as are decoded take less, whatever their format
MOST_JSON_BYTES = 64 << 20  # of a manifest or a run's settings: one of 100,000 shards takes a third
_LOOKED_AT = 1024  # bytes at the start of a file by which it is known
_MOST_DIGITS = 18  # of a whole number in JSON, so that it fits 64 bits
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # half of a character; alone it cannot be written as text again

# How files begin that people have in place of what they wanted: (words, beginnings in lower case).
_KINDS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("a web page", (b"<!doctype html", b"<html", b"<head", b"<script", b"<body")),
    ("a Git LFS pointer", (b"version https://git-lfs", b"version https://hawser", b"version http://git-media")),
    ("a git-annex pointer", (b"/annex/objects/", b"../.git/annex/", b".git/annex/")),
    ("a VRT, a list of other rasters", (b"<vrtdataset",)),
    ("an XML document", (b"<?xml", b"<error", b"<gdal_wms")),
    ("a PDF", (b"%pdf",)),
    ("a JPEG picture", (b"\xff\xd8\xff",)),
    ("a PNG picture", (b"\x89png\r\n",)),
    ("a GIF picture", (b"gif8",)),
    ("a GeoTIFF or TIFF", (b"ii*\0", b"mm\0*", b"ii+\0", b"mm\0+")),
    ("a JPEG 2000 picture", (b"\0\0\0\x0cjp  \r\n\x87\n", b"\xff\x4f\xff\x51")),
    ("an HDF5 or netCDF file", (b"\x89hdf\r\n", b"cdf\x01", b"cdf\x02", b"cdf\x05")),
    ("a GRIB file", (b"grib",)),
    ("a Parquet file", (b"par1",)),
    ("a zip file", (b"pk\x03\x04", b"pk\x05\x06")),
    ("a gzip file", (b"\x1f\x8b",)),
    ("a JSON document", (b"{", b"[")),
)
_ZEROS = "nothing but zeros, as of a download that broke off"
# What downloads and clones leave in place of any file, whatever it should be, and what to do.
_IN_PLACE = {
    "a web page": "the download gave a page in place of the file; open the link in a browser, and save the file itself",
    "a Git LFS pointer": "run `git lfs pull` where it was cloned, or download the file itself",
    "a git-annex pointer": "run `git annex get` where it was cloned, or download the file itself",
    "an empty file": "download it again",
    _ZEROS: "download it again",
    "an XML document": "the download gave a message in place of the file; download it again",
    "a PDF": "download the file itself",
}


def kind_of(data: bytes) -> str | None:
    """What a file is by its first bytes (100 or more, if it has them), in words such as "a web page"; None: unknown."""
    if not data:
        return "an empty file"
    if not data.strip(b"\0"):
        return _ZEROS
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<?xml", b"<!--")) and b"<html" in start[:1000]:
        return "a web page"
    return next((words for words, beginnings in _KINDS if start.startswith(beginnings)), None)


def in_place_of(path: Path) -> str | None:
    """The sentence on a file that a download or a clone left in place of the one that was meant, and what to do; None
    where it is none of these."""
    try:
        with _open_regular(path, str(path)) as file:
            found = kind_of(file.read(_LOOKED_AT))
    except (OSError, InputError):
        return None
    return None if found not in _IN_PLACE else f"this is {found}: {_IN_PLACE[found]}."


def first_bytes(path: Path, count: int = _LOOKED_AT) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        with _open_regular(path, str(path)) as file:
            data: bytes = file.read(count)
            return data
    except (OSError, InputError):
        return b""


def file_within(folder: Path, name: str) -> Path:
    """The file that a table or manifest from elsewhere names within a folder.

    Raises FileNotFoundError where there is none, and InputError for a name that is no path or leads out of the folder,
    by itself or over a link, and for what is not a file: a folder, a device, a pipe.
    """
    relative = PurePath(name)
    if not name or "\0" in name:
        raise InputError(f"{_shown(name)} is not a path; mend the table.")
    if relative.is_absolute() or relative.drive or ".." in relative.parts:
        raise InputError(f"{_shown(name)} lies outside {folder}; give a path within that folder.")
    path = folder / relative
    try:
        resolved = path.resolve(strict=True)
        if not any(resolved.is_relative_to(root) for root in _roots(folder)):
            raise InputError(
                f"{_shown(name)} is a link that leads out of {folder}; put the file itself there, or name the folder "
                "that it lies in."
            )
        if not stat.S_ISREG(resolved.stat().st_mode):
            raise InputError(f"{_shown(name)} in {folder} is not a file; name a file.")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"no file {_shown(name)} in {folder}") from error
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a name too long, no permission
        raise InputError(f"{_shown(name)} in {folder} cannot be read ({error}); mend the name or the file.") from error
    return path


def _roots(folder: Path) -> list[Path]:
    """Where the files of a folder may lie: in it, or, of a repository in the Hugging Face hub's cache, among its
    blobs, to which all of its files are links."""
    whole = folder.absolute()
    snapshots = next((parent for parent in whole.parents if parent.name == "snapshots"), None)
    return [folder.resolve(), *([] if snapshots is None else [(snapshots.parent / "blobs").resolve()])]


def read_within(folder: Path, name: str, *, most_bytes: int = MOST_IMAGE_BYTES) -> bytes:
    """The bytes of the file that is named within a folder. Raises what `file_within` and `read_bytes` do."""
    return read_bytes(file_within(folder, name), most_bytes=most_bytes, shown=f"{_shown(name)} in {folder}")


def read_bytes(path: Path, *, most_bytes: int, shown: str | None = None) -> bytes:
    """The bytes of a file. shown: the words for it in messages.

    Raises FileNotFoundError where there is none, and InputError for one that is longer than `most_bytes`, is not a
    regular file, or cannot be read.
    """
    shown = shown or str(path)
    try:
        with _open_regular(path, shown) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(most_bytes + 1) if size <= most_bytes else b""
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"no file {shown}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown} cannot be read ({error}); mend its permissions, or fetch it again.") from error
    if size > most_bytes or len(data) > most_bytes:
        raise InputError(f"{shown} has {size:,} bytes; allowed: {most_bytes:,}. Give a smaller one.")
    return data


def read_json(path: Path, *, most_bytes: int = MOST_JSON_BYTES) -> Any:
    """What a JSON file holds. Raises FileNotFoundError where there is none, InputError for all else; see
    `parse_json`."""
    return parse_json(read_bytes(path, most_bytes=most_bytes), path.name)


def parse_json(data: bytes | str, shown: str) -> Any:
    """What a JSON text holds. shown: the words for it in messages.

    Raises InputError where it is not JSON, is nested deeper than Python reads, has a whole number of more than 18
    digits, or text that is not Unicode.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_int=_whole)
        if _SURROGATE.search(raw):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise InputError(f"{shown} is nested too deeply to be read; export it again.") from error
    except MemoryError as error:
        raise InputError(f"{shown} is too large to be read in the memory there is.") from error
    except ValueError as error:  # not JSON, not UTF-8, or a number of too many digits
        found = kind_of(raw[:1024])
        words = str(error) if found in (None, "a JSON document") else f"this is {found}"
        raise InputError(f"{shown} is not JSON ({words}).") from error
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS + 1:
        raise ValueError(f"a whole number of {len(text)} digits; allowed: {_MOST_DIGITS}")
    return int(text)


def _open_regular(path: Path, shown: str) -> Any:
    """A regular file, open for reading; never waits, as opening a pipe would."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    number = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise InputError(f"{shown} is not a file, but a folder, a device or a pipe; name a file.")
    return os.fdopen(number, "rb")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 200 else f"{name[:200]}...")
