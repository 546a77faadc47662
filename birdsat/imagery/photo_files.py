"""Photos as people keep them: files, folders and globs, and the formats of cameras and phones."""

import glob
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from birdsat.errors import ImageError, InputError, some_of
from birdsat.imagery.camera_formats import RAW_SUFFIXES, decode_heif, heif_exif, is_heif, raw_preview
from birdsat.imagery.jpeg_markers import jpeg_exif
from birdsat.imagery.photos import FORMATS, decode_rgb
from birdsat.reading import MOST_IMAGE_BYTES, read_bytes

# By their endings, files in folders are known for photos; a file that is named is looked into, whatever it is called.
_PLAIN = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".jp2", ".mpo")
PHOTO_SUFFIXES = frozenset((*_PLAIN, ".heic", ".heif", ".hif", *RAW_SUFFIXES))
LEAST_SIDE_PX = 16  # of a photo that may show a bird
_BLOCKS = (0x8769, 0x8825)  # in EXIF: of the photo, of its place
_WILD = frozenset("*?[")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadPhoto:
    """A photo, decoded."""

    rgb: NDArray[np.uint8]  # (h, w, 3) upright
    exif: Image.Exif  # empty where the file has none
    remark: str = ""  # what was passed over, as the other frames of an animation


def find_photos(asked: Sequence[Path | str], *, setting: str = "photos") -> tuple[Path, ...]:
    """The photos that files, folders and globs stand for, each once, in the order in which they are asked for.

    A folder stands for the photos in it and in its folders, sorted by path, a glob for what it matches, sorted; hidden
    files and what has not the ending of a photo are passed over there. A path that leads nowhere stays, so that it is
    told of as one photo that cannot be read. Photos of one name in two folders are two.

    Raises InputError where there is none at all; setting: which asked for them.
    """
    found: dict[str, Path] = {}
    folders: dict[Path, str] = {}  # where each really is: links may lead to one folder in many ways
    for one in asked:
        for path in _expanded(Path(one)):
            if path.parent not in folders:
                folders[path.parent] = os.path.realpath(path.parent)
            found.setdefault(f"{folders[path.parent]}/{path.name}", path)
    photos = tuple(found.values())
    if not any(photo.exists() for photo in photos):
        shown = ", ".join(map(str, asked[:3])) + (f" and {len(asked) - 3} more" if len(asked) > 3 else "")
        gone = " (No such file or directory)" if found else ""
        raise InputError(
            f"there is not a single photo in {shown or 'nothing'}{gone}; give image files, folders of them, or globs "
            f"such as 'trip/*.jpg'. Photos in folders end in {', '.join(_PLAIN[:6])}, .heic, .nef or the like.",
            settings=(setting,),
        )
    return photos


def _expanded(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from _within(path)
    elif path.exists() or not _WILD & set(str(path)):  # a name may hold brackets itself
        yield path
    else:
        for match in sorted(glob.iglob(str(path), recursive=True)):  # noqa: PTH207  of any path, absolute ones as well
            below = Path(match)
            if below.is_dir():
                yield from _within(below)
            elif below.suffix.lower() in PHOTO_SUFFIXES:
                yield below


def _within(folder: Path) -> Iterator[Path]:
    """Sorted by path, without following links to folders, which may lead in a circle."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if Path(name).suffix.lower() in PHOTO_SUFFIXES and not name.startswith("."):
                yield Path(root, name)


def same_names(photos: Iterable[Path]) -> frozenset[str]:
    """Names of files that more than one of the photos has."""
    once: set[str] = set()
    twice: set[str] = set()
    for photo in photos:
        (twice if photo.name in once else once).add(photo.name)
    return frozenset(twice)


def without_raw_twins(photos: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The photos, and those left out: RAW files beside another file of their name, of the same folder, which a camera
    that is set to RAW+JPEG writes of the same picture."""
    others = {_stem(photo) for photo in photos if photo.suffix.lower() not in RAW_SUFFIXES}
    twins = tuple(one for one in photos if one.suffix.lower() in RAW_SUFFIXES and _stem(one) in others)
    left_out = frozenset(twins)
    return tuple(photo for photo in photos if photo not in left_out), twins


def _stem(photo: Path) -> tuple[Path, str]:
    return photo.parent, photo.stem.casefold()


def raw_twins_note(twins: Sequence[Path]) -> str:
    """What is said of those left out."""
    files = "1 RAW file is" if len(twins) == 1 else f"{len(twins):,} RAW files are"
    named = some_of(map(str, twins))
    return f"{files} of the same picture as a photo of that name beside, which stands for both: {named}."


def read_photo(path: Path, *, shorter_px: int | None = None, exact: bool = True, least_px: int = 1) -> ReadPhoto:
    """Decode a photo from a file of any format that is read, and its EXIF.

    shorter_px, exact: as `decode_rgb` takes them. HEIC needs pillow-heif, and of RAW files the preview is taken, by
    rawpy; both come with the extra "photos".

    Raises ImageError, with a reason that does not repeat the path, for what is absent, cannot be decoded whole, has
    fewer pixels a side than `least_px` or more than are read, and where the extra is missing.
    """
    data = photo_bytes(path)
    exif: Image.Exif | None = None
    if path.suffix.lower() in RAW_SUFFIXES:
        data, exif = raw_preview(data)
    if is_heif(data):
        rgb, exif = decode_heif(data, shorter_px=shorter_px)
        remark = ""
    else:
        own, remark = _exif_and_frames(data)
        exif = exif or own
        rgb = decode_rgb(data, shorter_px=shorter_px, exact=exact)
    height, width = rgb.shape[:2]
    if min(height, width) < min(least_px, shorter_px or least_px):
        raise ImageError(f"{width} x {height} pixels are too few to show a bird; allowed: {least_px} a side or more.")
    return ReadPhoto(rgb=rgb, exif=exif, remark=remark)


def photo_bytes(path: Path) -> bytes:
    """The bytes of a photo. Raises ImageError, with a reason that does not repeat the path."""
    try:
        return read_bytes(path, most_bytes=MOST_IMAGE_BYTES, shown="it")
    except FileNotFoundError as error:
        raise ImageError("there is no such file.") from error
    except InputError as error:
        raise ImageError(str(error)) from error


def photo_exif(path: Path) -> Image.Exif:
    """The EXIF of a photo, without decoding it; empty where there is none that can be read."""
    try:
        data = photo_bytes(path)
        if path.suffix.lower() in RAW_SUFFIXES:
            preview, own = raw_preview(data)
            return own or _exif_and_frames(preview)[0]
        return heif_exif(data) if is_heif(data) else _exif_and_frames(data)[0]
    except ImageError:
        return Image.Exif()


def distinct_names(photos: Sequence[Path]) -> list[str]:
    """A name for each photo that no other has, as of a file that is made of it: without its ending, if that will do,
    then with as many of its folders as are needed, then with a number."""
    names = [photo.stem for photo in photos]
    depth = 1
    while (shared := _shared(names)) and depth < 32:
        depth += 1
        for number in shared:
            parts = [part for part in photos[number].parts[-depth:] if part not in ("/", "..", ".")]
            names[number] = "-".join(parts)
    for number in _shared(names):
        names[number] = f"{names[number]}-{number + 1}"
    return names


def _shared(names: Sequence[str]) -> list[int]:
    """Which names others have as well, on systems that know no capitals too."""
    folded = [name.casefold() for name in names]
    counts = Counter(folded)
    return [number for number, name in enumerate(folded) if counts[name] > 1]


def _exif_and_frames(data: bytes) -> tuple[Image.Exif, str]:
    """The EXIF, and a remark on further frames. What is damaged is found out by decoding."""
    if data.startswith(b"\xff\xd8"):  # of any number of pixels, of which Pillow opens only so many
        return _with_blocks(jpeg_exif(data)), ""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            frames = int(getattr(image, "n_frames", 1)) if image.format in ("GIF", "WEBP", "PNG", "TIFF") else 1
            words = "page" if image.format == "TIFF" else "frame"
            remark = f"the first of {frames:,} {words}s was taken" if frames > 1 else ""
            return _own(image), remark
    except Exception:
        return Image.Exif(), ""


def _own(image: Any) -> Image.Exif:
    try:
        return _with_blocks(image.getexif())
    except Exception:  # a damaged EXIF block does not make the picture unusable
        return Image.Exif()


def _with_blocks(exif: Image.Exif) -> Image.Exif:
    try:
        for block in _BLOCKS:  # of a TIFF they are read from its file, which is closed soon
            exif.get_ifd(block)
        return exif
    except Exception:  # a damaged EXIF block does not make the picture unusable
        return Image.Exif()
