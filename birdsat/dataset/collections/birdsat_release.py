"""BirdSAT's release, Cross-View iNat-2021 Birds (Sastry et al., WACV 2024): iNaturalist's photos, each with a chip.

How train_birds_labels.csv is read, after the published dataset class (mvrl/BirdSAT, datasets.py, CrossViewiNATBirds):
`pandas.read_csv` takes the first line as the head; the second cell of every later line is an index from 0 into the
JSON's `images`; the number of the line, from 0 for the one after the head, names the chip:
train_overhead/images_sentinel/<number>.jpeg. So the first row of data is the row 0 and has 0.jpeg, and chips are
numbered by the CSV, not by the JSON. (There the label is taken from the annotation at the same index; here from the
annotation that names the image.)
"""

import contextlib
import csv
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.dataset.collections.collection import Collection
from birdsat.dataset.collections.inat_json import (
    LICENCE,
    bird_taxonomy,
    check_uncertainty,
    inat_observation,
    inat_photos,
)
from birdsat.dataset.collections.published_counts import PublishedCounts
from birdsat.errors import ConfigError, ImageError, InputError, PlaceError
from birdsat.imagery.ground_sizes import check_sizes
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.imagery.photos import decode_rgb
from birdsat.imagery.sources import source_identity
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation, Split
from birdsat.reading import read_within

WHOLE = PublishedCounts(name="Cross-View iNat-2021 Birds", taxa=1_486, train=414_847, test=14_860)
PARTS: dict[str, Split] = {"train": "train", "val": "test"}  # the official val is our test, as for iNaturalist 2021
METRES_A_PIXEL = 10  # of Sentinel-2's red, green and blue
_FIRST_ROWS = 1000  # among which one must have its chip


@dataclass(frozen=True, slots=True)
class ReleaseChips:
    """A chip source: the chip of the observation "train/17" is train_overhead/images_sentinel/17.jpeg."""

    root: Path
    ground_km: tuple[float]
    px: int

    @property
    def identity(self) -> dict[str, Any]:
        """The folder, and what its chips are."""
        return source_identity("ReleaseChips", root=self.root, ground_km=self.ground_km[0], px=self.px)

    def observation_chip(self, observation: Observation) -> bytes:
        """The file's bytes. Raises PlaceError where there is none, ImageError where it cannot be read."""
        part, _, row = observation.id.partition("/")
        try:
            return read_within(self.root, _chip_name(part, int(row)))
        except FileNotFoundError as error:
            raise PlaceError(f"chip {observation.id} is absent ({error}); restore it.") from error
        except InputError as error:
            raise ImageError(f"chip {error}") from error


def open_birdsat_release(
    folder: Path, *, max_uncertainty_km: float = float("inf"), chip_km: Sequence[float] = ()
) -> Collection:
    """The release in a folder that holds its JSON and CSV files, the chips, and the photos at each `file_name`.

    max_uncertainty_km: places that are uncertain by more are left out, with their chips; as in the paper, none is.
    chip_km: side of a chip on the ground; by default 10 m a pixel, as Sentinel-2 has. Raises InputError when a file is
    absent or damaged, ConfigError for a side that is not possible, and for several.
    """
    check_uncertainty(max_uncertainty_km)
    sides = check_sizes(chip_km)
    if len(sides) > 1:
        raise ConfigError("the chips of birdsat_release are of one ground size; give one.", settings=("chip_km",))
    for part in PARTS:
        for path in (_json_path(folder, part), _labels_path(folder, part)):
            if not path.is_file():
                raise InputError(f"{path} is absent; give the folder of the release that holds it.")
    px = _chip_px(folder)
    return Collection(
        observations=_observations(folder, max_uncertainty_km),
        photos=FolderPhotos(folder),
        chips=ReleaseChips(folder, ground_km=(sides[0] if sides else px * METRES_A_PIXEL / 1000,), px=px),
        taxa=bird_taxonomy(_json_path(folder, "val")),
        published=WHOLE,
        licence=LICENCE,
    )


def _json_path(folder: Path, part: str) -> Path:
    return folder / f"{part}_birds.json"


def _labels_path(folder: Path, part: str) -> Path:
    return folder / f"{part}_birds_labels.csv"


def _chip_name(part: str, row: int) -> str:
    return f"{part}_overhead/images_sentinel/{row}.jpeg"


def _chip_px(folder: Path) -> int:
    """The side of the first chip there is."""
    for part in PARTS:
        for row in range(_FIRST_ROWS):
            name = _chip_name(part, row)
            if (folder / name).is_file():
                height, width, _ = decode_rgb(read_within(folder, name)).shape
                if height != width:
                    raise ImageError(f"chip {folder / name} has {width} x {height} pixels; chips must be square.")
                return int(height)
    raise InputError(f"{folder / _chip_name('train', 0)} and those after it are absent; unpack the chips there.")


def _observations(folder: Path, max_uncertainty_km: float) -> Iterator[Observation | Remark]:
    for part, split in PARTS.items():
        with contextlib.closing(sqlite3.connect("")) as database:  # "": a temporary file of SQLite's own
            database.execute("CREATE TABLE pair (image INTEGER, row INTEGER, PRIMARY KEY (image, row)) WITHOUT ROWID")
            database.executemany("INSERT INTO pair VALUES (?, ?)", _pairs(_labels_path(folder, part)))
            images = 0
            for photo in inat_photos(_json_path(folder, part)):
                images += 1
                rows = database.execute("SELECT row FROM pair WHERE image = ?", (photo.index,)).fetchall()
                for (row,) in rows:
                    yield from inat_observation(
                        photo, id=f"{part}/{row}", split=split, max_uncertainty_km=max_uncertainty_km
                    )
            for image, row in database.execute("SELECT image, row FROM pair WHERE image >= ? ORDER BY row", (images,)):
                detail = f"image {image} of {images:,} in {_json_path(folder, part).name}"
                yield Remark(row=f"{part}/{row}", reason="no such image in the JSON", detail=detail)


def _pairs(path: Path) -> Iterator[tuple[int, int]]:
    """Index into `images` and number of the row, from 0, as pandas counts them: blank lines are not rows."""
    row = -1
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = (cells for cells in csv.reader(file) if cells)
        head = next(lines, [])
        for row, cells in enumerate(lines):
            # pandas takes the first cell of a line that is longer than the head for the row's name, and then
            # another cell is the second.
            if len(cells) != len(head) or len(head) < 2:
                raise InputError(f"{path} row {row} has {len(cells)} cells, the head {len(head)}; restore the file.")
            yield _index(cells[1], row, path), row
    if row < 0:
        raise InputError(f"{path} has no rows below its head; restore the file.")


def _index(text: str, row: int, path: Path) -> int:
    try:
        number = float(text)  # pandas may have written whole numbers as 17.0
        if number != int(number) or not 0 <= number < 2**53:
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{path} row {row} has {text!r} for the image; allowed: a whole number from 0. Restore the file."
        ) from error
    return int(number)
