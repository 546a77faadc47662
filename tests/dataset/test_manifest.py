import json

import pytest
from small_birds import bird, write_photos

from birdsat.dataset.build import build_dataset
from birdsat.dataset.card import card, describe, summary
from birdsat.dataset.description import Description
from birdsat.dataset.manifest import load_manifest
from birdsat.errors import DatasetError
from birdsat.imagery.photo_folder import FolderPhotos


@pytest.fixture
def folder(tmp_path):
    write_photos(tmp_path / "photos", 6)
    rows = [bird(i, split="train" if i < 4 else "test", licence="CC0") for i in range(6)]
    photos = FolderPhotos(tmp_path / "photos")
    about = Description(title="Six | birds", sources=("a camera",), command="birdsat data build")
    build_dataset(tmp_path / "out", rows, photos=photos, workers=0, description=about)
    return tmp_path / "out"


def edit(folder, **values):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_newer_schema_is_refused_with_what_to_do(folder):
    edit(folder, schema_version=99, something_new=1)
    with pytest.raises(DatasetError, match=r"newer birdsat.*schema 99, and this birdsat reads up to 1\."):
        load_manifest(folder)


def test_a_folder_that_is_not_a_dataset_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="is not a dataset"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema_version": 1}', '{"schema_version": null}'])
def test_a_damaged_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(DatasetError, match=r"damaged|schema None"):
        load_manifest(folder)


@pytest.mark.parametrize(("written", "read"), [(None, ()), (5, (5.0,)), (2.56, (2.56,)), ([1.0, 4.0], (1.0, 4.0))])
def test_the_ground_size_of_an_earlier_manifest_is_read(folder, written, read):
    edit(folder, chip_ground_km=written)
    assert load_manifest(folder).chip_ground_km == read


def test_a_ground_size_that_is_not_a_number_is_refused(folder):
    edit(folder, chip_ground_km="wide")
    with pytest.raises(DatasetError, match="chip_ground_km is 'wide'; a list is needed"):
        load_manifest(folder)


def test_rows_and_shards_are_filled_from_split(folder):
    manifest = load_manifest(folder)
    assert manifest.rows() == 6
    assert manifest.rows("test") == manifest.split_counts("test").rows == 2
    assert {shard.split for shard in manifest.split_shards("test")} == {"test"}
    assert manifest.taxonomy.label("Corvus corax") == 1


def test_the_card_tells_what_the_manifest_holds(folder):
    text = (folder / "README.md").read_text()
    assert text == card(load_manifest(folder))
    assert text.startswith('---\npretty_name: "Six | birds"\n')
    assert "  - split: test\n    path: test-*.parquet" in text
    assert "| test | 2 | 2 | 0 | 0 | 0 | 2 |" in text
    for fact in ("| CC0 | 6 |", "- a camera", "```\nbirdsat data build\n```", "| 1 | Corvus corax |"):
        assert fact in text


def test_tables_and_one_line_say_the_same(folder):
    manifest = load_manifest(folder)
    assert summary(manifest).startswith("Six | birds: 6 rows, 3 taxa")
    tables = {table.title: table for table in describe(manifest)}
    assert "Corvus corax" in [row[1] for row in tables["taxa"].rows]
