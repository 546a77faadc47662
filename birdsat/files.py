"""Files that are there whole or not at all.

They are written under a name of this process's own, hidden in the folder they belong to, and renamed at the end. The
name says which process writes, so that whoever comes next in the folder can remove what a killed one left.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from birdsat.errors import ConfigError, InputError
from birdsat.processes import ProcessMark, this_process

_TEMPORARY = re.compile(r"\..+\.(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-(?P<start>\d+)-[0-9a-f]{8}\.part")
_FORGOTTEN_SECONDS = 7 * 86400.0  # without a change, after which nobody can be at work on it, on whatever machine
_cleared: set[str] = set()  # folders that this process has looked through for what killed ones left


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` when the block ends without an error and is removed otherwise.

    There is an empty file at it already. A block that removes it leaves `path` as it was.
    """
    partial = new_temporary(path)
    try:
        yield partial
        put_in_place(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """`atomic_path`, where the system's refusal (no such folder, a full disk) is an InputError that says what to do."""
    try:
        with atomic_path(path) as partial:
            yield partial
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}); check the folder and the free disk space.") from error


def check_new(files: Iterable[Path], overwrite: bool) -> None:
    """Raises ConfigError for the first file that is there already and not to be overwritten."""
    for file in files:
        if file.exists() and not overwrite:
            raise ConfigError(
                f"{file} exists already; allow it to be overwritten, or name another.", settings=("overwrite", "out")
            )


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write bytes, or text as UTF-8."""
    with atomic_path(path) as partial:
        partial.write_bytes(data.encode() if isinstance(data, str) else data)


def new_temporary(path: Path) -> Path:
    """An empty file for what becomes `path`, under a name that is nobody else's: for `put_in_place`, or to remove."""
    _clear_once(path.parent)
    partial = _own_name(path)
    try:
        # Made, and not opened where something is already: no link that somebody laid there is followed.
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o666))
    except OSError as error:
        error.filename = str(path)  # the name that the user knows
        raise
    return partial


def put_in_place(partial: Path, path: Path) -> None:
    """Give a finished file its name. Its bytes are on the disk before, so that a power cut leaves no empty one."""
    if not partial.exists():
        return
    with partial.open("r+b") as file:
        os.fsync(file.fileno())
    partial.replace(path)


@contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """A hidden folder of this process's own beside a path, for libraries with files of their own; gone at the end."""
    _clear_once(beside.parent)
    folder = _own_name(beside)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_temporary(path: Path) -> bool:
    """Whether a path has a name that `new_temporary` or `temporary_folder` gives."""
    return _TEMPORARY.fullmatch(path.name) is not None


def clear_leftovers(folder: Path) -> None:
    """Remove what processes that have ended left half-written in a folder; never what another is writing."""
    with suppress(OSError):  # whoever may not read or write here cannot clear either
        for entry in list(os.scandir(folder)):
            found = _TEMPORARY.fullmatch(entry.name)
            if found is None:
                continue
            writer = ProcessMark(machine=found["machine"], pid=int(found["pid"]), start=int(found["start"]))
            with suppress(OSError):
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                ended = writer.has_ended()
                if ended or (ended is None and age > _FORGOTTEN_SECONDS):
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path)
                    else:
                        os.unlink(entry.path)  # noqa: PTH108  a link is removed, and not what it leads to


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_full_disk(error: BaseException) -> bool:
    """Whether the system refused to write for want of room."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _own_name(path: Path) -> Path:
    mark = this_process()
    # The name is cut, as file systems allow 255 bytes.
    return path.with_name(
        f".{path.name[:40]}.{mark.machine}-{mark.pid}-{mark.start}-{secrets.token_hex(4)}.part",
    )


def _clear_once(folder: Path) -> None:
    key = os.path.abspath(folder)  # noqa: PTH100  without asking the disk about links
    if key not in _cleared:
        _cleared.add(key)
        clear_leftovers(folder)
