"""Values of cells as bytes: made once of a model, compressed, kept on disk and, the last ones asked for, in memory."""

import gzip
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.files import write_atomic

MISSING = 255  # of a byte array: nothing is known of the cell
STEPS = 254  # a byte's largest value; a number is bytes / 254 of `top`
_MEMORY_BYTES = 96 << 20


def to_bytes(values: NDArray[np.floating], top: float = 1.0) -> NDArray[np.uint8]:
    """Numbers 0..top as 0..254, right to top / 508; 255 for what is not finite."""
    known = np.isfinite(values)
    steps = np.rint(np.clip(np.where(known, values, 0) / top, 0, 1) * STEPS)
    return np.where(known, steps, MISSING).astype(np.uint8)


class PackedArrays:
    """Arrays by name, each of which is made at most once at a time; gzip of their bytes.

    A folder keeps all of them, as long as the disk takes them; memory keeps the last ones.
    """

    def __init__(self, folder: Path, memory_bytes: int = _MEMORY_BYTES) -> None:
        """folder: of arrays of one model and region, which names it."""
        self.folder, self._most = folder, memory_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._size, self._lock = 0, threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def get(self, name: str, make: Callable[[], dict[str, NDArray[np.uint8]]]) -> bytes:
        """An array that is there, or made: `make` gives it and any others that come with it, by name."""
        if (held := self._find(name)) is not None:
            return held
        with self._lock:
            making = self._making.setdefault(name, threading.Lock())
        try:
            with making:
                if (held := self._find(name)) is not None:
                    return held
                packed = {one: gzip.compress(array.tobytes(), 4, mtime=0) for one, array in make().items()}
                for one, data in packed.items():
                    self._keep(one, data)
                return packed[name]
        finally:
            with self._lock:
                self._making.pop(name, None)

    def array(self, name: str, make: Callable[[], dict[str, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
        """The same, opened: one row of bytes."""
        return np.frombuffer(gzip.decompress(self.get(name, make)), np.uint8)

    def _find(self, name: str) -> bytes | None:
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        try:
            packed = self._path(name).read_bytes()
        except OSError:
            return None
        self._hold(name, packed)
        return packed

    def _keep(self, name: str, packed: bytes) -> None:
        self._hold(name, packed)
        with suppress(OSError, InputError):  # a full disk: it is made again when it is forgotten
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path(name), packed)

    def _hold(self, name: str, packed: bytes) -> None:
        with self._lock:
            self._size += len(packed) - len(self._held.pop(name, b""))
            self._held[name] = packed
            while self._size > self._most and len(self._held) > 1:
                self._size -= len(self._held.popitem(last=False)[1])

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.gz"
