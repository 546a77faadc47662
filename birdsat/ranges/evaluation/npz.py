"""Arrays of an .npz file, which is checked before memory is taken for any of them."""

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.reading import first_bytes, kind_of

MOST_BYTES = 1 << 31  # of all arrays together: 10,000 species in 200,000 cells
_REMEDY = "save plain arrays with numpy.savez, the species as text and not as objects"


def read_npz(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays of these names. No pickle is read: one could run code of its own.

    Raises InputError for a file that is not .npz, lacks one of them, says other sizes than it has, or would take more
    than MOST_BYTES.
    """
    if not path.is_file():
        raise InputError(f"range grid {path} cannot be read (there is no such file); {_REMEDY}.")
    found = kind_of(first_bytes(path))
    if found not in (None, "a zip file"):
        raise InputError(f"range grid {path} cannot be read: this is {found}; {_REMEDY}.")
    try:
        with zipfile.ZipFile(path) as file:
            members = {info.filename.removesuffix(".npy"): info for info in file.infolist()}
            if absent := [name for name in names if name not in members]:
                raise InputError(
                    f"{path} has no array {', '.join(absent)}; it has {', '.join(sorted(members)[:20])}. "
                    f"A range grid has {', '.join(names)}."
                )
            if (size := sum(members[name].file_size for name in names)) > MOST_BYTES:
                raise InputError(f"{path} unpacks to {size:,} bytes; allowed: {MOST_BYTES:,}. Leave species out.")
            return {name: _array(file, members[name]) for name in names}
    except InputError:
        raise
    except Exception as error:  # damaged zips and heads are answered with almost any exception
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"range grid {path} cannot be read ({said}); {_REMEDY}.") from error


def _array(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    with file.open(info) as member:
        shape, in_columns, kind = _head(member)
        if kind.hasobject:
            raise ValueError(f"{info.filename} holds objects, which only a pickle could tell of")
        size = math.prod(shape) * kind.itemsize
        held = info.file_size - member.tell()
        if any(side < 0 for side in shape) or size != held:
            raise ValueError(f"{info.filename} says that it has {size:,} bytes and has {held:,}")
        numbers = np.frombuffer(_whole(member, size), dtype=kind)
    return numbers.reshape(shape, order="F" if in_columns else "C")


def _head(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(member)
    if version == (1, 0):
        return npy.read_array_header_1_0(member)
    if version == (2, 0):
        return npy.read_array_header_2_0(member)
    raise ValueError(f"version {version} of .npy is not known")


def _whole(member: IO[bytes], size: int) -> bytes:
    data = member.read(size)
    if len(data) != size or member.read(1):
        raise ValueError("it ends elsewhere than it says")
    return data
