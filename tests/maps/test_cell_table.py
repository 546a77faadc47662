"""Maps as tables of cells: every cell with a value once, where it lies, with its outline."""

import csv
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_maps import GRIDS, described, numbers, written

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.errors import ConfigError, InputError
from birdsat.maps import map_file as map_files
from birdsat.maps.cell_table import outlines, write_cells
from birdsat.maps.map_file import MapFile

NAMES = ["january", "july", "december", "january_std", "july_std", "december_std", "applicability"]


def cells(folder: Path, name: str, grid: AnyGrid, **changes: object) -> int:
    written(folder / "map.tif", described(grid, **changes))
    with MapFile(folder / "map.tif") as map_file:
        return write_cells(map_file, folder / name)


def rings(wkb: bytes) -> list[list[tuple[float, float]]]:
    """The outer rings of a little-endian polygon or multipolygon, read by the letter of the format."""
    order, kind, count = struct.unpack_from("<BII", wkb)
    assert order == 1 and kind in (3, 6)
    if kind == 3:
        (points,) = struct.unpack_from("<I", wkb, 9)
        assert count == 1
        return [[struct.unpack_from("<dd", wkb, 13 + 16 * i) for i in range(points)]]  # type: ignore[misc]
    length = (len(wkb) - 9) // count
    return [ring for part in range(count) for ring in rings(wkb[9 + part * length : 9 + (part + 1) * length])]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_every_cell_with_a_value_is_a_row_at_its_place(tmp_path: Path, grid: AnyGrid) -> None:
    rows = cells(tmp_path, "map.parquet", grid)
    table = pq.read_table(tmp_path / "map.parquet")
    true = numbers(described(grid)).reshape(7, -1)
    expected = np.flatnonzero(~np.isnan(true[:3]).all(axis=0))
    assert rows == table.num_rows == len(expected) == grid.rows * grid.columns - 9
    assert table.column_names == ["cell", "lon", "lat", *NAMES, "geometry"]
    cell = table["cell"].to_numpy()
    np.testing.assert_array_equal(np.sort(cell), expected)
    row, column = np.divmod(cell, grid.columns)
    np.testing.assert_allclose(table["lat"].to_numpy(), grid.lat[row], atol=1e-6)
    np.testing.assert_allclose(np.mod(table["lon"].to_numpy(), 360), np.mod(grid.lon[column], 360), atol=1e-6)
    assert np.abs(table["lon"].to_numpy()).max() <= 180
    for name, values in zip(NAMES, true, strict=True):
        np.testing.assert_array_equal(table[name].to_numpy(), values[cell])
    assert table["january"].null_count == 4  # missing is null, never zero and never NaN


def test_bounds_of_an_interval_are_columns_lows_before_highs(tmp_path: Path) -> None:
    changes = {"months": (1, 7), "std": False, "interval": 0.8}
    cells(tmp_path, "map.parquet", GRIDS[0], **changes)
    table = pq.read_table(tmp_path / "map.parquet")
    bands = ["january", "july", "january_low", "july_low", "january_high", "july_high", "applicability"]
    assert table.column_names[3:-1] == bands
    true = numbers(described(GRIDS[0], **changes)).reshape(len(bands), -1)[:, table["cell"].to_numpy()]
    for name, values in zip(bands, true, strict=True):
        np.testing.assert_array_equal(table[name].to_numpy(), values)


def test_csv_holds_the_same_rows_without_outlines(tmp_path: Path) -> None:
    rows = cells(tmp_path, "map.csv", GRIDS[1])
    cells(tmp_path, "map.parquet", GRIDS[1])
    table = pq.read_table(tmp_path / "map.parquet")
    with (tmp_path / "map.csv").open() as file:
        read = list(csv.DictReader(file))
    assert len(read) == rows and list(read[0]) == ["cell", "lon", "lat", *NAMES]
    for name in ("cell", "lon", "lat", "january", "applicability"):
        written_values = [None if line[name] == "" else float(line[name]) for line in read]
        assert np.array(written_values, dtype=np.float32).tolist() == pytest.approx(
            np.array(table[name].to_pylist(), dtype=np.float32).tolist(), nan_ok=True
        )
    assert sum(line["january"] == "" for line in read) == 4


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_outlines_are_the_cells_edges_counter_clockwise_and_within_180(tmp_path: Path, grid: AnyGrid) -> None:
    cells(tmp_path, "map.parquet", grid, months=(1,))
    table = pq.read_table(tmp_path / "map.parquet")
    lon, lat = grid.edges()
    for cell, shape in zip(table["cell"].to_pylist()[::97], table["geometry"].to_pylist()[::97], strict=True):
        row, column = divmod(cell, grid.columns)
        area = 0.0
        for ring in rings(shape):
            x, y = np.array(ring).T
            assert ring[0] == ring[-1] and len(ring) == 5
            assert np.abs(x).max() <= 180 and np.abs(y).max() <= 90
            assert (y.min(), y.max()) == pytest.approx((lat[row + 1], lat[row]))
            area += float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)  # above 0 when counter-clockwise
        assert area == pytest.approx((lon[column + 1] - lon[column]) * (lat[row] - lat[row + 1]), rel=1e-6)


@pytest.mark.parametrize("west", [178.5, -181.5 + 360])
def test_a_cell_over_the_antimeridian_is_cut_in_two_there(west: float) -> None:
    grid = Grid(Box(west, 0, -177.5, 4), 1)
    one, cut, other = outlines(grid, np.zeros(3, dtype=np.int64), np.array([0, 1, 2]))
    assert [len(rings(shape)) for shape in (one, cut, other)] == [1, 2, 1]
    (left, right) = (np.array(ring) for ring in rings(cut))
    assert (left[:, 0].min(), left[:, 0].max()) == (179.5, 180) and (right[:, 0].min(), right[:, 0].max()) == (
        -180,
        -179.5,
    )


@pytest.mark.parametrize("box, step", [("170,0,-170,4", 0.1), ("-180,0,180,9", 0.3)])
def test_a_cell_that_ends_on_the_antimeridian_is_not_cut(box: str, step: float) -> None:
    grid = Grid(Box.parse(box), step)
    shapes = outlines(grid, np.zeros(grid.columns, dtype=np.int64), np.arange(grid.columns))
    assert {len(rings(shape)) for shape in shapes} == {1}


def test_the_file_is_geoparquet_that_says_what_its_numbers_are(tmp_path: Path) -> None:
    cells(tmp_path, "map.parquet", GRIDS[0])
    tags: dict[bytes, Any] = pq.read_schema(tmp_path / "map.parquet").metadata
    geo = json.loads(tags[b"geo"])
    assert geo["version"] == "1.1.0" and geo["columns"]["geometry"]["geometry_types"] == ["Polygon", "MultiPolygon"]
    assert tags[b"quantity"] == b"relative suitability" and tags[b"model"] == b"runs/demo"


def test_a_map_without_values_gives_a_table_without_rows(tmp_path: Path) -> None:
    description = described(GRIDS[0], months=(1,), std=False, applicability=False)
    with map_files.create_map(tmp_path / "map.tif", description) as sink:
        sink.write(0, np.full((1, *GRIDS[0].shape), np.nan, np.float32))
    for name in ("map.parquet", "map.csv"):
        with MapFile(tmp_path / "map.tif") as map_file:
            assert write_cells(map_file, tmp_path / name) == 0
    assert pq.read_table(tmp_path / "map.parquet").num_rows == 0
    assert (tmp_path / "map.csv").read_text() == '"cell","lon","lat","january"\n'


def test_windows_of_a_wide_map_join_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = cells(tmp_path, "whole.parquet", GRIDS[3])
    monkeypatch.setattr(map_files, "_BLOCK_BYTES", 1)
    assert cells(tmp_path, "parts.parquet", GRIDS[3]) == rows
    whole, parts = (pq.read_table(tmp_path / f"{name}.parquet").sort_by("cell") for name in ("whole", "parts"))
    assert whole.equals(parts)


@pytest.mark.parametrize("name", ["map.txt", "map"])
def test_another_ending_is_refused_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.parquet or \.csv"):
        cells(tmp_path, name, GRIDS[0])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["map.json", "map.tif"]


@pytest.mark.parametrize("name", ["a/map.csv", "a/map.parquet"])
def test_a_folder_that_does_not_exist_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        cells(tmp_path, name, GRIDS[0])
