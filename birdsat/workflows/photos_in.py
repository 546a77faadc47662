"""The photos that lie in a folder."""

from pathlib import Path

from birdsat.errors import InputError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")


def photos_in(folder: Path, *, setting: str = "folder") -> list[Path]:
    """Image files in a folder and those below, by their names, in order. Raises InputError where there is none."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name one with photos.", settings=(setting,))
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in ENDINGS and path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        raise InputError(f"{folder} has no photos ({', '.join(ENDINGS)}); name a folder that has.", settings=(setting,))
    return found
