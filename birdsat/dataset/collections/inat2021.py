"""The birds of iNaturalist 2021 (Van Horn et al., CVPR 2021): train.json or train_mini.json, val.json, and photos.

The labels of the official test photos were never published. So the official val is our test, and our val is drawn
from the official train, as it is for collections with train and test alone.
"""

from collections.abc import Iterator
from pathlib import Path

from birdsat.dataset.collections.collection import Collection
from birdsat.dataset.collections.inat_json import (
    LICENCE,
    bird_taxonomy,
    check_uncertainty,
    inat_observation,
    inat_photos,
)
from birdsat.dataset.collections.published_counts import PublishedCounts
from birdsat.errors import InputError
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation, Split

TRAIN, TRAIN_MINI, VAL = "train.json", "train_mini.json", "val.json"
WHOLE = PublishedCounts(name="iNaturalist 2021's birds", taxa=1_486, train=414_847, test=14_860)
WHOLE_MINI = PublishedCounts(name="iNaturalist 2021's birds (train_mini)", taxa=1_486, train=74_300, test=14_860)

# Wider than a chip of a few kilometres, and below the 20 to 30 km by which iNaturalist moves the places of threatened
# species (anywhere within a cell of 0.2 degrees), whose chips would show ground that the bird never saw.
MAX_UNCERTAINTY_KM = 10.0


def open_inat2021(folder: Path, *, mini: bool = False, max_uncertainty_km: float = MAX_UNCERTAINTY_KM) -> Collection:
    """The birds in a folder that holds the JSON files and the photos at their `file_name`.

    mini: train_mini.json in place of train.json. max_uncertainty_km: places that are uncertain by more are left out and
    the photos kept; `inf` keeps every place. A location_uncertainty that is null is not known, one below 0 is taken so,
    with a remark; one of 0 is taken at its word. Raises InputError when a file is absent or damaged.
    """
    check_uncertainty(max_uncertainty_km)
    train = folder / (TRAIN_MINI if mini else TRAIN)
    for path in (train, folder / VAL):
        if not path.is_file():
            other = folder / (TRAIN if mini else TRAIN_MINI)
            hint = (
                f" {other.name} is there: choose it by the setting mini." if path == train and other.is_file() else ""
            )
            raise InputError(f"{path} is absent; give the folder of iNaturalist 2021's JSON files.{hint}")
    return Collection(
        observations=_observations(folder, train.name, max_uncertainty_km),
        photos=FolderPhotos(folder),
        taxa=bird_taxonomy(folder / VAL),  # the same as in train.json, and sooner read
        published=WHOLE_MINI if mini else WHOLE,
        licence=LICENCE,
    )


def _observations(folder: Path, train: str, max_uncertainty_km: float) -> Iterator[Observation | Remark]:
    files: tuple[tuple[str, Split], ...] = ((train, "train"), (VAL, "test"))
    for name, split in files:
        for photo in inat_photos(folder / name):
            if photo.is_labelled and not photo.taxon:
                continue  # a plant, a fish: what was asked for is birds, so nothing is dropped
            id = f"{Path(name).stem}/{photo.facts['id']}"
            yield from inat_observation(photo, id=id, split=split, max_uncertainty_km=max_uncertainty_km)
