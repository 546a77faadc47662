import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_birds import LevelChips, write_photos

from birdsat.dataset.build import build_dataset
from birdsat.dataset.check import check_dataset
from birdsat.dataset.manifest import SHARD_SCHEMA
from birdsat.errors import ConfigError, DatasetError
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.observations.splits import SplitRule


@pytest.fixture
def folder(tmp_path):
    rows = write_photos(tmp_path / "photos", 12)
    build_dataset(
        tmp_path / "out",
        rows,
        photos=FolderPhotos(tmp_path / "photos"),
        chips=LevelChips(),
        splits=SplitRule(val_fraction=0, test_fraction=0),
        workers=0,
        shard_rows=6,
    )
    return tmp_path / "out"


def check(folder):
    return check_dataset(folder, workers=0)


def rewrite(path, change):
    rows = pq.read_table(path).to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=SHARD_SCHEMA), path)


def test_a_whole_dataset_has_no_problems(folder):
    report = check(folder)
    assert report.ok
    assert (report.shards, report.rows, report.photos, report.chips) == (2, 12, 12, 12)
    assert report == check_dataset(folder, workers=2)


def test_a_changed_byte_is_found(folder):
    path = folder / "train-00001.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    report = check(folder)
    assert not report.ok
    assert any("train-00001.parquet: changed since it was built" in problem for problem in report.problems)


def test_an_image_that_does_not_decode_is_found_even_where_the_checksum_fits(folder):
    path = folder / "train-00000.parquet"

    def cut_photo(rows):
        rows[2]["photo"]["bytes"] = rows[2]["photo"]["bytes"][:100]

    rewrite(path, cut_photo)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (problem,) = check(folder).problems
    assert "train-00000.parquet, id 'bird" in problem
    assert "photo: " in problem


def test_counts_ids_places_and_taxa_are_compared(folder):
    def spoil(rows):
        rows[0]["id"] = rows[1]["id"]
        rows[2]["taxon"] = "Nobody knows"
        rows[3]["lat"] = 99.0
        rows[4]["lon"] = None
        rows.pop()

    rewrite(folder / "train-00000.parquet", spoil)
    text = "\n".join(check(folder).problems)
    for problem in (
        "5 rows in 1 row groups; the manifest says 6 in 1",
        "latitude 99.0",
        "one coordinate without the other",
        "train: 11 rows; the manifest says 12",
        "'Nobody knows' is not in the manifest",
        "1 rows repeat the id of another",
    ):
        assert problem in text


def test_absent_and_strange_and_unreadable_files_are_found(folder):
    (folder / "train-00000.parquet").rename(folder / "other.parquet")
    (folder / "train-00001.parquet").write_bytes(b"PAR1")
    text = "\n".join(check(folder).problems)
    assert "train-00000.parquet: absent" in text
    assert "train-00001.parquet: cannot be read" in text
    assert "other.parquet: not in the manifest" in text


def test_a_folder_without_manifest_cannot_be_checked(tmp_path):
    with pytest.raises(DatasetError, match="not a dataset"):
        check(tmp_path)


def test_a_negative_number_of_workers_is_refused(folder):
    with pytest.raises(ConfigError, match="workers is -1"):
        check_dataset(folder, workers=-1)
