"""A folder of photos with one folder a species, and folders train, val and test above them if there are splits."""

import os
from collections.abc import Iterator
from pathlib import Path

from birdsat.dataset.collections.collection import Collection
from birdsat.dataset.collections.cub import plain_class_name
from birdsat.errors import InputError
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.observations.curation import Remark
from birdsat.observations.name_columns import are_scientific, beside_english
from birdsat.observations.observation import Observation, Split
from birdsat.observations.scientific_names import NameReading, parse_name

_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".jp2")


def open_image_folder(folder: Path) -> Collection:
    """The photos of a folder. Its licence, and the photos' places and dates, are not known."""
    return Collection(observations=read_image_folder(folder), photos=FolderPhotos(folder))


def read_image_folder(folder: Path) -> Iterator[Observation | Remark]:
    """Observations of a folder's photos, in the order of their paths; the path is the id.

    The taxon is the name of the species' folder, in plain words ("Parus_major" is Parus major, "12.Parus_major" too);
    photos may lie in folders within it. Photos of a folder whose name means no single species are dropped. Names that
    begin with a dot are passed over. Raises InputError for a folder that is absent, holds no folders, or holds both
    splits and species.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one that holds a folder of photos for each species.")
    names = _folders(folder)
    splits = [name for name in names if name.lower() in _SPLITS]
    if not names or (splits and len(splits) < len(names)):
        others = [name for name in names if name not in splits]
        found = f"the splits {', '.join(splits)} beside {', '.join(others[:3])}" if names else "no folders"
        raise InputError(f"{folder} holds {found}; put a folder for each species in it, or splits that hold them.")
    for name in _files(folder):
        yield _no_species(name)
    of_species = {split: _folders(folder / split) for split in splits} or {"": names}
    written = {plain_class_name(name) for some in of_species.values() for name in some}
    taxa = {name: parse_name(name) for name in written}
    if not are_scientific(written):
        taxa = {name: beside_english(reading, name) for name, reading in taxa.items()}
    for split, some in of_species.items():
        for name in _files(folder / split) if split else ():
            yield _no_species(f"{split}/{name}")
        for name in some:
            inside = f"{split}/{name}" if split else name
            yield from _species(folder, inside, taxa[plain_class_name(name)], _SPLITS.get(split.lower()))


def _species(root: Path, inside: str, taxon: NameReading, split: Split | None) -> Iterator[Observation | Remark]:
    for parent, folders, files in os.walk(root / inside):
        folders[:] = sorted(entry for entry in folders if not entry.startswith("."))
        for file in sorted(files):
            path = (Path(parent) / file).relative_to(root).as_posix()
            if file.startswith("."):
                continue
            if not file.lower().endswith(_IMAGES):
                yield Remark(row=path, reason="no photo by its name", detail=f"allowed: {', '.join(_IMAGES)}")
                continue
            if taxon.species is None:
                yield Remark(row=path, reason=taxon.dropped, detail=f"folder {inside!r}")
                continue
            yield Observation(id=path, taxon=taxon.species, photo=path, split=split)


def _no_species(path: str) -> Remark:
    return Remark(row=path, reason="in no species' folder", detail="put it into the folder of its species")


def _folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
