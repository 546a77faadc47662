"""NABirds (Van Horn et al., CVPR 2015) in its own layout.

48,562 photos of North American birds in 555 visual categories, such as "Common Eider (Adult male)", of 404 species.
Names are English. Photos without place or date, for non-commercial research and education only.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from birdsat.dataset.collections.collection import Collection
from birdsat.dataset.collections.published_counts import PublishedCounts
from birdsat.dataset.collections.visipedia import read_photos, read_values
from birdsat.errors import ConfigError, InputError
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation
from birdsat.observations.taxonomy import Taxon, Taxonomy

NAME = "NABirds"
LICENCE = "non-commercial research and education"
TAXA = {"category": 555, "species": 404}  # by level: what a taxon is


def open_nabirds(folder: Path, *, crop: bool = False, level: str = "category") -> Collection:
    """The collection in a folder of its layout, with its own train/test split.

    crop: crop each photo to its bounding box. level: what the taxon is: the visual category, or the species that it
    is of. hierarchy.txt, needed for species, gives orders and families; without it taxa have names alone.
    Raises ConfigError for another level, InputError when a file of the layout is absent, has no rows, or has a line
    that cannot be read.
    """
    if level not in TAXA:
        raise ConfigError(f"level is {level!r}; allowed: {', '.join(map(repr, TAXA))}.", settings=("level",))
    taxa = _taxa(folder, level)
    return Collection(
        observations=_observations(folder, taxa, crop),
        photos=FolderPhotos(folder / "images"),
        taxa=Taxonomy(set(taxa.values()) if level == "species" else taxa.values()),
        published=PublishedCounts(name=NAME, taxa=TAXA[level], train=23_929, test=24_633),
        licence=LICENCE,
    )


def _observations(folder: Path, taxa: Mapping[str, Taxon], crop: bool) -> Iterator[Observation | Remark]:
    path = folder / "photographers.txt"
    photographers = read_values(path, str, NAME, may_be_blank=True) if path.is_file() else {}
    names = {number: taxon.name for number, taxon in taxa.items()}
    yield from read_photos(folder, collection=NAME, licence=LICENCE, taxa=names, crop=crop, photographers=photographers)


def _taxa(folder: Path, level: str) -> dict[str, Taxon]:
    """The taxon of each class that a photo is labelled with."""
    names = read_values(folder / "classes.txt", str, NAME)
    path = folder / "hierarchy.txt"
    if not path.is_file() and level == "species":
        raise InputError(f"{path} is absent, and without it species are not known; restore it, or use the categories.")
    parents = read_values(path, str, NAME) if path.is_file() else {}
    labels = dict.fromkeys(read_values(folder / "image_class_labels.txt", str, NAME).values())
    return {
        number: _taxon(number, names, _ancestors(number, parents, path), level) for number in labels if number in names
    }


def _taxon(number: str, names: Mapping[str, str], ancestors: list[str], level: str) -> Taxon:
    """The taxon of a class.

    ancestors: from its species to the root, a child of which is an order. Of 290 of the 555 categories the species
    stands right below the order; only the others have a family.
    """
    ranks = [names.get(ancestor, "") for ancestor in ancestors]
    return Taxon(
        name=ranks[0] if level == "species" and ranks else names[number],
        order=ranks[-2] if len(ranks) >= 3 else "",
        family=ranks[-3] if len(ranks) >= 4 else "",
    )


def _ancestors(number: str, parents: Mapping[str, str], path: Path) -> list[str]:
    found: list[str] = []
    while (number := parents.get(number, "")) and number not in found:
        found.append(number)
    if number:
        raise InputError(f"{path} puts class {number} among its own ancestors; restore the file.")
    return found
