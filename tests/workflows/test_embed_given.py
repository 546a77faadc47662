"""Regions of embeddings that others made, by the command line and in maps."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_points
import numpy as np
import pytest
from failed_commands import failed
from made_embeddings import ALPHA_EARTH, vectors_of, wkb_point, write_csv, write_geoparquet, write_raster
from made_records import write_rows
from numpy.typing import NDArray
from recorded import RecordedProgress
from small_world import FEATURES
from tiny_world import TinyWorld

from birdsat.cli import main
from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.outline import EARTH
from birdsat.embeddings.given import write as writing
from birdsat.embeddings.regions.folder_region import FolderRegion, open_region
from birdsat.embeddings.regions.world import open_world
from birdsat.errors import ConfigError, InputError
from birdsat.maps.map_file import MapFile
from birdsat.metrics import map_scores
from birdsat.ranges.evaluation.our_models import RangeNetworkModel
from birdsat.ranges.points import Cells, Points
from birdsat.workflows import fit_ranges as fitting
from birdsat.workflows.embed import embed
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.requests.regions import EmbedRequest

BOX, STEP = Box(10, 44, 26, 56), 1.0
GRID = Grid(BOX, STEP)
CENTRES = GRID.centres(np.arange(GRID.cells))
WIDTH = 8
VECTORS = np.random.default_rng(5).normal(0, 1, (GRID.cells, WIDTH)).astype(np.float32)


def make(out: Path, *files: Path, progress: RecordedProgress | None = None, **fields: Any) -> FolderRegion:
    request = EmbedRequest(paths=out, embeddings=files, **{"grid": STEP, "box": BOX} | fields)
    region = embed(request, progress or RecordedProgress()).region  # type: ignore[union-attr]
    assert isinstance(region, FolderRegion)
    return region


def table(path: Path, vectors: NDArray[np.floating] = VECTORS, places: NDArray[np.float64] = CENTRES) -> Path:
    points = [wkb_point(*place) for place in places.tolist()]
    return write_geoparquet(path, points, embedding=vectors_of(vectors))


def raster(path: Path, vectors: NDArray[np.floating] = VECTORS, **said: Any) -> Path:
    values = vectors.T.reshape(-1, *GRID.shape).astype(np.float32)
    return write_raster(path, values, (BOX.west, BOX.south, BOX.east, BOX.north), **said)


def features(region: FolderRegion) -> NDArray[np.float32]:
    """(n, f) of all cells."""
    return np.concatenate([block.chip for block in region.blocks()]).astype(np.float32)


def scaled(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    """Around their mean, with a variance of one together."""
    centred = vectors - vectors.mean(axis=0)
    return centred / np.sqrt(np.square(centred).sum(axis=1).mean())


@pytest.mark.parametrize("given", [table, raster])
def test_a_region_holds_the_columns_of_its_cells_around_their_mean(
    given: Callable[[Path], Path], tmp_path: Path
) -> None:
    progress = RecordedProgress()
    region = make(tmp_path / "region", given(tmp_path / "a.file"), progress=progress)
    np.testing.assert_array_equal(region.cells(), np.arange(GRID.cells))
    np.testing.assert_allclose(features(region), scaled(VECTORS), atol=2e-3)
    assert (region.chip_width, region.embedding_width, region.harmonics) == (WIDTH, 0, 0)
    assert region.imagery.land is EARTH and "a.file" in region.imagery.text
    assert progress.notes == []
    block = next(region.blocks())
    assert block.year.shape == (GRID.cells, 1, 0)
    at = region.at(np.array([[10.5, 55.5], [9.0, 50.0]]), ("chip", "year"))
    assert at.found.tolist() == [True, False] and at.year.shape == (2, 1, 0)
    np.testing.assert_array_equal(at.chip[0], features(region)[0])
    region.check_files()


def test_rows_of_a_cell_are_averaged(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    cells = np.repeat(np.arange(GRID.cells), 5)
    generator.shuffle(cells)
    places = CENTRES[cells] + generator.uniform(-0.49, 0.49, (len(cells), 2))
    vectors = VECTORS[cells] + generator.normal(0, 1, (len(cells), WIDTH)).astype(np.float32)
    mean = np.array([vectors[cells == cell].mean(axis=0) for cell in range(GRID.cells)])
    region = make(tmp_path / "region", table(tmp_path / "a.parquet", vectors, places))
    np.testing.assert_allclose(features(region), scaled(mean), atol=2e-3)


def test_cells_without_something_of_every_file_are_left_out_and_said(tmp_path: Path) -> None:
    some = table(tmp_path / "a.parquet", VECTORS[40:], CENTRES[40:])
    vectors = VECTORS.copy()
    vectors[100:, :] = np.nan
    vectors[60, 3] = np.nan
    progress = RecordedProgress()
    region = make(tmp_path / "region", some, raster(tmp_path / "b.tif", vectors), progress=progress)
    np.testing.assert_array_equal(region.cells(), np.arange(40, 100))
    assert (len(region), region.manifest.without_imagery) == (60, GRID.cells - 60)
    assert progress.notes == [
        "a.parquet (embedding[0] to embedding[7]): nothing in 40 of 192 cells, which are left out.",
        "b.tif (band 1 to band 8): nothing in 92 of 152 cells that are left, which are left out.",
        "b.tif (band 1 to band 8): 1 of 480 numbers are missing in cells that have others, and taken as their column's "
        "mean.",
        "60 of 192 cells have embeddings.",
    ]
    assert features(region)[20, WIDTH + 3] == 0
    assert region.chip_width == 2 * WIDTH
    variance = features(region).astype(np.float64).var(axis=0)
    np.testing.assert_allclose([variance[:WIDTH].sum(), variance[WIDTH:].sum()], 1, rtol=0.01)


def test_tiles_in_a_folder_are_one_whole_and_files_stand_side_by_side(tmp_path: Path) -> None:
    tiles = tmp_path / "tiles"
    (tiles / "32N").mkdir(parents=True)
    north, south = VECTORS[: 6 * 16], VECTORS[6 * 16 :]
    for name, part, bounds in (("a", north, (10, 50, 26, 56)), ("32N/b", south, (10, 44, 26, 50))):
        write_raster(tiles / f"{name}.tif", part.T.reshape(WIDTH, 6, 16), bounds)
    write_raster(tiles / "far.tif", south.T.reshape(WIDTH, 6, 16), (100, 44, 116, 50))
    (tiles / "README.md").write_text("tiles")
    progress = RecordedProgress()
    region = make(tmp_path / "region", tiles, progress=progress)
    np.testing.assert_allclose(features(region), scaled(VECTORS), atol=2e-3)
    assert progress.notes == ["1 of 3 files have nothing in these cells: far.tif."]
    source = region.manifest.settings.given[0]
    assert [file.file for file in source.files] == ["32N/b.tif", "a.tif", "far.tif"]
    with pytest.raises(InputError, match=r"no cell has something of each of a\.tif .* and b\.tif"):
        make(tmp_path / "two", tiles / "a.tif", tiles / "32N" / "b.tif", progress=progress)
    assert "several files have the columns band 1 to band 8 (8), and stand side by side" in progress.notes[-3]
    assert not (tmp_path / "two").exists()


def test_codes_of_alpha_earth_are_read_as_the_numbers_they_stand_for(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(-127, 128, (64, *GRID.shape)).astype(np.int8)
    codes[:, 0, 0] = -128
    bounds = (BOX.west, BOX.south, BOX.east, BOX.north)
    path = write_raster(tmp_path / "a.tif", codes, bounds, names=ALPHA_EARTH, nodata=-128, bottom_up=True)
    region = make(tmp_path / "region", path)
    numbers = np.sign(codes) * (codes.astype(np.float64) / 127.5) ** 2
    assert len(region) == GRID.cells - 1
    np.testing.assert_allclose(features(region), scaled(numbers.reshape(64, -1).T[1:]), atol=2e-3)


def test_the_world_stands_beside_and_its_features_keep_their_own_scale(small_world: Path, tmp_path: Path) -> None:
    region = make(tmp_path / "region", table(tmp_path / "a.parquet"), beside="world", land_only=True)
    assert region.chip_width == WIDTH + FEATURES
    world = open_world().at(GRID.centres(region.cells()))
    assert world.found.all() and 100 < len(region) < GRID.cells
    beside = features(region)[:, WIDTH:].astype(np.float64)
    np.testing.assert_allclose(beside, scaled(world.chip.astype(np.float64)), atol=2e-3)
    assert abs(features(region)[:, :WIDTH].astype(np.float64).var(axis=0).sum() - 1) < 0.01
    assert "the built-in world" in region.run


def test_another_region_stands_beside(tiny_world: TinyWorld, tmp_path: Path) -> None:
    other = open_region(tiny_world.region)
    centres = other.grid.centres(other.cells())
    numbers = np.random.default_rng(0).normal(0, 1, (len(centres), 3)).astype(np.float32)
    given = table(tmp_path / "a.parquet", numbers, centres)
    fields = {"box": other.grid.box, "grid": other.grid.step, "beside": tiny_world.region}
    region = make(tmp_path / "region", given, **fields)
    assert len(region) == len(other) and region.chip_width == 3 + other.chip_width
    chip = np.concatenate([block.chip for block in other.blocks(("chip",))]).astype(np.float64)
    np.testing.assert_allclose(features(region)[:, 3:], scaled(chip), atol=2e-3)
    coarse = make(tmp_path / "coarse", given, **fields | {"grid": 3 * other.grid.step})
    cells = coarse.grid.cells_at(*centres.T)
    mean = np.array([chip[cells == cell].mean(axis=0) for cell in coarse.cells().tolist()])
    np.testing.assert_allclose(features(coarse)[:, 3:], scaled(mean), atol=3e-3)


def test_columns_in_units_of_their_own_count_alike(tmp_path: Path) -> None:
    vectors = VECTORS * np.array([1000, 300, 1, 2, 3, 1, 2, 3], np.float32)
    names = ["lon", "lat", *(f"bio{number}" for number in range(1, WIDTH + 1))]
    path = write_csv(tmp_path / "a.csv", names, np.concatenate([CENTRES, vectors], axis=1))
    progress = RecordedProgress()
    region = make(tmp_path / "region", path, progress=progress)
    np.testing.assert_allclose(features(region).astype(np.float64).var(axis=0), 1 / WIDTH, rtol=0.01)
    assert "each is brought to the same variance" in progress.notes[0]


def test_a_finished_region_is_left_as_it_is_and_other_files_are_told_apart(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet")
    region = make(tmp_path / "region", path)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "region").iterdir()}
    assert make(tmp_path / "region", path).identity == region.identity
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "region").iterdir()} == before
    again = make(tmp_path / "again", path)
    assert again.model == region.model
    assert (tmp_path / "again" / "cells-000000.parquet").read_bytes() == next(
        file for file in before if file.suffix == ".parquet"
    ).read_bytes()
    table(path, -VECTORS)
    with pytest.raises(ConfigError, match=r"made otherwise: model is .*embeddings is a\.parquet"):
        make(tmp_path / "region", path)
    assert make(tmp_path / "other", path).model != region.model
    assert make(tmp_path / "finer", path, grid=2.0).model != region.model


def test_what_was_killed_is_made_anew_and_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "a.parquet")
    whole = make(tmp_path / "whole", path)
    with monkeypatch.context() as patch:
        patch.setattr(writing, "finish_region", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "region", path)
    with pytest.raises(Exception, match="half embedded"):
        open_region(tmp_path / "region")
    region = make(tmp_path / "region", path)
    assert sorted(file.name for file in (tmp_path / "region").iterdir()) == ["cells-000000.parquet", "region.json"]
    assert region.identity == whole.identity


def test_columns_that_are_constant_are_said_and_refused_where_all_are(tmp_path: Path) -> None:
    vectors = VECTORS.copy()
    vectors[:, 2], vectors[:, 5] = 0.1, np.nan
    progress = RecordedProgress()
    region = make(tmp_path / "region", table(tmp_path / "a.parquet", vectors), progress=progress)
    assert progress.notes == [
        "a.parquet (embedding[0] to embedding[7]): 2 of 8 columns are empty or the same in all cells, and say nothing: "
        "embedding[2], embedding[5]."
    ]
    kept = [0, 1, 3, 4, 6, 7]
    np.testing.assert_allclose(features(region)[:, kept], scaled(VECTORS[:, kept]), atol=2e-3)
    assert (features(region)[:, [2, 5]] == 0).all()
    with pytest.raises(InputError, match=r"all 8 columns of b\.parquet"):
        make(tmp_path / "other", table(tmp_path / "b.parquet", np.ones_like(VECTORS)))
    assert not (tmp_path / "other").exists()


def test_what_cannot_be_used_is_refused_with_a_remedy(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = table(tmp_path / "a.parquet"), tmp_path / "out"
    area = ("--grid", "1", f"--box={BOX}")
    words = ("embed", out, *area, "--embeddings")
    assert "no.tif does not exist; give a table" in failed(capsys, *words, tmp_path / "no.tif")
    assert "is given twice" in failed(capsys, *words, path, path)
    array = tmp_path / "a.npy"
    np.save(array, VECTORS)
    assert "a.npy holds no embeddings that are read here: this is unknown; give a table" in failed(
        capsys, *words, array
    )
    page = tmp_path / "a.tif"
    page.write_text("<!doctype html><html>sign in</html>")
    assert "this is a web page" in failed(capsys, *words, page)
    (tmp_path / "a.vrt").write_text("<VRTDataset rasterXSize='4' rasterYSize='4'></VRTDataset>")
    assert "this is a VRT" in failed(capsys, *words, tmp_path / "a.vrt")
    bands = raster(tmp_path / "bands.tif")
    assert "none of the files is a table" in failed(capsys, *words, bands, "--columns", "vector=band 1")
    empty = write_csv(tmp_path / "empty.csv", ["lon", "lat", "A0", "A1"], [])
    assert "has columns but no rows" in failed(capsys, *words, empty)
    nothing = write_csv(tmp_path / "b.csv", ["name", "A0", "A1"], [["x", 1, 2]])
    assert "b.csv says of no row where it lies" in failed(capsys, *words, nothing)
    said = failed(capsys, *words, table(tmp_path / "nan.parquet", np.full_like(VECTORS, np.nan)))
    assert "no cell in the box 10,44,26,56 has any number of nan.parquet" in said and "192 rows have no number" in said
    said = failed(capsys, "embed", out, "--grid", "1", "--box=100,10,110,20", "--embeddings", path)
    assert "192 of 192 rows lie outside the box" in said and "(--box, --embeddings)" in said
    blank = write_raster(tmp_path / "blank.tif", np.full((2, 4, 4), -1.0), (10, 44, 26, 56), nodata=-1)
    assert "no cell in the box 10,44,26,56 has any number of blank.tif" in failed(capsys, *words, blank)
    nowhere = write_raster(tmp_path / "nowhere.tif", VECTORS[:4, :4][None], (10, 44, 26, 56), crs="")
    assert "nowhere.tif has no CRS" in failed(capsys, *words, nowhere)
    assert "embeddings of others need no run" in failed(capsys, "embed", run, out, *area, "--embeddings", path)
    assert "imagery can be used with imagery" in failed(capsys, *words, path, "--imagery", "virtual:0")
    imagery = ("embed", out, *area, "--imagery", "virtual:0")
    assert "beside can be used with embeddings of others only" in failed(capsys, *imagery, "--beside", "world")
    assert "is not a region" in failed(capsys, *words, path, "--beside", tmp_path)
    assert not out.exists()


def test_photos_are_not_compared_with_given_embeddings(
    tiny_world: TinyWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    region = make(tmp_path / "region", table(tmp_path / "a.parquet")).folder
    own = ("--run", tiny_world.run, "--region", region)
    for words in (
        ("map", "Corvus corax", *own, "--out", tmp_path / "map"),
        ("map", "Corvus corax", *own, "--occurrences", tiny_world.records, "--way", "both", "--out", tmp_path / "map"),
        ("fit", tiny_world.records, *own, "--way", "both", "--out", tmp_path / "fit"),
        ("locate", tiny_world.run, tiny_world.photo, "--region", region, "--out", tmp_path / "located"),
    ):
        assert "that photos cannot be compared with; leave the run out" in failed(capsys, *words)


def test_ranges_are_evaluated_on_a_region(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wet = VECTORS[:, 0] > 0  # where one taxon lives; the columns say so, place does not
    np.savez(
        tmp_path / "grid.npz",
        lat=CENTRES[:, 1],
        lon=CENTRES[:, 0],
        species=np.array(["Parus major", "Pica pica"]),
        presence=np.stack([wet, ~wet], axis=1),
    )
    region = make(tmp_path / "region", table(tmp_path / "a.parquet", VECTORS[:, :2])).folder
    words = ("evaluate", "ranges", tmp_path / "grid.npz", "--out", tmp_path / "out")
    models = ("--models", "similar_coordinates", "similar_chip")
    main([str(word) for word in (*words, *models, "--region", region)])
    rows = json.loads((tmp_path / "out" / "evaluation.json").read_text())["rows"]
    areas = {row["model"]: row["auc"] for row in rows if row["model"] != "chance"}
    assert areas["similar_chip"] > 0.9 and areas["similar_coordinates"] < 0.7
    imagery = ("--imagery", "virtual:0")
    assert "region can be used with cells in place of imagery only" in failed(
        capsys, *words, *models, "--region", region, *imagery
    )


def test_ranges_are_found_by_given_embeddings_that_place_alone_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taxa = ["Parus major", "Pica pica", "Turdus merula", "Sitta europaea"]
    grid = Grid(BOX, 0.5)
    centres = grid.centres(np.arange(grid.cells))
    generator = np.random.default_rng(3)
    rough = np.sin(centres @ generator.normal(0, 2.5, (2, 4)) + generator.uniform(0, 6, 4))  # some degrees a wave
    present = rough > np.quantile(rough, 0.75, axis=0)
    shown = rough @ generator.normal(0, 1, (4, 12)) + generator.normal(0, 0.2, (len(rough), 12))
    path = write_csv(
        tmp_path / "a.csv", ["lon", "lat", *(f"A{n:02d}" for n in range(12))], np.concatenate([centres, shown], axis=1)
    )
    rows = [generator.choice(np.flatnonzero(one), 40, replace=False) for one in present.T]
    records = [
        (taxon, *centres[cell].tolist(), "") for taxon, some in zip(taxa, rows, strict=True) for cell in some.tolist()
    ]
    table = write_rows(tmp_path / "records.csv", records)
    region = make(tmp_path / "region", path, grid=0.5)
    settings = replace(made_points.SMALL, steps=150, block_km=300)
    monkeypatch.setattr(fitting, "RangeNetworkConfig", lambda seed: replace(settings, seed=seed))
    fitting.fit_ranges(
        FitRequest(tables=table, region=region.folder, out=tmp_path / "fit", trust_places=True), RecordedProgress()
    )
    main(["map", *taxa, "--ranges", str(tmp_path / "fit"), "--out", str(tmp_path / "maps")])
    points = Points(
        taxa=4,
        presences=Cells(lon_lat=centres[np.concatenate(rows)], columns={}),
        taxon=np.repeat(np.arange(4), 40),
        background=Cells(lon_lat=centres, columns={}),
    )
    place_alone = RangeNetworkModel(columns=None, settings=settings).fit(points)(Cells(lon_lat=centres, columns={}))
    areas = []
    for taxon, truth, score in zip(taxa, present.T, place_alone.T, strict=True):
        with MapFile(tmp_path / "maps" / f"{taxon.replace(' ', '_')}.tif") as file:
            mapped = file.read().value.ravel()
        areas.append((map_scores(mapped, truth)[0], map_scores(score, truth)[0]))
    by_embeddings, by_place = np.mean(areas, axis=0)
    assert by_embeddings > 0.9 > by_place + 0.15
    # What many maps give together is had from it too.
    lon, lat = centres[rows[0][0]].tolist()
    capsys.readouterr()
    main(["species", str(tmp_path / "fit"), f"--place={lon},{lat}", "--month", "6", "--out", str(tmp_path / "species")])
    assert "Parus major" in capsys.readouterr().out
    main(["richness", str(tmp_path / "fit"), "--out", str(tmp_path / "rich")])
    main(["gaps", str(tmp_path / "fit"), "--occurrences", str(table), "--out", str(tmp_path / "gaps.csv")])
    sidecar = json.loads((tmp_path / "maps" / "Parus_major.json").read_text())
    assert "a.csv (A00 to A11)" in json.dumps(sidecar)
