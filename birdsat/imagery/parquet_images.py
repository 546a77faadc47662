"""Pictures that lie as bytes in a column of a Parquet file, by the number of their row."""

import os
import tempfile
import threading
import weakref
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from birdsat.errors import ImageError, InputError
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.imagery.sources import source_identity
from birdsat.observations.observation import Observation
from birdsat.observations.readers.image_cells import row_of_key
from birdsat.reading import MOST_IMAGE_BYTES, read_within

_CACHE_BYTES = 256 << 20
_MOST_OF_A_GROUP = 64 << 20  # bytes of a row group from which on the pictures are laid out in a file first
_BATCH = 64  # rows that are held while they are laid out
_DAMAGED = (OSError, pa.ArrowException, EOFError, MemoryError, LookupError, TypeError, ValueError)


class ParquetImages:
    """Image bytes of a Parquet column. Row groups are read when asked for; the latest used are kept.

    Where row groups are large, all pictures are first written to a temporary file, which goes with this object: photos
    are asked for in an order that was drawn, and each would cost the unpacking of a group. May be shared by threads;
    processes that it is sent to use the same file.
    """

    def __init__(self, table: Path, column: str) -> None:
        """Raises InputError for a file that cannot be read, or on a disk that is full."""
        self._table, self._column = table, column
        self._laid_out: tuple[Path, np.ndarray[Any, np.dtype[np.int64]]] | None = None
        self._open()
        # Of all columns: where what a damaged file says of a single one is asked for, the process dies.
        groups = range(self._file.num_row_groups)
        sizes = [self._file.metadata.row_group(group).total_byte_size for group in groups]
        if max(sizes, default=0) > _MOST_OF_A_GROUP:
            self._lay_out()

    def read(self, row: int) -> bytes | str | None:
        """The bytes in a row, from 0; the path that is there in place of them, or None for neither.

        Raises ImageError for a row that is not there, is too large, or is damaged.
        """
        if not 0 <= row < self._rows:
            raise ImageError(f"{self._table} has no row {row + 1:,}; it was written again since its rows were read.")
        try:
            if self._laid_out is not None:
                return self._of_file(row)
            group = int(np.searchsorted(self._ends, row, side="right"))
            start = int(self._ends[group - 1]) if group else 0
            with self._lock:
                return _bytes_or_path(self._group(group)[row - start].as_py())
        except _DAMAGED as error:
            raise ImageError(f"{self._table} cannot be read at row {row + 1:,} ({error}); export it again.") from error

    def _open(self) -> None:
        try:
            self._file = pq.ParquetFile(self._table)
        except _DAMAGED as error:
            raise InputError(f"{self._table} cannot be read ({error}); export it again.") from error
        groups = range(self._file.num_row_groups)
        self._ends = np.cumsum([self._file.metadata.row_group(group).num_rows for group in groups], dtype=np.int64)
        self._rows = int(self._ends[-1]) if len(self._ends) else 0
        self._kept: OrderedDict[int, pa.ChunkedArray] = OrderedDict()
        self._lock = threading.Lock()

    def _group(self, group: int) -> pa.ChunkedArray:
        if group not in self._kept:
            column = self._file.read_row_group(group, columns=[self._column], use_threads=False).column(0)
            self._kept[group] = column
            while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > _CACHE_BYTES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(group)
        return self._kept[group]

    def _lay_out(self) -> None:
        """Write every picture, or its path, behind the one before."""
        number, name = tempfile.mkstemp(prefix="birdsat-images-")
        path = Path(name)
        weakref.finalize(self, _remove, path, os.getpid())
        ends = np.zeros((self._rows, 2), np.int64)  # where the entry ends, and 1 for bytes, 2 for a path, 0 for none
        at = row = 0
        try:
            with os.fdopen(number, "wb") as file:
                for batch in self._file.iter_batches(batch_size=_BATCH, columns=[self._column], use_threads=False):
                    for cell in batch.column(0):
                        found = _bytes_or_path(cell.as_py())
                        data = found.encode() if isinstance(found, str) else found or b""
                        at += file.write(data)
                        ends[row] = at, 0 if found is None else 2 if isinstance(found, str) else 1
                        row += 1
        except _DAMAGED as error:
            raise InputError(
                f"the pictures of {self._table} cannot be laid out in {path.parent} ({error}); free some space there, "
                "set TMPDIR to another folder, or export the table again."
            ) from error
        self._laid_out = path, ends

    def _of_file(self, row: int) -> bytes | str | None:
        assert self._laid_out is not None
        path, ends = self._laid_out
        start, (end, kind) = int(ends[row - 1, 0]) if row else 0, ends[row].tolist()
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        return None if kind == 0 else data.decode() if kind == 2 else data

    def __getstate__(self) -> dict[str, Any]:
        return {"_table": self._table, "_column": self._column, "_laid_out": self._laid_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()


@dataclass(frozen=True, slots=True)
class TablePhotos:
    """A photo source: photos lie in a column of the table itself, or in files that it names there.

    An observation's photo is a key that `birdsat.observations.readers.image_cells` gave, or a path within `root`.
    """

    table: Path
    column: str
    root: Path
    _images: ParquetImages = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_images", ParquetImages(self.table, self.column))

    @property
    def identity(self) -> dict[str, Any]:
        """The table and its column."""
        return source_identity("TablePhotos", table=self.table, column=self.column, root=self.root)

    def photo(self, observation: Observation) -> bytes:
        """The photo's bytes. Raises FileNotFoundError where there is none, ImageError where it cannot be read."""
        row = None if observation.photo is None else row_of_key(observation.photo)
        if row is None:
            return FolderPhotos(self.root).photo(observation)
        found = self._images.read(row)
        if not isinstance(found, bytes):
            raise FileNotFoundError(f"{self.table} has no picture in row {row + 1:,} of {self.column!r}")
        return found


def read_image(images: ParquetImages, row: int, folder: Path) -> bytes | None:
    """The picture of a row: its bytes, or the file that it names within a folder; None where there is neither.

    Raises FileNotFoundError for a file that is not there, ImageError for what cannot be read.
    """
    found = images.read(row)
    if not isinstance(found, str):
        return found
    try:
        return read_within(folder, found)
    except InputError as error:
        raise ImageError(f"picture {error}") from error


def _bytes_or_path(value: Any) -> bytes | str | None:
    path = None
    if isinstance(value, dict):
        value, path = value.get("bytes"), value.get("path")
    if value is not None:
        data = bytes(value)
        if len(data) > MOST_IMAGE_BYTES:
            raise ValueError(f"a picture of {len(data):,} bytes; allowed: {MOST_IMAGE_BYTES:,}")
        return data
    return path if isinstance(path, str) and path else None


def _remove(path: Path, process: int) -> None:
    if os.getpid() == process:  # a forked worker ends without taking it away from the others
        with suppress(OSError):
            path.unlink()
