"""`birdsat map` on a run that was never trained: what it refuses, what it says, and what it writes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_runs import CROSS_VIEW, GRID_BOX, PX, TAXON, make_run, noise, ready_chips
from rasterio.transform import from_bounds

from birdsat.cli import main


def map_cells(run: Path, imagery: Path | str, out: Path, *more: str) -> np.ndarray:
    """(months, 2, 2) of the map that the verb wrote."""
    words = ["map", TAXON, "--run", str(run), GRID_BOX, "--grid", "2", "--imagery", str(imagery), "--workers", "0"]
    main([*words, "--out", str(out), *more])
    with rasterio.open(out / "Corvus_corax.tif") as tiff:
        return np.asarray(tiff.read())


def test_a_raster_of_16_bits_is_mapped_with_the_stretch_it_needs(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(0).integers(0, 3000, (3, 80, 80), dtype=np.uint16)
    shape = {"count": 3, "height": 80, "width": 80, "dtype": "uint16", "crs": "EPSG:4326"}
    with rasterio.open(tmp_path / "wide.tif", "w", transform=from_bounds(9, 39, 15, 45, 80, 80), **shape) as raster:
        raster.write(values)
    with pytest.raises(SystemExit):
        map_cells(run, tmp_path / "wide.tif", tmp_path / "maps")
    assert "stretch" in capsys.readouterr().err
    assert np.isfinite(map_cells(run, tmp_path / "wide.tif", tmp_path / "maps", "--stretch", "0", "3000")).all()


def test_a_map_without_any_imagery_is_refused_with_the_cell_centre_that_was_asked(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chips = ready_chips(tmp_path / "chips.parquet", [noise(i, PX) for i in range(4)], off_by=0.5)
    with pytest.raises(SystemExit):
        map_cells(run, chips, tmp_path / "maps")
    printed = capsys.readouterr().err
    assert "none of the 4 cells" in printed and "cells' centres, the first at lon 11, lat 43" in printed
    assert not (tmp_path / "maps").exists()


def test_cells_without_imagery_are_counted_on_stderr(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chips = ready_chips(tmp_path / "chips.parquet", [noise(i, PX) for i in range(3)])
    cells = map_cells(run, chips, tmp_path / "maps")
    assert np.isnan(cells).sum() == 1
    printed = capsys.readouterr()
    assert "1 of 4 cells have no imagery" in printed.err
    assert printed.out.splitlines() == [str(tmp_path / "maps" / f"Corvus_corax.{kind}") for kind in ("tif", "png")]


def test_ready_chips_of_another_size_are_mapped_and_a_damaged_one_counts_as_none(run: Path, tmp_path: Path) -> None:
    images = [noise(i, 32) for i in range(4)]
    images[2] = images[2][:40]
    cells = map_cells(run, ready_chips(tmp_path / "chips.parquet", images), tmp_path / "maps")
    np.testing.assert_array_equal(np.isnan(cells[0]), [[False, False], [True, False]])


def test_a_map_that_is_there_already_is_kept_unless_it_may_be_overwritten(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    map_cells(run, "virtual:0", tmp_path, "--months", "1")
    before = (tmp_path / "Corvus_corax.tif").read_bytes()
    with pytest.raises(SystemExit):
        map_cells(run, "virtual:0", tmp_path, "--months", "7")
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "Corvus_corax.tif").read_bytes() == before
    map_cells(run, "virtual:0", tmp_path, "--months", "7", "--overwrite")
    with rasterio.open(tmp_path / "Corvus_corax.tif") as tiff:
        assert tiff.descriptions == ("July",)


@pytest.mark.parametrize("knows", [True, False])
def test_months_that_cannot_differ_are_said_to_be_the_same(
    knows: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    method = CROSS_VIEW if knows else replace(CROSS_VIEW, place_time=None)
    cells = map_cells(make_run(tmp_path / "run", method), "virtual:0", tmp_path, "--months", "1", "7")
    assert ("maps of all months are the same" in capsys.readouterr().err) is not knows
    if not knows:
        np.testing.assert_array_equal(cells[0], cells[1])


def test_rows_of_the_points_that_cannot_be_used_are_counted_on_stderr(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = tmp_path / "seen.csv"
    points.write_text(f"taxon,lon,lat\n{TAXON},11,41\n{TAXON},11,\n,11,41\n,12,41\n")
    map_cells(run, "virtual:0", tmp_path / "maps", "--points", str(points))
    printed = capsys.readouterr().err
    assert "no taxon, in 2 rows" in printed and "one coordinate missing" in printed
