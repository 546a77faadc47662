"""Full disks, and disks that may not be written: what is said, and what is left."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_birds import write_photos
from small_disk import SmallDisk

from birdsat.cli.main import words_of
from birdsat.dataset.build import build_dataset
from birdsat.dataset.manifest import Manifest
from birdsat.errors import DatasetError
from birdsat.files import is_full_disk, write_atomic
from birdsat.imagery.photo_folder import FolderPhotos

WRITE_FEATURES = """
import sys
from pathlib import Path
import numpy as np
from birdsat.training.frozen_chips import _Rows
path = Path(sys.argv[1])
path.touch()
try:
    with _Rows(path, 1000) as rows:
        for first in range(0, 1000, 100):
            rows.write(first, np.ones((100, 512), np.float16))
except OSError as error:
    sys.exit(str(error))
"""


def tree(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def build(out: Path, photos: Path) -> Manifest:
    rows = write_photos(photos, 60)
    return build_dataset(out, rows, photos=FolderPhotos(photos), workers=0, shard_rows=10)


def test_a_build_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Callable[[int], SmallDisk]
) -> None:
    build(tmp_path / "whole", tmp_path / "photos")
    disk = small_disk(120)
    with pytest.raises(DatasetError, match=r"the disk is full: \d finished shards.*run the same command again"):
        build(disk.folder / "out", tmp_path / "photos")
    assert not list((disk.folder / "out").glob(".*"))
    disk.grow(8000)
    build(disk.folder / "out", tmp_path / "photos")
    assert tree(disk.folder / "out") == tree(tmp_path / "whole")


def test_a_finished_dataset_on_a_read_only_disk_is_done(tmp_path: Path, small_disk: Callable[[int], SmallDisk]) -> None:
    disk = small_disk(8000)
    manifest = build(disk.folder / "out", tmp_path / "photos")
    disk.refuse_writing()
    assert build(disk.folder / "out", tmp_path / "photos") == manifest


def test_a_new_dataset_on_a_read_only_disk_is_one_sentence_of_the_system(
    tmp_path: Path, small_disk: Callable[[int], SmallDisk]
) -> None:
    disk = small_disk(64)
    disk.refuse_writing()
    with pytest.raises(OSError, match=r"Read-only file system.*out"):
        build(disk.folder / "out", tmp_path / "photos")


def test_features_of_frozen_chips_on_a_full_disk_are_an_error_and_not_the_end_of_the_process(
    small_disk: Callable[[int], SmallDisk],
) -> None:
    command = [sys.executable, "-c", WRITE_FEATURES, small_disk(256).folder / "chips.npy"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    assert (done.returncode, done.stderr.strip()) == (1, "[Errno 28] No space left on device")


def test_a_full_disk_leaves_the_old_file_and_what_is_said_names_the_remedy(
    small_disk: Callable[[int], SmallDisk],
) -> None:
    folder = small_disk(64).folder
    write_atomic(folder / "a", b"old")
    with pytest.raises(OSError) as raised:
        write_atomic(folder / "a", bytes(200_000))
    assert is_full_disk(raised.value)
    assert "the disk is full" in words_of(raised.value) and "run the same command again" in words_of(raised.value)
    assert [path.name for path in folder.iterdir()] == ["a"] and (folder / "a").read_bytes() == b"old"
