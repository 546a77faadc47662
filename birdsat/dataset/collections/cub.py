"""Caltech-UCSD Birds 200-2011 (Wah et al. 2011, CNS-TR-2011-001) in its own layout.

Photos without place or date. Photos are for non-commercial research and education only.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from birdsat.dataset.photo_folder import FolderPhotos
from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation

LICENCE = "non-commercial research and education"

T = TypeVar("T")


def cub_photos(folder: Path) -> FolderPhotos:
    """The photo source for the observations of `read_cub`."""
    return FolderPhotos(folder / "images")


def read_cub(folder: Path, *, crop: bool = False) -> Iterator[Observation | Remark]:
    """Observations of a folder in CUB-200-2011's layout, with its own train/test split.

    crop: crop each photo to its bounding box. The taxon is CUB's class name in plain words, such as "Fish Crow".
    Raises InputError when a file of the layout is absent, has no rows, or has a line that cannot be read.
    """
    classes = {number: _plain(name) for number, name in _read(folder / "classes.txt", _text).items()}
    labels = _read(folder / "image_class_labels.txt", _text)
    is_training = _read(folder / "train_test_split.txt", _is_training)
    boxes = _read(folder / "bounding_boxes.txt", _box) if crop else {}
    for id, path in _read(folder / "images.txt", _text).items():
        try:
            name, training = classes[labels[id]], is_training[id]
            box = boxes[id] if crop else None
        except KeyError as error:
            detail = f"{path}: {error} is not in every file of the layout"
            yield Remark(row=id, reason="incomplete in CUB's files", detail=detail)
            continue
        yield Observation(
            id=id,
            taxon=name,
            photo=path,
            photo_box=box,
            split="train" if training else "test",
            licence=LICENCE,
        )


def _plain(class_name: str) -> str:
    """ "001.Black_footed_Albatross" -> "Black footed Albatross"."""
    number, dot, name = class_name.partition(".")
    return (name if dot and number.isdigit() else class_name).replace("_", " ")


def _text(value: str) -> str:
    return value


def _is_training(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError(f"{value!r} is neither 0 nor 1")
    return value == "1"


def _box(value: str) -> tuple[float, float, float, float]:
    x, y, width, height = map(float, value.split())
    return x, y, width, height


def _read(path: Path, parse: Callable[[str], T]) -> dict[str, T]:
    """Lines of `id value`, by id. The whole collection is 11,788 short lines: they fit in memory."""
    if not path.is_file():
        raise InputError(f"{path} is absent; give the folder of CUB-200-2011 that holds images.txt and images/.")
    values: dict[str, T] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        id, _, value = line.strip().partition(" ")
        try:
            if not value or id in values:
                raise ValueError("no value" if not value else f"id {id} comes twice")
            values[id] = parse(value)
        except ValueError as error:
            raise InputError(f"{path} line {number}: {line!r} cannot be read ({error}); restore the file.") from error
    if not values:
        raise InputError(f"{path} has no rows; restore the file.")
    return values
