"""Files that are there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from birdsat.errors import InputError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` when the block ends without an error and is removed otherwise."""
    partial = path.with_name(path.name + ".part")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """`atomic_path`, where the system's refusal (no such folder, a full disk) is an InputError that says what to do."""
    try:
        with atomic_path(path) as partial:
            yield partial
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}); check the folder and the free disk space.") from error


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write bytes, or text as UTF-8."""
    with atomic_path(path) as partial:
        partial.write_bytes(data.encode() if isinstance(data, str) else data)
