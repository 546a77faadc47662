"""The walk-through of docs/real-birds.md, small: the same verbs on real photographs and imagery."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from PIL import Image

from birdsat.cli import main

TAXON = "Passerina cyanea"
PAIRS = "geo-birds/pairs_cub50.csv.gz"
RASTER = "earth/bluemarble_21600x10800_cog.tif"


def run(*words: object) -> None:
    main([str(word) for word in words])


def build(shared_data: Path, dataset: Path, imagery: str, table: Path) -> dict[str, Any]:
    """The manifest of the real photos of a table with chips from this imagery, built, read and checked."""
    chips = ("--chips", shared_data / imagery, "--chip-km", 30)
    run("data", "build", dataset, "--table", table, "--photos", shared_data, *chips)
    run("data", "info", dataset)
    run("data", "check", dataset)
    found: dict[str, Any] = json.loads((dataset / "manifest.json").read_text())
    return found


@pytest.mark.slow
def test_all_of_them_are_built_with_ready_chips(shared_data: Path, tmp_path: Path) -> None:
    manifest = build(shared_data, tmp_path / "birds", "earth/bluemarble_chips_64px.parquet", shared_data / PAIRS)
    assert sum(shard["rows"] for shard in manifest["shards"]) == 2477
    assert len(manifest["taxa"]) == 42
    assert manifest["counts"][2]["rows"] == 1217  # CUB's own test split


@pytest.mark.slow
def test_every_verb_works_on_some_with_chips_cut_from_a_raster_of_the_whole_earth(
    shared_data: Path, tmp_path: Path
) -> None:
    dataset, model = tmp_path / "birds", tmp_path / "model"
    with gzip.open(shared_data / PAIRS, "rt") as pairs:
        header, *rows = pairs.readlines()
    (tmp_path / "some.csv").write_text(header + "".join(rows[::6]))
    counts = build(shared_data, dataset, RASTER, tmp_path / "some.csv")["counts"]
    assert sum(split["chips"] for split in counts) == len(rows[::6]) == 413
    held_out = counts[2]["rows"]

    run("pretrain", dataset, model, "--recipe", "cve_mae_tiny", "--steps", 20, "--workers", 1)
    run("classify", model, dataset)
    scores = json.loads((model / "classify.json").read_text())["scores"]
    assert {score["inputs"] for score in scores} == {"photo", "photo_chip", "photo_chip_place_date"}
    run("retrieve", model, dataset)
    assert json.loads((model / "retrieve.json").read_text())["rows"] == held_out
    run("embed", model, dataset, tmp_path / "test.parquet")
    assert pq.read_metadata(tmp_path / "test.parquet").num_rows == held_out
    run("taxa", model)

    points = (shared_data / "geo-birds/occurrences.parquet", shared_data / "geo-birds/bbs_route_counts.parquet")
    where = ("--box=-100,25,-65,50", "--grid", 2.5, "--months", 1, 6, "--imagery", shared_data / RASTER)
    run("map", TAXON, "--run", model, *where, "--out", tmp_path / "maps", "--points", *points)
    with rasterio.open(tmp_path / "maps/Passerina_cyanea.tif") as cog:
        assert cog.descriptions == ("January", "June")
        assert np.isfinite(cog.read()).mean() > 0.9
    with Image.open(tmp_path / "maps/Passerina_cyanea.png") as picture:
        assert min(picture.size) > 300
