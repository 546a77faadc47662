"""Files of grids: valid, whole or absent, and the same whichever way the rows came."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.warp import transform
from rio_cogeo.cogeo import cog_validate

from birdsat.earth.box import Box
from birdsat.earth.cog import Cog, create_cog
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.earth.place import Place
from birdsat.earth.raster import Raster
from birdsat.errors import InputError


def write_cog(
    path: Path,
    data: NDArray[np.float32],
    grid: AnyGrid,
    names: list[str],
    tags: Mapping[str, str] | None = None,
    rows: int = 100,
) -> None:
    with create_cog(path, grid, band_names=names, tags=tags) as sink:
        for first in range(0, grid.rows, rows):
            sink.write(first, data[:, first : first + rows])


def ramp(grid: AnyGrid, bands: int = 1) -> NDArray[np.float32]:
    """Longitude plus latitude at every cell, 1000 more in every band."""
    layer = grid.lon[None, :] + grid.lat[:, None]
    return np.stack([layer + 1000 * band for band in range(bands)]).astype(np.float32)


GRIDS = [
    Grid(Box(-20, 30, 40, 70), 1),
    Grid(Box(-180, -90, 180, 90), 0.4),
    Grid(Box(170, -50, -170, -30), 0.05),
    EqualAreaGrid(Box(-180, -90, 180, 90), 40),
    EqualAreaGrid(Box(160, -50, -160, -10), 25),
]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_a_map_is_a_valid_cog_with_its_values_names_and_tags(tmp_path: Path, grid: AnyGrid) -> None:
    data = ramp(grid, bands=2)
    data[0, 0, :3] = np.nan
    path = tmp_path / "map.tif"
    write_cog(path, data, grid, ["January", "July"], {"TAXON": "Pica pica"})

    valid, errors, warnings = cog_validate(path)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), data)
        assert dataset.crs.to_epsg() == grid.epsg
        assert np.isnan(dataset.nodata)
        assert dataset.descriptions == ("January", "July")
        assert dataset.tags()["TAXON"] == "Pica pica"
        assert dataset.compression.name == "deflate"
        assert bool(dataset.overviews(1)) == (max(grid.shape) > 256)
        for row, column in ((0, 0), (grid.rows // 2, grid.columns - 1), (grid.rows - 1, grid.columns // 3)):
            lon, lat = transform(dataset.crs, CRS.from_epsg(4326), *([x] for x in dataset.xy(row, column)))
            assert np.mod(lon[0], 360) == pytest.approx(np.mod(grid.lon[column], 360))
            assert lat[0] == pytest.approx(grid.lat[row])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("rows", [1, 7, 16, 256, 1000])
def test_rows_in_blocks_of_any_size_make_the_same_map(tmp_path: Path, rows: int) -> None:
    grid = Grid(Box(0, 0, 30, 30), 0.1)
    write_cog(tmp_path / "map.tif", ramp(grid, bands=2), grid, ["a", "b"], rows=rows)
    with Cog(tmp_path / "map.tif") as cog:
        assert cog.shape == grid.shape and cog.band_names == ("a", "b") and cog.epsg == 4326
        assert cog.affine == pytest.approx(grid.affine)
        np.testing.assert_array_equal(cog.read([1], slice(20, 50)), ramp(grid, bands=2)[1:, 20:50])
        decimated = cog.decimated([0], 100)
    assert decimated.shape == (1, 100, 100)
    # By way of the overview of every second cell: right to the width of a cell.
    np.testing.assert_allclose(decimated, ramp(grid).reshape(1, 100, 3, 100, 3).mean((2, 4)), atol=0.1)


@pytest.mark.parametrize("rows", [[(0, 10), (20, 10)], [(0, 10), (0, 10)], [(5, 10)], [(0, 31)]])
def test_rows_out_of_order_are_refused_and_leave_nothing(tmp_path: Path, rows: list[tuple[int, int]]) -> None:
    grid = Grid(Box(0, 0, 30, 30), 1)
    with (
        pytest.raises(InputError, match="was due; write every row once"),
        create_cog(tmp_path / "map.tif", grid, band_names=["score"]) as sink,
    ):
        for first, count in rows:
            sink.write(first, np.zeros((1, count, 30), np.float32))
    assert list(tmp_path.iterdir()) == []


def test_a_map_that_ends_too_early_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    grid = Grid(Box(0, 0, 30, 30), 1)
    with (
        pytest.raises(InputError, match="ends at row 10 of 30"),
        create_cog(tmp_path / "map.tif", grid, band_names=["score"]) as sink,
    ):
        sink.write(0, np.zeros((1, 10, 30), np.float32))
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_whoever_makes_the_rows_is_passed_on_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="imagery is gone"),
        create_cog(tmp_path / "map.tif", Grid(Box(0, 0, 30, 30), 1), band_names=["score"]),
    ):
        raise OSError("imagery is gone")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no raster"])
def test_a_file_that_is_not_a_raster_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "map.tif").write_bytes(content)
    with pytest.raises(InputError, match="cannot be opened as a raster"):
        Cog(tmp_path / "map.tif")


def test_a_map_over_the_antimeridian_goes_on_past_180_and_can_be_cut_from_both_sides(tmp_path: Path) -> None:
    grid = Grid(Box(170, -20, -170, 20), 0.1)
    write_cog(tmp_path / "map.tif", ramp(grid), grid, ["score"])
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert dataset.bounds == pytest.approx((170, -20, 190, 20))
    with Raster(tmp_path / "map.tif", stretch=(100, 200)) as raster:
        for lon, score in ((175, 175), (-175, 185)):
            assert raster.cut(Place(lon, 0), 20, 4)[1:3, 1:3].mean() == pytest.approx(2.55 * (score - 100), abs=1)


def test_overviews_pass_over_cells_without_data(tmp_path: Path) -> None:
    grid = Grid(Box(0, 0, 60, 60), 0.1)
    data = np.full((1, *grid.shape), np.nan, np.float32)
    data[:, ::2] = 5
    write_cog(tmp_path / "map.tif", data, grid, ["score"])
    with rasterio.open(tmp_path / "map.tif", overview_level=0) as overview:
        assert np.unique(overview.read(1)).tolist() == [5]


@pytest.mark.parametrize(
    "data, names",
    [
        (np.zeros((1, 4, 3), np.float32), ["score"]),
        (np.zeros((1, 4, 4), np.float64), ["score"]),
        (np.zeros((2, 4, 4), np.float32), ["score"]),
    ],
)
def test_a_map_that_does_not_fit_its_grid_is_refused(
    tmp_path: Path, data: NDArray[np.float32], names: list[str]
) -> None:
    with pytest.raises(InputError, match="of float32 is needed"):
        write_cog(tmp_path / "map.tif", data, Grid(Box(0, 0, 4, 4), 1), names)
    assert list(tmp_path.iterdir()) == []


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from birdsat.earth.box import Box
from birdsat.earth.cog import Cog, create_cog
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.earth.cog import create_cog
from birdsat.errors import InputError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
grid = Grid(Box(0, 0, 60, 60), 0.1)
noise = np.random.default_rng(0).random((1, *grid.shape), dtype=np.float32)
try:
    with create_cog(Path(sys.argv[1]), grid, band_names=["score"]) as sink:
        for first in range(0, grid.rows, 100):
            sink.write(first, noise[:, first:first + 100])
except InputError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.parametrize("missing", [1, 4, 1000, 400_000, 1_500_000])
def test_a_full_disk_is_reported_and_leaves_the_old_map_and_nothing_else(tmp_path: Path, missing: int) -> None:
    grid = Grid(Box(0, 0, 60, 60), 0.1)
    noise = np.random.default_rng(0).random((1, *grid.shape), dtype=np.float32)
    path = tmp_path / "map.tif"
    write_cog(path, noise, grid, ["score"])
    room = path.stat().st_size - missing
    path.write_bytes(b"the old map")

    command = [sys.executable, "-c", FILL_THE_DISK, str(path), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 1
    assert "refused" in done.stderr
    assert "cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"the old map"


def test_a_folder_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    grid = Grid(Box(0, 0, 4, 4), 1)
    with pytest.raises(InputError, match="cannot be written"):
        write_cog(tmp_path / "absent" / "map.tif", ramp(grid), grid, ["score"])
