"""One writer at a time: a lock on a folder, or on a file that is to be written.

The lock is the system's (flock, or on Windows a locked byte), so it goes with the process that holds it, however that
ends. The file it is laid on says who that is, and is removed by its holder while the lock is still held: whoever opened
it before finds, once it has the lock, that the name leads elsewhere, and starts again.
"""

import contextlib
import datetime
import errno
import json
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from birdsat.errors import BusyError, ConfigError
from birdsat.files import clear_leftovers, is_temporary
from birdsat.processes import ProcessMark, this_process

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FOLDER_LOCK = ".birdsat.lock"
_WORDS = 300  # most of a command that is kept
_FAR = 1 << 30  # position of the byte that Windows locks; others may read all that is before
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # of file systems without locks
_held: set[int] = set()  # file descriptors


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Be the only one who writes in a folder. It is made where it is not there, and gone again if nothing came of it.

    What killed processes left half-written in it is removed. A folder that may not be written is not locked: it is
    either finished, or whatever writes in it gets an error. Raises BusyError when another holds it, ConfigError when it
    is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; choose a folder.")
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _lock(folder / _FOLDER_LOCK, folder):
            clear_leftovers(folder)
            yield
    finally:
        if made:
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Be the only one who writes a file, in a folder that is there, and what goes with it. Raises BusyError."""
    with _lock(path.with_name(f".{path.name[:60]}.lock"), path):
        _clear_locks(path.parent)
        yield


def is_unused(folder: Path) -> bool:
    """Whether nothing was written in a folder yet: it is not there, or holds but temporary files and empty folders."""
    if not folder.is_dir():
        return not folder.exists()
    return all(
        is_temporary(path) or path.name == _FOLDER_LOCK or (path.is_dir() and not path.is_symlink() and is_unused(path))
        for path in folder.iterdir()
    )


@contextlib.contextmanager
def _lock(lock: Path, what: Path) -> Iterator[None]:
    descriptor = _acquire(lock, what)
    if descriptor is None:
        yield
        return
    _held.add(descriptor)
    try:
        with contextlib.suppress(OSError):  # as on a full disk: others only do not learn who holds it
            _write_record(descriptor)
        yield
    finally:
        _held.discard(descriptor)
        _release(descriptor, lock)


def _clear_locks(folder: Path) -> None:
    """Remove the files of locks on other files in a folder whose holders have ended without doing so."""
    with contextlib.suppress(OSError):
        for lock in folder.glob(".*.lock"):
            if "machine" in _parsed(lock.read_bytes()):  # it is one of ours
                with contextlib.suppress(BusyError):
                    if (descriptor := _acquire(lock, lock)) is not None:
                        _release(descriptor, lock)


def _acquire(lock: Path, what: Path) -> int | None:
    """The descriptor of the lock's file, locked; None where there can be no lock."""
    while True:
        descriptor = _open(lock)
        if descriptor is None:
            return None
        try:
            if not _try_lock(descriptor):
                raise BusyError(_who_holds(lock, what))
            if _is_at(descriptor, lock):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder removed it after we had opened it


def _open(lock: Path) -> int | None:
    links = getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | links, 0o666)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
    with contextlib.suppress(OSError):  # another user's may be locked as well
        return os.open(lock, os.O_RDONLY | links)
    return None


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return _is_free_by_its_words(descriptor)
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True


def _is_free_by_its_words(descriptor: int) -> bool:
    """Where the file system has no locks: whether whoever is named in the file is known to have ended."""
    holder = _parsed(os.read(descriptor, 1 << 16))
    try:
        mark = ProcessMark(machine=holder["machine"], pid=holder["pid"], start=holder["start"])
    except KeyError:
        return True
    return bool(mark.has_ended())


def _is_at(descriptor: int, lock: Path) -> bool:
    try:
        there = lock.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _release(descriptor: int, lock: Path) -> None:
    if sys.platform == "win32":  # a file that is open cannot be removed there, nor can one that another has opened
        os.close(descriptor)
        with contextlib.suppress(OSError):
            lock.unlink()
        return
    with contextlib.suppress(OSError):
        lock.unlink()
    os.close(descriptor)


def _write_record(descriptor: int) -> None:
    mark = this_process()
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)  # what a holder before us wrote may have been read
    record = json.dumps(
        {
            "machine": mark.machine,
            "pid": mark.pid,
            "start": mark.start,
            "host": socket.gethostname(),
            "command": " ".join(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]).split())[:_WORDS],
            "since": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        }
    )
    os.write(descriptor, record.encode())


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        known = json.loads(data)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def _who_holds(lock: Path, what: Path) -> str:
    holder: dict[str, Any] = {}
    with contextlib.suppress(OSError):
        holder = _parsed(lock.read_bytes())
    by = "another process"
    if "pid" in holder:
        by = (
            f"process {holder['pid']} on {holder.get('host')} since {holder.get('since')} ({holder.get('command')})"
            if holder["pid"] != os.getpid() or holder.get("machine") != this_process().machine
            else "another task of this process"
        )
    return f"{what} is being written by {by}; wait for it to end, or name another place."


def _let_go_in_child() -> None:
    # A forked worker that outlives its parent for a moment must not hold the parent's locks; closing one copy of a
    # descriptor leaves the lock to the other.
    for descriptor in _held:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)
