"""The verbs around regions: embedded once, mapped from, and refused where they do not fit."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from failed_commands import failed
from made_runs import GRID_BOX, TAXON, make_run, noise, ready_chips
from tiny_world import ROWS, small_fit

from birdsat.cli import main
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.world import built_in_encoder
from birdsat.training.fingerprint import model_fingerprint
from birdsat.virtual.world import VirtualWorld
from birdsat.workflows.embed import embed as embed_anything
from birdsat.workflows.embed_region import RegionResult
from birdsat.workflows.requests.regions import EmbedRequest


def embed(run: Path, out: Path, *more: str, imagery: str = "virtual:0") -> None:
    main(["embed", str(run), str(out), "--grid", "2", GRID_BOX, "--imagery", imagery, *more])


def map_cells(*words: str, out: Path) -> np.ndarray:
    main(["map", TAXON, *words, "--months", "1", "7", "--out", str(out)])
    with rasterio.open(out / "Corvus_corax.tif") as tiff:
        return np.asarray(tiff.read())


def test_a_map_from_a_region_is_the_map_from_imagery(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed(run, tmp_path / "region", "--harmonics", "6")
    assert "4 cells; their annual cycle is right to 0.0000" in capsys.readouterr().out
    read = map_cells("--run", str(run), "--region", str(tmp_path / "region"), out=tmp_path / "one")
    place = ("--box=10,40,14,44", "--grid", "2", "--imagery", "virtual:0", "--workers", "0")
    np.testing.assert_allclose(read, map_cells("--run", str(run), *place, out=tmp_path / "other"), atol=1e-3)


def test_python_has_the_region_and_the_files(run: Path, dataset: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "region")
    made = embed_anything(EmbedRequest(run=str(run), paths=out, grid=2, box=[10, 40, 14, 44], imagery="virtual:0"))
    assert isinstance(made, RegionResult) and len(made.region) == 4 and made.region.folder == Path(out)
    assert made.to_dict()["cells"] == 4 and all(file.is_file() for file in made.files)
    assert [file.name for file in made.files] == ["region.json", "cells-000000.parquet"]
    paths = (dataset, tmp_path / "train.parquet")
    split = embed_anything(EmbedRequest(run=run, paths=paths, split="train"))
    assert split.to_dict() == {"file": str(tmp_path / "train.parquet"), "rows": ROWS["train"]}


def test_cells_without_imagery_are_nodata_and_counted(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chips = ready_chips(tmp_path / "chips.parquet", [noise(i, 16) for i in range(3)])
    embed(run, tmp_path / "region", imagery=str(chips))
    assert "1 of 4 cells have no imagery" in capsys.readouterr().err
    cells = map_cells("--run", str(run), "--region", str(tmp_path / "region"), out=tmp_path)
    np.testing.assert_array_equal(np.isnan(cells[0]), [[False, False], [False, True]])


def test_without_a_box_the_whole_world_is_embedded(run: Path, tmp_path: Path) -> None:
    main(["embed", str(run), str(tmp_path / "region"), "--grid", "60", "--imagery", "virtual:0"])
    assert open_region(tmp_path / "region").grid.shape == (3, 6)


def test_cells_without_land_are_left_out_if_asked_and_coasts_are_kept(run: Path, tmp_path: Path) -> None:
    main(["embed", str(run), str(tmp_path / "region"), "--grid", "15", "--imagery", "virtual:0", "--land-only"])
    region = open_region(tmp_path / "region")
    centres = region.grid.centres(np.arange(region.grid.cells))
    has_land = np.zeros(region.grid.cells, dtype=bool)
    for east in (-5, 0, 5):
        for north in (-5, 0, 5):
            has_land |= VirtualWorld(0).land((centres[:, 0] + east + 180) % 360 - 180, centres[:, 1] + north)
    np.testing.assert_array_equal(region.cells(), np.flatnonzero(has_land))
    inland = VirtualWorld(0).land(centres[:, 0], centres[:, 1])
    assert inland.sum() < has_land.sum() < region.grid.cells


def test_a_grid_that_no_disk_holds_is_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("embed", str(run), str(tmp_path / "region"), "--imagery", "virtual:0")
    said = failed(capsys, *words, "--grid", "0.0005", "--land-only")
    assert "259,200,000,000 cells" in said and "(--grid)" in said
    assert "--grid-km" in failed(capsys, *words, "--grid-km", "0.05")
    assert not (tmp_path / "region").exists()


def test_the_files_of_a_region_are_checked(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    embed(run, tmp_path / "region")
    main(["data", "check", str(tmp_path / "region")])
    assert "1 parts, 4 cells: as they were written" in capsys.readouterr().out
    part = tmp_path / "region" / "cells-000000.parquet"
    part.write_bytes(part.read_bytes().replace(b"lat", b"lot"))
    assert "cells-000000.parquet is damaged: it changed" in failed(capsys, "data", "check", str(tmp_path / "region"))


def test_a_region_of_another_run_is_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    embed(run, tmp_path / "region")
    other = make_run(tmp_path / "other", seed=1)
    words = ("map", TAXON, "--region", str(tmp_path / "region"), "--out", str(tmp_path / "maps"))
    assert "embedded by the run 'mine'" in failed(capsys, *words, "--run", str(other))
    assert not (tmp_path / "maps").exists()


def test_a_region_that_is_not_finished_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed(run, tmp_path / "region")
    (tmp_path / "region" / "region.json").rename(tmp_path / "region" / "embedding.json")
    words = ("map", TAXON, "--run", str(run), "--region", str(tmp_path / "region"))
    assert "half embedded" in failed(capsys, *words)


def test_options_that_do_not_go_together_are_refused(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("map", TAXON, "--run", str(run))
    said = failed(capsys, *words, "--imagery", "virtual:0")
    assert "a box west,south,east,north" in said and "(--box)" in said
    said = failed(capsys, *words, "--region", str(tmp_path), "--grid", "1")
    assert "grid can be used with cells in place of a region only" in said and "(--grid)" in said
    both = ("embed", str(run), str(dataset), str(tmp_path / "out"))
    assert "a grid is given, and 3 paths; write `birdsat embed [RUN] OUT --grid" in failed(
        capsys, *both, "--grid", "2", "--imagery", "virtual:0"
    )
    assert "imagery can be used with a grid only" in failed(capsys, *both, "--imagery", "virtual:0")
    alone = ("embed", str(run), str(tmp_path / "out"))
    assert "no grid is given, and 2 paths; write `birdsat embed RUN DATASET OUT" in failed(capsys, *alone)
    assert "split can be used with a dataset only" in failed(capsys, *alone, "--grid", "2", "--split", "val")
    said = failed(capsys, *alone, "--grid", "2")
    assert "cells need imagery" in said and "(--imagery, --embeddings)" in said
    said = failed(capsys, *alone, "--grid", "0", "--imagery", "virtual:0")
    assert "grid step is 0" in said and "(--grid)" in said
    both_sides = ("--grid", "2", "--grid-km", "200", "--imagery", "virtual:0")
    assert "of degrees or of kilometres" in failed(capsys, *alone, *both_sides)


def test_without_a_run_cells_are_embedded_by_the_built_in_encoder(
    small_world: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = "--box=-150,0,-138,12"
    main(["embed", str(tmp_path / "region"), "--grid", "1", box, "--imagery", "virtual:0"])
    region, encoder = open_region(tmp_path / "region"), built_in_encoder()
    assert (region.model, region.grid.shape) == (model_fingerprint(encoder), (12, 12))
    open_region(tmp_path / "region", encoder)
    small_fit(tables=records, region=tmp_path / "region", out=tmp_path / "fit")
    main(["map", "Parus major", "--ranges", str(tmp_path / "fit"), "--out", str(tmp_path / "maps")])
    assert (tmp_path / "maps" / "Parus_major.tif").is_file()
    main(["embed", str(tmp_path / "region"), "--grid", "1", box, "--imagery", "virtual:0"])  # is there already
    assert "0 paths" in failed(capsys, "embed", "--grid", "1", box, "--imagery", "virtual:0")
