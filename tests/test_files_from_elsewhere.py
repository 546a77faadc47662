"""Files that were made to harm, or that damage made so: a result or one sentence, in seconds and little memory."""

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from birdsat.errors import BirdsatError, CheckpointError, DatasetError

if TYPE_CHECKING:
    from tiny_world import TinyWorld

ROOT = Path(__file__).parents[1]


def fuzz(*words: str | Path, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "fuzz.py", *words, "--folder", folder],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("target", ["dataset", "geojson", "image", "npz", "raster", "run"])
def test_files_that_once_ended_in_a_traceback_or_not_at_all(shared_break: Path, tmp_path: Path, target: str) -> None:
    fuzz(target, "--cases", shared_break / f"fuzz-{target}", folder=tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("target", ["geojson", "image", "npz", "raster"])
def test_some_seconds_of_each_target_that_is_quick_to_make_find_nothing(tmp_path: Path, target: str) -> None:
    fuzz(target, "--seconds", "2", "--seed", "77", folder=tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_minute_of_every_target_finds_nothing(tmp_path: Path) -> None:
    fuzz("--seconds", "60", folder=tmp_path)


# ---------------------------------------------------------------- tables that name what they should not

NAMES = [
    "../secret.jpg",
    "photos/../../secret.jpg",
    "{secret}",
    "/etc/passwd",
    "/etc/shadow",
    "/dev/zero",
    "/proc/self/environ",
    "link.jpg",
    "zero.jpg",
    "folder-link/secret.jpg",
    "circle.jpg",
    "fifo.jpg",
    "huge.jpg",
    "folder.jpg",
    ".",
    "a\0b.jpg",
    "x" * 5000,
    "/vsicurl/http://127.0.0.1:9/x.jpg",
    "http://127.0.0.1:9/x.jpg",
    "~/x.jpg",
]


def jpeg(colour: str, px: int = 24) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (px, px), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder of pictures from elsewhere, with links, pipes and devices in it, and a secret beside it."""
    folder = tmp_path / "given"
    folder.mkdir()
    (tmp_path / "secret.jpg").write_bytes(jpeg("blue"))
    (folder / "good.jpg").write_bytes(jpeg("red"))
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "circle.jpg").symlink_to("circle.jpg")
    (folder / "folder-link").symlink_to(tmp_path)
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "fifo.jpg")
    with (folder / "huge.jpg").open("wb") as file:
        file.truncate(40 << 30)
    return folder


def build(out: Path, **fields: Any) -> Any:
    from birdsat.workflows.build_dataset import build_dataset
    from birdsat.workflows.requests.datasets import BuildDatasetRequest

    request = BuildDatasetRequest(out=out, workers=0, val_fraction=0, test_fraction=0, **fields)
    return build_dataset(request).manifest


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_photo_table_reads_nothing_beyond_its_folder(trap: Path, tmp_path: Path, name: str) -> None:
    name = name.format(secret=tmp_path / "secret.jpg")
    rows = [["id", "taxon", "photo"], ["good", "Corvus corax", "good.jpg"], ["bad", "Corvus corax", name]]
    manifest = build(tmp_path / "out", table=write(trap / "table.csv", rows))
    assert manifest.rows() == 1 and sum(one.rows for one in manifest.dropped) == 1
    (shard,) = manifest.shards
    assert pq.read_table(tmp_path / "out" / shard.file)["id"].to_pylist() == ["good"]


@pytest.mark.parametrize("name", NAMES)
def test_a_chip_table_reads_nothing_beyond_its_folder(trap: Path, tmp_path: Path, name: str) -> None:
    name = name.format(secret=tmp_path / "secret.jpg")
    chips = write(trap / "chips.csv", [["lon", "lat", "path"], ["1", "1", "good.jpg"], ["2", "2", name]])
    rows = [["id", "taxon", "photo", "lon", "lat"]]
    rows += [[which, "Corvus corax", "good.jpg", at, at] for which, at in (("good", "1"), ("bad", "2"))]
    manifest = build(tmp_path / "out", table=write(trap / "table.csv", rows), chips=str(chips), chip_km=(1.0,))
    assert manifest.rows() == 1 and sum(one.rows for one in manifest.dropped) == 1
    # As the first chip, by which the size is known, it is one error.
    write(trap / "chips.csv", [["lon", "lat", "path"], ["2", "2", name]])
    with pytest.raises(BirdsatError):
        build(tmp_path / "two", table=trap / "table.csv", chips=str(chips), chip_km=(1.0,))


# ---------------------------------------------------------------- folders that name what they should not

SHARDS = ["../secret.parquet", "{secret}", "/etc/passwd", "/dev/zero", "/proc/self/environ", "sub/../../secret.parquet",
          "", ".", "link.parquet", "fifo.parquet", "a\0b"]  # fmt: skip


@pytest.mark.parametrize("name", SHARDS)
def test_a_manifest_reads_nothing_beyond_its_folder(tiny_world: "TinyWorld", tmp_path: Path, name: str) -> None:
    from birdsat.dataset.check import check_dataset
    from birdsat.dataset.read import read_split, row_facts
    from birdsat.dataset.row_groups import Dataset

    folder = tmp_path / "data"
    shutil.copytree(tiny_world.dataset, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    shard = next(one for one in manifest["shards"] if one["split"] == "train")
    shutil.move(folder / shard["file"], tmp_path / "secret.parquet")
    (folder / "link.parquet").symlink_to(tmp_path / "secret.parquet")
    os.mkfifo(folder / "fifo.parquet")
    shard["file"] = name.format(secret=tmp_path / "secret.parquet")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    dataset = Dataset(folder)
    for read in (
        lambda: row_facts(dataset, "train"),
        lambda: list(read_split(dataset, "train", batch_size=8, photo_px=16, chip_px=16, workers=0)),
    ):
        with pytest.raises(DatasetError):
            read()
    assert not check_dataset(folder, workers=0).ok


@pytest.mark.parametrize("name", SHARDS)
def test_a_region_reads_nothing_beyond_its_folder(tiny_world: "TinyWorld", tmp_path: Path, name: str) -> None:
    from birdsat.embeddings.regions.folder_region import open_region

    folder = tmp_path / "region"
    shutil.copytree(tiny_world.region, folder)
    region = json.loads((folder / "region.json").read_text())
    shutil.move(folder / region["parts"][0]["file"], tmp_path / "secret.parquet")
    (folder / "link.parquet").symlink_to(tmp_path / "secret.parquet")
    os.mkfifo(folder / "fifo.parquet")
    region["parts"][0]["file"] = name.format(secret=tmp_path / "secret.parquet")
    (folder / "region.json").write_text(json.dumps(region))
    with pytest.raises(DatasetError):
        open_region(folder)


def test_a_range_model_reads_no_weights_or_cache_over_a_link_out_of_it(tiny_world: "TinyWorld", tmp_path: Path) -> None:
    from birdsat.embeddings.regions.folder_region import open_region
    from birdsat.ranges.feature_cache import cache_features, iter_features
    from birdsat.ranges.load import load_ranges

    folder = tmp_path / "ranges"
    shutil.copytree(tiny_world.ranges, folder)
    model, region = load_ranges(folder), open_region(tiny_world.region)
    cache = cache_features(model, region)
    shutil.move(cache, tmp_path / "cache")
    cache.symlink_to(tmp_path / "cache")
    with pytest.raises(CheckpointError, match="leads out of"):
        next(iter_features(model, region))
    cache.unlink()
    os.mkfifo(cache)
    with pytest.raises(CheckpointError, match="is not a file"):
        next(iter_features(model, region))
    shutil.move(folder / "ranges.safetensors", tmp_path / "weights")
    (folder / "ranges.safetensors").symlink_to(tmp_path / "weights")
    with pytest.raises(CheckpointError, match="leads out of"):
        load_ranges(folder)


@pytest.mark.parametrize(
    "name", ["../victim.parquet", "/tmp/victim.parquet", "sub/train-0.parquet", "x", "", "train-0.parquet\0"]
)
def test_a_half_built_dataset_from_elsewhere_writes_nothing_beyond_its_folder(
    trap: Path, tmp_path: Path, name: str
) -> None:
    from birdsat.dataset import build as building

    table = write(
        trap / "table.csv", [["id", "taxon", "photo"], *([str(i), "Corvus corax", "good.jpg"] for i in range(4))]
    )
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "put_in_place", lambda path, to: None if to.suffix == ".parquet" else path.rename(to))
        patch.setattr(building, "_forget_plan", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(out, table=table)
    (out / "manifest.json").unlink(missing_ok=True)
    victim = tmp_path / "victim.parquet"
    victim.write_text("precious")
    with sqlite3.connect(out / "building.sqlite") as database:
        database.execute("UPDATE shard SET file = ?", (name,))
    database.close()
    with pytest.raises(DatasetError, match="is damaged"):
        build(out, table=table)
    assert victim.read_text() == "precious" and not list(tmp_path.glob("victim*.part"))


def test_a_plan_of_noise_is_one_error(trap: Path, tmp_path: Path) -> None:
    table = write(trap / "table.csv", [["id", "taxon", "photo"], ["a", "Corvus corax", "good.jpg"]])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "building.sqlite").write_bytes(np.random.default_rng(0).bytes(9000))
    with pytest.raises(DatasetError, match="is damaged"):
        build(tmp_path / "out", table=table)


# ---------------------------------------------------------------- images that grow, runs that ask for too much


def test_pictures_that_promise_more_than_they_hold_are_refused_before_memory_is_taken() -> None:
    import struct
    import zlib

    from birdsat.errors import ImageError
    from birdsat.imagery.photos import decode_rgb

    def png(width: int, height: int, body: bytes) -> bytes:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")

    row = zlib.compress(b"\0" * 3001)
    for data, words in (
        (png(100_000, 100_000, row), "too large"),
        (png(2**31 - 1, 2**31 - 1, row), "too large"),
        (png(8_000, 8_000, row), "is not a photo"),
        (
            b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, 8_000, 8_000, 1, 24, 0, 0, 0, 0, 0, 0),
            "not a photo",
        ),
        (b"P6 9000 9000 255\n" + b"\0" * 100, "too large"),
        (b"P6 7000 7000 255\n" + b"\0" * 100, "is not a photo"),
    ):
        with pytest.raises(ImageError, match=words):
            decode_rgb(data)


def test_of_an_animation_the_first_frame_is_read() -> None:
    from birdsat.imagery.photos import decode_rgb

    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "lime")] * 30
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        out = io.BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:])
        assert decode_rgb(out.getvalue())[10, 10].tolist() == pytest.approx([255, 0, 0], abs=8)


@pytest.mark.parametrize("value", [10**5, 10**7, 10**17, -1])
def test_a_run_whose_settings_ask_for_another_model_is_one_error(
    tiny_world: "TinyWorld", tmp_path: Path, value: int
) -> None:
    from birdsat.training.run_folder import load_run

    folder = tmp_path / "run"
    shutil.copytree(tiny_world.run, folder)
    text = (folder / "config.json").read_text()

    def sizes(tree: dict[str, Any], at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        inner = [path for key, some in tree.items() if isinstance(some, dict) for path in sizes(some, (*at, key))]
        return inner + [(*at, key) for key, some in tree.items() if type(some) is int and key != "seed"]

    for path in sizes(json.loads(text)["method"]):
        changed = json.loads(text)
        holder = changed["method"]
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value
        (folder / "config.json").write_text(json.dumps(changed))
        with pytest.raises(CheckpointError):
            load_run(folder)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"<!DOCTYPE html><html>Google Drive quota</html>", "this is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n", "this is a Git LFS pointer"),
        (b"", "this is an empty file"),
        (b"\0" * 4000, "nothing but zeros"),
    ],
)
def test_what_a_download_or_a_clone_left_in_place_of_weights_or_shards_is_named(
    tiny_world: "TinyWorld", tmp_path: Path, data: bytes, words: str
) -> None:
    from birdsat.dataset.read import row_facts
    from birdsat.dataset.row_groups import Dataset
    from birdsat.methods.published.weights import read_checkpoint
    from birdsat.ranges.load import load_ranges
    from birdsat.training.run_folder import load_run

    world = tiny_world.copied(tmp_path / "world")
    (world.run / "model.safetensors").write_bytes(data)
    (world.ranges / "ranges.safetensors").write_bytes(data)
    for shard in world.dataset.glob("train-*.parquet"):
        shard.write_bytes(data)
    (tmp_path / "a.pth").write_bytes(data)
    for read in (
        lambda: load_run(world.run),
        lambda: load_ranges(world.ranges),
        lambda: row_facts(Dataset(world.dataset), "train"),
        lambda: read_checkpoint(tmp_path / "a.pth"),
    ):
        with pytest.raises(BirdsatError, match=words) as caught:
            read()
        assert "code" not in str(caught.value)


@pytest.mark.parametrize(
    "data, words",
    [
        (b'{"message": "Not Found"}', "this is a JSON document"),
        (b"404: Not Found", "this is text that begins '404: Not Found'"),
        (b"\x1f\x8b\x08\0\0\0\0", "this is a gzip file"),
        (b"\xff\xd8\xff\xe0\0", "this is a JPEG picture"),
        (b"cos\nsystem\n(S'touch EXECUTED'\ntR.", "this is text that begins"),
        (b"PK\x03\x04 not a zip", "cannot be read"),
    ],
)
def test_other_files_in_place_of_a_checkpoint_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    from birdsat.methods.published.weights import read_checkpoint

    (tmp_path / "a.pth").write_bytes(data)
    with pytest.raises(CheckpointError, match=words):
        read_checkpoint(tmp_path / "a.pth")


def test_checkpoints_from_the_field_are_named(shared_cases: Path) -> None:
    from birdsat.methods.published.weights import read_checkpoint

    for name, words in (("html_page", "this is a web page"), ("lfs_pointer", "this is a Git LFS pointer")):
        with pytest.raises(CheckpointError, match=words) as caught:
            read_checkpoint(shared_cases / "28-checkpoints" / f"{name}.pth")
        assert "code" not in str(caught.value) and "trust" not in str(caught.value)
