"""Images decoded once into files."""

from pathlib import Path

import numpy as np
import pytest
from small_birds import LevelChips, write_photos

from birdsat.dataset.build import build_dataset
from birdsat.dataset.read import read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.stored_images import store_images
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.observations.splits import SplitRule


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("birds")
    build_dataset(
        folder / "dataset",
        write_photos(folder / "photos", 150),
        photos=FolderPhotos(folder / "photos"),
        chips=LevelChips(),
        splits=SplitRule(val_fraction=0, test_fraction=0),
        workers=0,
    )
    return Dataset(folder / "dataset")


def test_stored_images_are_those_of_the_rows_in_their_order(dataset: Dataset, tmp_path: Path) -> None:
    rows = np.concatenate([np.arange(0, 150, 2), [149, 7]])  # more than one batch
    (whole,) = read_split(dataset, "train", batch_size=150, photo_px=12, chip_px=8, workers=0)
    stored = store_images(dataset, "train", rows, tmp_path, photo_px=12, chip_px=8)
    np.testing.assert_array_equal(stored.photo, whole.photo.numpy()[rows])
    np.testing.assert_array_equal(stored.chip, whole.chip.numpy()[rows])


def test_stored_images_lie_in_files_of_three_bytes_a_pixel_and_cannot_be_written(
    dataset: Dataset, tmp_path: Path
) -> None:
    stored = store_images(dataset, "train", np.arange(5), tmp_path, photo_px=12, chip_px=8)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) == 5 * 3 * (12 * 12 + 8 * 8)
    assert isinstance(stored.photo, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        stored.photo[0] = 0
