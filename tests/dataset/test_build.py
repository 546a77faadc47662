import csv
import errno
import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from small_birds import SPECIES, LevelChips, bird, encoded, picture, write_photos

from birdsat.dataset import plan as plan_module
from birdsat.dataset import shard as shard_module
from birdsat.dataset.build import build_dataset
from birdsat.dataset.manifest import SHARD_SCHEMA, load_manifest
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, DatasetError, InputError
from birdsat.imagery import photos as photos_module
from birdsat.imagery.chips import ReadyChips
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.imagery.photos import decode_rgb
from birdsat.observations.curation import Remark
from birdsat.observations.readers.tables import read_table
from birdsat.observations.splits import SplitRule
from birdsat.observations.taxonomy import Taxon, Taxonomy

ALL_TRAIN = SplitRule(val_fraction=0, test_fraction=0)


def build(out, rows, photos, **settings):
    defaults = {"chips": None, "splits": ALL_TRAIN, "workers": 0, "shard_rows": 10}
    return build_dataset(out, rows, photos=FolderPhotos(photos), **defaults | settings)


def all_rows(out):
    tables = [pq.read_table(path) for path in sorted(out.glob("*.parquet"))]
    return {row["id"]: row for row in pa.concat_tables(tables).to_pylist()}


def dropped(out):
    with (out / "dropped.csv").open() as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file) if row["outcome"] == "dropped"}


def test_what_goes_in_comes_out(tmp_path):
    rows = write_photos(tmp_path / "photos", 25)
    manifest = build(tmp_path / "out", rows, tmp_path / "photos", chips=LevelChips())
    found = all_rows(tmp_path / "out")
    assert set(found) == {row.id for row in rows}
    for row in rows:
        stored = found[row.id]
        assert (stored["taxon"], stored["lon"], stored["lat"], stored["date"]) == (row.taxon, row.place.lon, 10, None)
        assert stored["photo"] == {"bytes": (tmp_path / "photos" / row.photo).read_bytes(), "path": row.photo}
        assert stored["chip"]["bytes"] == LevelChips().encoded_chip(row.place)
    assert [shard.rows for shard in manifest.shards] == [10, 10, 5]
    assert (manifest.chip_px, manifest.chip_ground_km) == (8, (4.0,))
    assert [taxon.name for taxon in manifest.taxa] == sorted(SPECIES)
    assert manifest.split_counts("train").taxon_rows == (9, 8, 8)
    assert load_manifest(tmp_path / "out") == manifest


def test_shards_have_the_schema_the_checksums_and_the_row_groups_of_the_manifest(tmp_path):
    rows = write_photos(tmp_path / "photos", 70)
    manifest = build(tmp_path / "out", rows, tmp_path / "photos", shard_rows=100)
    (shard,) = manifest.shards
    path = tmp_path / "out" / shard.file
    assert shard.file == "train-00000.parquet"
    assert pq.read_schema(path).equals(SHARD_SCHEMA, check_metadata=False)
    assert b'"photo": {"_type": "Image"}' in pq.read_schema(path).metadata[b"huggingface"]
    assert shard.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    groups = pq.ParquetFile(path).metadata
    assert shard.row_group_rows == (64, 6) == tuple(groups.row_group(i).num_rows for i in range(2))
    assert groups.row_group(0).column(0).compression == "UNCOMPRESSED"


def test_band_statistics_are_those_of_the_train_images_alone(tmp_path):
    rows = write_photos(tmp_path / "photos", 20)
    rows = [bird(i, place=row.place, split="train" if i < 12 else "test") for i, row in enumerate(rows)]
    manifest = build(tmp_path / "out", rows, tmp_path / "photos", chips=LevelChips())
    train = [decode_rgb((tmp_path / "photos" / row.photo).read_bytes()) for row in rows[:12]]
    pixels = np.concatenate([image.reshape(-1, 3) for image in train]) / 255
    np.testing.assert_allclose(manifest.photo_mean, pixels.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(manifest.photo_std, pixels.std(axis=0), atol=1e-9)
    levels = [decode_rgb(LevelChips().encoded_chip(row.place)).mean() / 255 for row in rows[:12]]
    np.testing.assert_allclose(manifest.chip_mean, np.mean(levels), atol=1e-9)


def test_the_result_does_not_depend_on_the_number_of_workers(tmp_path):
    rows = write_photos(tmp_path / "photos", 30)
    alone = build(tmp_path / "a", rows, tmp_path / "photos", chips=LevelChips())
    together = build(tmp_path / "b", rows, tmp_path / "photos", chips=LevelChips(), workers=2)
    assert alone == together
    assert (tmp_path / "a" / "README.md").read_text() == (tmp_path / "b" / "README.md").read_text()


def test_rows_of_a_file_are_not_in_the_order_of_the_source(tmp_path):
    rows = write_photos(tmp_path / "photos", 30)
    build(tmp_path / "out", rows, tmp_path / "photos", shard_rows=30)
    ids = pq.read_table(tmp_path / "out" / "train-00000.parquet")["id"].to_pylist()
    assert ids != [row.id for row in rows]
    assert sorted(ids) == sorted(row.id for row in rows)


def test_val_is_drawn_from_train_when_the_source_has_none(tmp_path):
    rows = write_photos(tmp_path / "photos", 40)
    rows = [bird(i, split="train" if i < 30 else "test") for i, _ in enumerate(rows)]
    manifest = build(tmp_path / "out", rows, tmp_path / "photos", splits=SplitRule(val_fraction=0.3))
    assert manifest.rows("test") == 10
    assert manifest.rows("train") + manifest.rows("val") == 30
    assert 0 < manifest.rows("val") < 20


def test_val_of_the_source_is_left_alone(tmp_path):
    write_photos(tmp_path / "photos", 30)
    rows = [bird(i, split="val" if i < 5 else "train") for i in range(30)]
    manifest = build(tmp_path / "out", rows, tmp_path / "photos", splits=SplitRule(val_fraction=0.5))
    assert (manifest.rows("train"), manifest.rows("val")) == (25, 5)


def test_photos_are_shrunk_to_photo_px_and_only_those_that_need_it(tmp_path):
    (tmp_path / "big.jpg").write_bytes(encoded(picture(0, 60, 90)))
    (tmp_path / "small.jpg").write_bytes(encoded(picture(1, 20, 30)))
    rows = [bird(0, photo="big.jpg"), bird(1, photo="small.jpg")]
    build(tmp_path / "out", rows, tmp_path, photo_px=30)
    found = all_rows(tmp_path / "out")
    assert decode_rgb(found["bird 0"]["photo"]["bytes"]).shape == (30, 45, 3)
    assert found["bird 1"]["photo"]["bytes"] == (tmp_path / "small.jpg").read_bytes()


def test_photos_are_cropped_to_their_box(tmp_path):
    image = Image.new("RGB", (40, 30), "blue")
    image.paste("red", (10, 10, 30, 20))
    (tmp_path / "0.jpg").write_bytes(encoded(image, quality=95, subsampling=0))
    rows = [bird(0, photo_box=(12, 11, 16, 8)), bird(1, photo="0.jpg", photo_box=(50, 50, 9, 9))]
    build(tmp_path / "out", rows, tmp_path)
    rgb = decode_rgb(all_rows(tmp_path / "out")["bird 0"]["photo"]["bytes"])
    assert rgb.shape == (8, 16, 3)
    assert np.abs(rgb.astype(int) - (255, 0, 0)).max() < 40
    assert dropped(tmp_path / "out") == {"bird 1": "photo unusable"}


@pytest.mark.parametrize(
    ("format", "image"),
    [
        ("JPEG", picture(0).convert("L")),
        ("JPEG", picture(0).convert("CMYK")),
        ("PNG", Image.fromarray(np.full((20, 30), 40_000, np.uint16))),
        ("PNG", picture(0).convert("P")),
        ("PNG", picture(0).convert("RGBA")),
    ],
    ids=["grey", "CMYK", "16 bits", "palette", "alpha"],
)
def test_every_kind_of_photo_is_stored_as_rgb_jpeg(tmp_path, format, image):
    (tmp_path / "0.jpg").write_bytes(encoded(image, format))
    build(tmp_path / "out", [bird(0)], tmp_path)
    stored = Image.open(pa.BufferReader(all_rows(tmp_path / "out")["bird 0"]["photo"]["bytes"]))
    assert (stored.format, stored.mode, stored.size) == ("JPEG", "RGB", image.size)


def test_unusable_rows_are_dropped_counted_and_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(photos_module, "MAX_PIXELS", 5000)
    rows = write_photos(tmp_path / "photos", 6)
    whole = (tmp_path / "photos" / "1.jpg").read_bytes()
    (tmp_path / "photos" / "0.jpg").unlink()
    (tmp_path / "photos" / "1.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "photos" / "2.jpg").write_bytes(b"not a photo")
    (tmp_path / "photos" / "3.jpg").write_bytes(encoded(picture(3, 100, 100)))
    (tmp_path / "secret.jpg").write_bytes(whole)
    rows += [
        bird(6, photo="4.jpg", place=Place(0, -50)),
        bird(7, photo="../secret.jpg"),
        bird(8, photo=None),
        bird(4, taxon="Parus major"),
        bird(9, taxon="Corvus coraxx"),
        Remark(row="row 10", reason="date unreadable", detail="14 July"),
    ]
    taxa = Taxonomy(Taxon(name=name) for name in SPECIES)
    manifest = build(tmp_path / "out", rows, tmp_path / "photos", chips=LevelChips(), taxa=taxa)
    expected = {
        "bird 0": "photo missing",
        "bird 1": "photo unusable",
        "bird 2": "photo unusable",
        "bird 3": "photo unusable",
        "bird 6": "no chip for the place",
        "bird 7": "photo unusable",
        "bird 8": "neither photo nor chip",
        "bird 4": "duplicate id",
        "bird 9": "unknown taxon",
        "row 10": "date unreadable",
    }
    assert dropped(tmp_path / "out") == expected
    assert {count.name: count.rows for count in manifest.dropped} == {
        "photo missing": 1,
        "photo unusable": 4,
        "no chip for the place": 1,
        "neither photo nor chip": 1,
        "duplicate id": 1,
        "unknown taxon": 1,
        "date unreadable": 1,
    }
    assert "nearest: 'Corvus corax'" in (tmp_path / "out" / "dropped.csv").read_text()
    assert set(all_rows(tmp_path / "out")) == {"bird 4", "bird 5"}
    assert all_rows(tmp_path / "out")["bird 4"]["taxon"] == SPECIES[1]


class UnevenChips(LevelChips):
    def encoded_chip(self, place: Place) -> bytes:
        return encoded(picture(0, 8, 8 + int(place.lon)))


def test_a_chip_of_another_size_is_dropped(tmp_path):
    write_photos(tmp_path / "photos", 2)
    rows = [bird(0, place=Place(0, 1)), bird(1, place=Place(3, 1))]
    build(tmp_path / "out", rows, tmp_path / "photos", chips=UnevenChips())
    assert dropped(tmp_path / "out") == {"bird 1": "chip unusable"}


def test_missing_photo_place_and_chip_are_null(tmp_path):
    write_photos(tmp_path / "photos", 2)
    rows = [bird(0), bird(1, photo=None, place=Place(1, 1))]
    manifest = build(tmp_path / "out", rows, tmp_path / "photos", chips=LevelChips())
    found = all_rows(tmp_path / "out")
    assert found["bird 0"]["chip"] is None
    assert found["bird 0"]["lon"] is None
    assert found["bird 1"]["photo"] is None
    counts = manifest.split_counts("train")
    assert (counts.rows, counts.photos, counts.chips, counts.places) == (2, 1, 1, 1)


def test_taxa_keep_the_families_of_the_taxonomy_given(tmp_path):
    write_photos(tmp_path / "photos", 1)
    taxa = Taxonomy([Taxon(name=name, family="some family") for name in SPECIES])
    manifest = build(tmp_path / "out", [bird(0)], tmp_path / "photos", taxa=taxa)
    assert manifest.taxa == (Taxon(name="Apus apus", family="some family"),)


def test_nothing_usable_is_an_error_that_says_why(tmp_path):
    with pytest.raises(InputError, match="no rows were given"):
        build(tmp_path / "a", [], tmp_path)
    with pytest.raises(InputError, match=r"every row was dropped \(photo missing: 2\)"):
        build(tmp_path / "b", [bird(0), bird(1)], tmp_path)


def test_after_every_photo_was_missing_the_same_folder_takes_the_right_ones(tmp_path):
    rows = write_photos(tmp_path / "photos", 2)
    with pytest.raises(InputError, match="photo missing"):
        build(tmp_path / "out", rows, tmp_path)
    assert build(tmp_path / "out", rows, tmp_path / "photos").rows() == 2


@pytest.mark.parametrize("row", [bird(0), Remark(row="row 1", reason="photo missing", detail="of the reader")])
def test_when_every_row_is_dropped_a_file_lists_them_and_the_error_names_it(tmp_path, row):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"photo missing: 1\)\. They are listed in .*dropped\.csv"):
        build(out, [row], tmp_path)
    assert list(dropped(out).values()) == ["photo missing"]
    assert [path.name for path in out.iterdir()] == ["dropped.csv"]
    build(out, write_photos(tmp_path / "photos", 1), tmp_path / "photos")
    assert not dropped(out)


def test_the_list_of_dropped_rows_of_a_dataset_survives_a_build_of_nothing_in_its_folder(tmp_path):
    rows = write_photos(tmp_path / "photos", 1)
    build(tmp_path / "out", [*rows, bird(1)], tmp_path / "photos")
    with pytest.raises(InputError, match="every row was dropped"):
        build(tmp_path / "out", [Remark(row="1", reason="no taxon", detail="")], tmp_path / "photos")
    assert dropped(tmp_path / "out") == {"bird 1": "photo missing"}


def test_nearest_names_are_looked_up_once_for_each_unknown_taxon(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(plan_module.difflib, "get_close_matches", lambda name, *_, **__: asked.append(name) or [])
    rows = [bird(i, taxon=f"Corvus {i % 2}") for i in range(20)]
    with pytest.raises(InputError, match="unknown taxon: 20"):
        build(tmp_path / "out", rows, tmp_path, taxa=Taxonomy([Taxon(name="Corvus corax")]))
    assert asked == ["Corvus 0", "Corvus 1"]
    assert "taxon 'Corvus 1' is not in the list of 1 taxa given" in (tmp_path / "out" / "dropped.csv").read_text()


def test_partial_files_of_others_are_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.part").write_text("mine")
    build(tmp_path / "out", write_photos(tmp_path / "photos", 3), tmp_path / "photos")
    assert [path.name for path in (tmp_path / "out").glob("*.part")] == ["thesis.part"]


@pytest.mark.parametrize("name", ["README.md", "dropped.csv", "old.parquet"])
def test_a_folder_with_a_file_that_a_build_writes_is_refused(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(DatasetError, match=name):
        build(tmp_path, [bird(0)], tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_files_of_others_are_never_overwritten(tmp_path):
    write_photos(tmp_path / "photos", 1)
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(DatasetError, match=r"holds README\.md.* choose an empty folder"):
        build(tmp_path, [bird(0)], tmp_path / "photos")
    with pytest.raises(DatasetError, match="is a file"):
        build(tmp_path / "README.md", [bird(0)], tmp_path / "photos")
    assert (tmp_path / "README.md").read_text() == "mine"


def test_settings_out_of_range_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="workers is -1; allowed: 0 or more"):
        build(tmp_path / "out", [bird(0)], tmp_path, workers=-1)


def test_a_full_disk_is_told_and_leaves_no_half_file_and_the_build_can_go_on(tmp_path, monkeypatch):
    rows = write_photos(tmp_path / "photos", 30)
    add = shard_module._ShardWriter.add
    left = [15]

    def add_until_full(self, row):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        add(self, row)

    monkeypatch.setattr(shard_module._ShardWriter, "add", add_until_full)
    with pytest.raises(DatasetError, match=r"disk is full: 1 finished shards .* run the same command again"):
        build(tmp_path / "out", rows, tmp_path / "photos")
    assert [path.name for path in (tmp_path / "out").glob("*.parquet*")] == ["train-00000.parquet"]
    with pytest.raises(DatasetError, match="half built"):
        load_manifest(tmp_path / "out")
    monkeypatch.undo()
    assert build(tmp_path / "out", rows, tmp_path / "photos").rows() == 30


def test_the_real_pairs_build_with_their_ready_chips(tmp_path, shared_data):
    rows = [row for row in read_table(shared_data / "geo-birds" / "pairs_cub50.csv.gz") if not isinstance(row, Remark)]
    chips = ReadyChips(shared_data / "earth" / "bluemarble_chips_64px.parquet", ground_km=39.1)
    manifest = build(tmp_path / "out", rows[::50], shared_data, chips=chips, photo_px=64)
    assert manifest.rows() == len(rows[::50])
    assert not manifest.dropped
    assert sum(counts.chips for counts in manifest.counts) == manifest.rows()
