"""How much room folders take, while files in them come, are renamed and go."""

import os
from contextlib import suppress
from pathlib import Path


def bytes_in(folder: Path) -> int:
    """Of its files, those that are still there when they are looked at; 0 of a folder that is gone."""
    size = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += (Path(inner) / name).stat().st_size
    return size


def oldest_first(folder: Path) -> list[Path]:
    """Its folders by when they changed, those that are still there."""
    found: list[tuple[int, Path]] = []
    for one in folder.iterdir():
        with suppress(OSError):
            if one.is_dir():
                found.append((one.stat().st_mtime_ns, one))
    return [one for _, one in sorted(found)]
