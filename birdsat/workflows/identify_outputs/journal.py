"""The rows of photos that were named, kept in a file as they come, so that a command that is stopped goes on there.

Memory does not grow with the photos: outputs read the rows from the file. A line a photo, behind one that says what
they were named by; a last line that was cut short is not there.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from birdsat.workflows.identify_outputs.rows import PhotoRow

_MOST_LINE = 16 << 20  # bytes


class Journal:
    """Rows in the order of the photos. Used by one process at a time, whose caller holds a lock."""

    def __init__(self, path: Path, named_by: Mapping[str, Any], photos: Sequence[Path]) -> None:
        """Open it, and keep those rows of an earlier one that are of the same photos, unchanged, and were named by the
        same.

        named_by: all that the rows depend on, plain JSON values.
        """
        self.path = path
        head = json.dumps(named_by, sort_keys=True).encode() + b"\n"
        kept = _kept(path, head, photos)
        self.kept = 0 if kept is None else kept[0]
        if kept is None:
            path.write_bytes(head)
        self._file: BinaryIO = path.open("r+b")
        self._file.seek(len(head) if kept is None else kept[1])
        self._file.truncate()

    def add(self, photos: Sequence[Path], rows: Sequence[PhotoRow]) -> None:
        """Keep the rows of some photos."""
        lines = (
            json.dumps({"file": file_state(photo), "row": row.to_dict()}, ensure_ascii=False, allow_nan=False)
            for photo, row in zip(photos, rows, strict=True)
        )
        self._file.write("".join(f"{line}\n" for line in lines).encode())
        self._file.flush()

    def rows(self) -> Iterator[PhotoRow]:
        """All of them, read from the file."""
        self._file.flush()
        with self.path.open("rb") as file:
            file.readline()
            for line in file:
                yield PhotoRow.from_dict(json.loads(line)["row"])

    def close(self) -> None:
        """Leave it as it is."""
        self._file.close()

    def remove(self) -> None:
        """It is not needed any more."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def _kept(path: Path, head: bytes, photos: Sequence[Path]) -> tuple[int, int] | None:
    """How many rows of a journal are of the first of the photos, and where they end; None where nothing can be kept."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        if file.readline(_MOST_LINE) != head:
            return None
        end, count = file.tell(), 0
        for photo in photos:
            line = file.readline(_MOST_LINE)
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
                if entry is None or entry["file"] != file_state(photo):
                    break
                PhotoRow.from_dict(entry["row"])
            except (ValueError, KeyError, TypeError):
                break
            end, count = file.tell(), count + 1
        return count, end


def file_state(path: Path) -> list[Any]:
    """By which a file is known for the same: path, length and time of its last change; [path] where it is not there."""
    shown = os.fsencode(path).hex() if any(0xDC80 <= ord(letter) <= 0xDCFF for letter in str(path)) else str(path)
    try:
        found = path.stat()
    except OSError:
        return [shown]
    return [shown, found.st_size, found.st_mtime_ns]
