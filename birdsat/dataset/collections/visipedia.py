"""The text files that CUB-200-2011 and NABirds have in common: lines of `id value`."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation
from birdsat.observations.readers.encoding import read_text

T = TypeVar("T")
_NONE: Mapping[str, str] = MappingProxyType({})


def read_photos(
    folder: Path,
    *,
    collection: str,
    licence: str,
    taxa: Mapping[str, str],
    crop: bool,
    photographers: Mapping[str, str] = _NONE,
) -> Iterator[Observation | Remark]:
    """Observations of images.txt, image_class_labels.txt, train_test_split.txt and, to crop, bounding_boxes.txt.

    taxa: by class. photographers: by photo. Raises InputError as `read_values` does.
    """
    labels = read_values(folder / "image_class_labels.txt", str, collection)
    is_training = read_values(folder / "train_test_split.txt", _is_training, collection)
    boxes = read_values(folder / "bounding_boxes.txt", _box, collection) if crop else {}
    for id, path in read_values(folder / "images.txt", str, collection).items():
        try:
            taxon, training = taxa[labels[id]], is_training[id]
            box = boxes[id] if crop else None
        except KeyError as error:
            detail = f"{path}: {error} is not in every file of the layout"
            yield Remark(row=id, reason="incomplete in the collection's files", detail=detail)
            continue
        yield Observation(
            id=id,
            taxon=taxon,
            photo=path,
            photo_box=box,
            split="train" if training else "test",
            licence=licence,
            attribution=photographers.get(id, ""),
        )


def read_values(path: Path, parse: Callable[[str], T], collection: str, *, may_be_blank: bool = False) -> dict[str, T]:
    """Lines of `id value`, by id, in their order. At most 48,562 short lines: they fit in memory.

    Raises InputError for a file that is absent or has no rows, and for a line that cannot be read: without a value
    (unless it may be blank), with the id of an earlier one, or refused by `parse` with a ValueError.
    """
    if not path.is_file():
        raise InputError(f"{path} is absent; give the folder of {collection} that holds images.txt and images/.")
    values: dict[str, T] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        id, *rest = line.strip("\ufeff").split(maxsplit=1) or [""]
        if not id:
            continue
        value = rest[0] if rest else ""
        try:
            if id in values:
                raise ValueError(f"id {id} comes twice")
            if not value and not may_be_blank:
                raise ValueError("no value")
            values[id] = parse(value.strip())
        except ValueError as error:
            raise InputError(f"{path} line {number}: {line!r} cannot be read ({error}); restore the file.") from error
    if not values:
        raise InputError(f"{path} has no rows; restore the file.")
    return values


def _is_training(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError(f"{value!r} is neither 0 nor 1")
    return value == "1"


def _box(value: str) -> tuple[float, float, float, float]:
    x, y, width, height = map(float, value.split())
    return x, y, width, height
