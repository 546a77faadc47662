"""Decoded images of many rows in files, for those who ask for pairs in any order."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from birdsat.dataset.read import read_rows
from birdsat.dataset.row_groups import Dataset
from birdsat.observations.observation import Split
from birdsat.progress import QUIET, Progress

_BATCH = 64  # rows decoded at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredImages:
    """Photos and chips of n rows, read-only and mapped from files: the system keeps in memory what it has room for."""

    photo: UInt8[np.ndarray, "n 3 photo_px photo_px"]
    chip: UInt8[np.ndarray, "n 3 chip_px chip_px"]


def store_images(
    dataset: Dataset,
    split: Split,
    rows: Int64[np.ndarray, " n"],
    folder: Path,
    *,
    photo_px: int,
    chip_px: int,
    workers: int = 0,
    progress: Progress = QUIET,
) -> StoredImages:
    """Decode each of `rows` (at least one) once into two files in `folder`; image i is that of rows[i].

    The files take 3 (photo_px^2 + chip_px^2) bytes a row. Raises OSError when the disk is full, DatasetError for a
    damaged shard.
    """
    n = len(rows)
    photos, chips = folder / "photos.uint8", folder / "chips.uint8"
    # Written from front to back, not through a map: a full disk is then an error, and not the end of the process.
    with photos.open("wb") as photo_file, chips.open("wb") as chip_file, progress.bar(f"decoding {split}", n) as bar:
        batches = read_rows(
            dataset, split, rows, batch_size=_BATCH, photo_px=photo_px, chip_px=chip_px, workers=workers
        )
        for batch in batches:
            photo_file.write(batch.photo.numpy().data)
            chip_file.write(batch.chip.numpy().data)
            bar.advance(len(batch))
    return StoredImages(
        photo=np.memmap(photos, np.uint8, "r", shape=(n, 3, photo_px, photo_px)),
        chip=np.memmap(chips, np.uint8, "r", shape=(n, 3, chip_px, chip_px)),
    )
