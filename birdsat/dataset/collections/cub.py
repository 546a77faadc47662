"""Caltech-UCSD Birds 200-2011 (Wah et al. 2011, CNS-TR-2011-001) in its own layout.

Photos without place or date. Photos are for non-commercial research and education only.
"""

from collections.abc import Iterator
from pathlib import Path

from birdsat.dataset.collections.collection import Collection
from birdsat.dataset.collections.published_counts import PublishedCounts
from birdsat.dataset.collections.visipedia import read_photos, read_values
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation

NAME = "CUB-200-2011"
LICENCE = "non-commercial research and education"
WHOLE = PublishedCounts(name=NAME, taxa=200, train=5_994, test=5_794)


def open_cub(folder: Path, *, crop: bool = False) -> Collection:
    """The collection in a folder of its layout. crop: crop each photo to its bounding box."""
    return Collection(
        observations=read_cub(folder, crop=crop),
        photos=FolderPhotos(folder / "images"),
        published=WHOLE,
        licence=LICENCE,
    )


def read_cub(folder: Path, *, crop: bool = False) -> Iterator[Observation | Remark]:
    """Observations of a folder in CUB-200-2011's layout, with its own train/test split.

    crop: crop each photo to its bounding box. The taxon is CUB's class name in plain words, such as "Fish Crow".
    Raises InputError when a file of the layout is absent, has no rows, or has a line that cannot be read.
    """
    taxa = read_values(folder / "classes.txt", plain_class_name, NAME)
    yield from read_photos(folder, collection=NAME, licence=LICENCE, taxa=taxa, crop=crop)


def plain_class_name(name: str) -> str:
    """ "001.Black_footed_Albatross" -> "Black footed Albatross"."""
    number, dot, rest = name.partition(".")
    return (rest if dot and number.isdigit() and rest else name).replace("_", " ").strip()
