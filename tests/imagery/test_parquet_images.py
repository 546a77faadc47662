"""Photos that lie in a column of the table itself become datasets, and are never printed as text."""

import csv
import io
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from birdsat.dataset.manifest import Manifest
from birdsat.dataset.row_groups import Dataset
from birdsat.errors import ImageError, InputError
from birdsat.imagery import parquet_images
from birdsat.imagery.chips import ReadyChips
from birdsat.imagery.parquet_images import ParquetImages, TablePhotos
from birdsat.workflows.build_dataset import build_dataset
from birdsat.workflows.requests.datasets import BuildDatasetRequest


def jpeg(seed: int, px: int = 24) -> bytes:
    out = io.BytesIO()
    draw = np.random.default_rng(seed)
    Image.fromarray(draw.integers(0, 255, (px, px, 3), dtype=np.uint8)).save(out, "JPEG")
    return out.getvalue()


def build(table: Path, out: Path, **more: Any) -> Manifest:
    request = BuildDatasetRequest(out=out, table=table, workers=0, val_fraction=0, test_fraction=0, **more)
    return build_dataset(request).manifest


def photos(out: Path) -> dict[str, bytes]:
    """The photos of a dataset by their taxon and row."""
    found = {}
    for shard in Dataset(out).manifest.shards:
        for row in pq.read_table(out / shard.file).to_pylist():
            assert "\\x" not in row["id"] and "{" not in row["id"] and len(row["id"]) < 100, row["id"]
            found[row["id"]] = row["photo"]["bytes"]
    return found


@pytest.mark.parametrize("name", ["hf_struct", "binary", "hf_paths"])
def test_tables_from_the_field_become_datasets(shared_cases: Path, tmp_path: Path, name: str) -> None:
    folder = shared_cases / "20-parquet-images"
    manifest = build(folder / f"{name}.parquet", tmp_path / "out")
    assert manifest.rows() == 4 and not manifest.dropped
    given = sorted((folder / f"{i}.jpg").read_bytes() for i in range(4))
    assert sorted(photos(tmp_path / "out").values()) == given


def write(path: Path, images: Sequence[Any], kind: pa.DataType, name: str = "image", **options: Any) -> Path:
    column = pa.array(images, kind)
    taxa = pa.array([f"Parus {'abcdefgh'[i % 8]}us" for i in range(len(images))])
    pq.write_table(pa.table({name: column, "species": taxa}), path, **options)
    return path


STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.mark.parametrize(
    "kind, wrap",
    [
        (pa.binary(), lambda data, i: data),
        (pa.large_binary(), lambda data, i: data),
        (pa.dictionary(pa.int32(), pa.binary()), lambda data, i: data),
        (STRUCT, lambda data, i: {"bytes": data, "path": None}),
        (STRUCT, lambda data, i: {"bytes": data, "path": "same.jpg"}),
        (STRUCT, lambda data, i: {"bytes": data, "path": f"/home/somebody/{i}.jpg"}),
        (pa.struct([("bytes", pa.large_binary())]), lambda data, i: {"bytes": data}),
        (pa.struct([("path", pa.string()), ("bytes", pa.binary()), ("more", pa.int8())]),
         lambda data, i: {"bytes": data, "path": f"{i}", "more": 1}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("laid_out", [False, True])
def test_every_type_that_holds_pictures_is_read(
    tmp_path: Path, kind: pa.DataType, wrap: Any, laid_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if laid_out:
        monkeypatch.setattr(parquet_images, "_MOST_OF_A_GROUP", 0)
    data = [jpeg(i) for i in range(10)]
    table = write(tmp_path / "t.parquet", [wrap(one, i) for i, one in enumerate(data)], kind, row_group_size=3)
    manifest = build(table, tmp_path / "out")
    assert manifest.rows() == 10 and not manifest.dropped and not manifest.remarked
    assert sorted(photos(tmp_path / "out").values()) == sorted(data)


def test_rows_without_a_picture_broken_ones_and_paths_that_lead_out_are_dropped_by_reason(tmp_path: Path) -> None:
    (tmp_path / "here.jpg").write_bytes(jpeg(3))
    (tmp_path.parent / "secret.jpg").write_bytes(jpeg(4))
    images = [
        {"bytes": jpeg(0), "path": "a.jpg"},
        {"bytes": None, "path": None},
        None,
        {"bytes": b"", "path": None},
        {"bytes": b"<html>no", "path": "b.jpg"},
        {"bytes": None, "path": "here.jpg"},
        {"bytes": None, "path": "gone.jpg"},
        {"bytes": None, "path": "../secret.jpg"},
        {"bytes": None, "path": "/etc/passwd"},
    ]
    manifest = build(write(tmp_path / "t.parquet", images, STRUCT), tmp_path / "out")
    assert manifest.rows() == 2
    dropped = {one.name: one.rows for one in manifest.dropped}
    assert dropped == {"photo missing": 1, "photo unusable": 4, "neither photo nor chip": 2}
    with (tmp_path / "out" / "dropped.csv").open(newline="") as file:
        rows = {row["id"]: row["detail"] for row in csv.DictReader(file)}
    assert "lies outside" in rows["../secret.jpg"] and "\\x" not in "".join(rows)


@pytest.mark.parametrize("name", ["photo", "img", "jpg", "Image", "portrait"])
def test_the_column_is_found_by_its_name_or_as_the_only_one_of_pictures(tmp_path: Path, name: str) -> None:
    images = [{"bytes": jpeg(i), "path": None} for i in range(3)]
    assert build(write(tmp_path / "t.parquet", images, STRUCT, name), tmp_path / "out").rows() == 3
    plain = write(tmp_path / "b.parquet", [jpeg(i) for i in range(3)], pa.binary(), "portrait")
    assert build(plain, tmp_path / "named", columns=("photo=portrait",)).rows() == 3


def test_a_table_with_ids_and_places_beside_its_pictures_keeps_them(tmp_path: Path) -> None:
    table = pa.table({
        "image": pa.array([{"bytes": jpeg(i), "path": f"{i}.jpg"} for i in range(4)], STRUCT),
        "species": ["Parus major"] * 4, "id": list("wxyz"), "lon": [1.0, 2, 3, 4], "lat": [5.0, 6, 7, 8],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    build(tmp_path / "t.parquet", tmp_path / "out")
    assert set(photos(tmp_path / "out")) == set("wxyz")


def test_pictures_laid_out_in_a_file_are_shared_with_workers_and_go_with_their_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_images, "_MOST_OF_A_GROUP", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    table = write(tmp_path / "t.parquet", [jpeg(0), None, jpeg(2)], pa.binary())
    images = ParquetImages(table, "image")
    (laid,) = tmp_path.glob("birdsat-images-*")
    copy = pickle.loads(pickle.dumps(images))
    assert [copy.read(i) for i in range(3)] == [jpeg(0), None, jpeg(2)]
    del copy
    assert laid.exists()
    child = os.fork()
    if child == 0:
        del images
        os._exit(0)
    os.waitpid(child, 0)
    assert laid.exists()
    with pytest.raises(ImageError, match="no row 4"):
        images.read(3)
    del images
    assert not laid.exists()


def test_a_build_of_many_workers_and_a_continued_one_read_the_same(tmp_path: Path) -> None:
    table = write(tmp_path / "t.parquet", [jpeg(i) for i in range(12)], pa.binary(), row_group_size=5)
    one = build(table, tmp_path / "one")
    request = BuildDatasetRequest(out=tmp_path / "two", table=table, workers=2, val_fraction=0, test_fraction=0)
    two = build_dataset(request).manifest
    assert [shard.sha256 for shard in one.shards] == [shard.sha256 for shard in two.shards]


def test_a_damaged_table_is_an_error_of_ours(tmp_path: Path) -> None:
    table = write(tmp_path / "t.parquet", [jpeg(i, 200) for i in range(6)], pa.binary(), compression="none")
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 3] + b"\xff" * 4000 + whole[len(whole) // 3 + 4000 :])
    source = TablePhotos(table, "image", tmp_path)
    for row in range(6):
        try:
            assert source._images.read(row) is not None
        except ImageError as error:
            assert "t.parquet" in str(error)
    (tmp_path / "none.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError):
        build(tmp_path / "none.parquet", tmp_path / "out")


def test_ready_chips_may_lie_in_files_that_an_image_column_names(tmp_path: Path) -> None:
    (tmp_path / "chips").mkdir()
    (tmp_path / "chips" / "1.jpg").write_bytes(jpeg(1))
    (tmp_path.parent / "out.jpg").write_bytes(jpeg(1))
    rows = [
        {"bytes": jpeg(0), "path": None},
        {"bytes": None, "path": "chips/1.jpg"},
        {"bytes": None, "path": "../out.jpg"},
    ]
    table = pa.table({"lon": [1.0, 2, 3], "lat": [1.0, 2, 3], "image": pa.array(rows, STRUCT)})
    pq.write_table(table, tmp_path / "c.parquet")
    from birdsat.earth.place import Place

    chips = ReadyChips(tmp_path / "c.parquet", ground_km=1)
    assert chips.encoded_chip(Place(2, 2)) == jpeg(1)
    with pytest.raises(ImageError, match="lies outside"):
        chips.encoded_chip(Place(3, 3))
