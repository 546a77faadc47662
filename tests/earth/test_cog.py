import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rio_cogeo.cogeo import cog_validate

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.place import Place
from birdsat.earth.raster import Raster, write_cog
from birdsat.errors import InputError


def ramp(grid: Grid, bands: int = 1) -> NDArray[np.float32]:
    """Longitude plus latitude at every cell, 1000 more in every band."""
    layer = grid.lon[None, :] + grid.lat[:, None]
    return np.stack([layer + 1000 * band for band in range(bands)]).astype(np.float32)


@pytest.mark.parametrize("box, step", [("-20,30,40,70", 1), ("-180,-90,180,90", 0.4), ("170,-50,-170,-30", 0.05)])
def test_a_map_is_a_valid_cog_with_its_values_names_and_tags(tmp_path: Path, box: str, step: float) -> None:
    grid = Grid(Box.parse(box), step)
    data = ramp(grid, bands=2)
    data[0, 0, :3] = np.nan
    path = tmp_path / "map.tif"
    write_cog(path, data, grid, band_names=["January", "July"], tags={"TAXON": "Pica pica"})

    valid, errors, warnings = cog_validate(path)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), data)
        assert dataset.crs.to_epsg() == 4326
        assert np.isnan(dataset.nodata)
        assert dataset.descriptions == ("January", "July")
        assert dataset.tags()["TAXON"] == "Pica pica"
        assert dataset.compression.name == "deflate"
        assert bool(dataset.overviews(1)) == (max(grid.shape) > 256)
        row, column = grid.rows // 2, grid.columns - 1
        assert dataset.xy(row, column) == pytest.approx((grid.lon[column], grid.lat[row]))


def test_a_map_over_the_antimeridian_goes_on_past_180_and_can_be_cut_from_both_sides(tmp_path: Path) -> None:
    grid = Grid(Box(170, -20, -170, 20), 0.1)
    write_cog(tmp_path / "map.tif", ramp(grid), grid, band_names=["score"])
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert dataset.bounds == pytest.approx((170, -20, 190, 20))
    with Raster(tmp_path / "map.tif", stretch=(100, 200)) as raster:
        for lon, score in ((175, 175), (-175, 185)):
            assert raster.cut(Place(lon, 0), 20, 4)[1:3, 1:3].mean() == pytest.approx(2.55 * (score - 100), abs=1)


def test_overviews_pass_over_cells_without_data(tmp_path: Path) -> None:
    grid = Grid(Box(0, 0, 60, 60), 0.1)
    data = np.full((1, *grid.shape), np.nan, np.float32)
    data[:, ::2] = 5
    write_cog(tmp_path / "map.tif", data, grid, band_names=["score"])
    with rasterio.open(tmp_path / "map.tif", overview_level=0) as overview:
        assert np.unique(overview.read(1)).tolist() == [5]


@pytest.mark.parametrize(
    "data, names",
    [
        (np.zeros((1, 3, 4), np.float32), ["score"]),
        (np.zeros((1, 4, 4), np.float64), ["score"]),
        (np.zeros((2, 4, 4), np.float32), ["score"]),
    ],
)
def test_a_map_that_does_not_fit_its_grid_is_refused(
    tmp_path: Path, data: NDArray[np.float32], names: list[str]
) -> None:
    with pytest.raises(InputError, match="of float32 is needed"):
        write_cog(tmp_path / "map.tif", data, Grid(Box(0, 0, 4, 4), 1), band_names=names)
    assert list(tmp_path.iterdir()) == []


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.raster import write_cog
from birdsat.errors import InputError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
grid = Grid(Box(0, 0, 60, 60), 0.1)
noise = np.random.default_rng(0).random((1, *grid.shape), dtype=np.float32)
try:
    write_cog(Path(sys.argv[1]), noise, grid, band_names=["score"])
except InputError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.parametrize("missing", [1, 4, 1000, 400_000, 1_500_000])
def test_a_full_disk_is_reported_and_leaves_the_old_map_and_nothing_else(tmp_path: Path, missing: int) -> None:
    grid = Grid(Box(0, 0, 60, 60), 0.1)
    noise = np.random.default_rng(0).random((1, *grid.shape), dtype=np.float32)
    path = tmp_path / "map.tif"
    write_cog(path, noise, grid, band_names=["score"])
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
        write_cog(tmp_path / "absent" / "map.tif", ramp(grid), grid, band_names=["score"])
