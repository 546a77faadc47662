"""Maps as NetCDF: what the readers of climate data find in them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from small_maps import GRIDS, described, numbers, written

import birdsat
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.errors import InputError
from birdsat.maps import map_file as map_files
from birdsat.maps.description import SCORE
from birdsat.maps.map_file import MapFile
from birdsat.maps.netcdf import write_netcdf


def netcdf(folder: Path, grid: AnyGrid, **changes: object) -> xr.Dataset:
    written(folder / "map.tif", described(grid, **changes))
    with MapFile(folder / "map.tif") as map_file:
        write_netcdf(map_file, folder / "map.nc")
    with xr.open_dataset(folder / "map.nc", engine="h5netcdf", decode_coords="all") as opened:
        return opened.load()


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_values_lie_at_their_places_and_months(tmp_path: Path, grid: AnyGrid) -> None:
    data = netcdf(tmp_path, grid)
    value, true = data["relative_suitability"], numbers(described(grid))
    np.testing.assert_array_equal(value.values, true[:3])
    np.testing.assert_array_equal(data["relative_suitability_std"].values, true[3:6])
    np.testing.assert_array_equal(data["applicability"].values, true[6])
    assert value.dims == (("time", "lat", "lon") if isinstance(grid, Grid) else ("time", "y", "x"))
    np.testing.assert_allclose(data["lat"], grid.lat)
    np.testing.assert_allclose(data["lon"], grid.lon)
    assert data["lat"].attrs["standard_name"] == "latitude" and data["lat"].attrs["units"] == "degrees_north"
    assert data["lon"].attrs["standard_name"] == "longitude" and data["lon"].attrs["units"] == "degrees_east"
    for name, edges in zip(("lon", "lat"), grid.edges(), strict=True):
        np.testing.assert_allclose(data[data[name].encoding["bounds"]], np.column_stack([edges[:-1], edges[1:]]))


def test_times_are_the_middles_of_months_with_the_months_as_their_bounds(tmp_path: Path) -> None:
    data = netcdf(tmp_path, GRIDS[0], months=(7, 1, 2))
    assert data["time"].dt.strftime("%m-%d %H").values.tolist() == ["01-16 12", "02-15 00", "07-16 12"]
    with xr.open_dataset(tmp_path / "map.nc", engine="h5netcdf", decode_times=False) as raw:
        assert raw["time"].attrs["climatology"] == "climatology_bounds"
        assert raw["climatology_bounds"].values.tolist() == [[0, 31], [31, 59], [181, 212]]
    true = numbers(described(GRIDS[0], months=(7, 1, 2)))
    np.testing.assert_array_equal(data["relative_suitability"].values, true[[1, 2, 0]])


def test_bounds_of_an_interval_are_variables_beside_the_quantity(tmp_path: Path) -> None:
    data = netcdf(tmp_path, GRIDS[0], months=(7, 1), std=False, interval=0.8)
    true = numbers(described(GRIDS[0], months=(7, 1), std=False, interval=0.8))
    name, *beside = [name for name in data.data_vars if name not in ("crs", "applicability")]
    assert beside == [f"{name}_low", f"{name}_high"]
    np.testing.assert_array_equal(data[f"{name}_low"].values, true[[3, 2]])
    np.testing.assert_array_equal(data[f"{name}_high"].values, true[[5, 4]])
    assert data[f"{name}_low"].attrs["long_name"].startswith("lower bound of the 80% interval of ")
    assert data[name].attrs["ancillary_variables"] == f"{name}_low {name}_high applicability"


def test_a_map_without_months_has_no_time(tmp_path: Path) -> None:
    data = netcdf(tmp_path, GRIDS[0], months=(), std=False, applicability=False, quantity=SCORE)
    assert data["score_cosine"].dims == ("lat", "lon") and "time" not in data.sizes
    assert "not a probability" in data.attrs["comment"]
    assert set(data.data_vars) == {"score_cosine"}


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_gdal_finds_the_same_cells_in_the_same_crs(tmp_path: Path, grid: AnyGrid) -> None:
    netcdf(tmp_path, grid)
    with rasterio.open(f"netcdf:{tmp_path / 'map.nc'}:relative_suitability") as raster:
        assert raster.crs.to_epsg() == grid.epsg
        assert tuple(raster.transform)[:6] == pytest.approx(grid.affine, abs=1e-6)
        np.testing.assert_array_equal(raster.read(), numbers(described(grid))[:3])


def test_attributes_follow_the_conventions(tmp_path: Path) -> None:
    data = netcdf(tmp_path, GRIDS[0])
    assert data.attrs["Conventions"] == "CF-1.8" and data.attrs["source"] == "runs/demo"
    assert data.attrs["taxon"] == "Corvus corax"
    value = data["relative_suitability"]
    assert value.attrs["units"] == "1" and value.attrs["long_name"] == "relative suitability"
    assert value.attrs["cell_methods"] == "time: mean within years time: mean over years"
    assert value.encoding["grid_mapping"] == "crs" and np.isnan(value.encoding["_FillValue"])
    assert data["crs"].attrs["grid_mapping_name"] == "latitude_longitude"
    flags = data["applicability"].attrs
    assert flags["flag_values"].tolist() == [0, 1] and flags["flag_meanings"] == "outside inside"


def test_windows_join_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_files, "_BLOCK_BYTES", 1)
    grid = GRIDS[3]  # of two columns of tiles
    assert grid.columns > 256
    data = netcdf(tmp_path, grid)
    np.testing.assert_array_equal(data["relative_suitability"].values, numbers(described(grid))[:3])


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from birdsat.errors import InputError
from birdsat.maps.map_file import MapFile
from birdsat.maps.netcdf import write_netcdf

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
folder = Path(sys.argv[1])
try:
    with MapFile(folder / "map.tif") as map_file:
        write_netcdf(map_file, folder / "map.nc")
except InputError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_full_disk_is_reported_and_leaves_the_old_file_and_nothing_else(tmp_path: Path, share: float) -> None:
    netcdf(tmp_path, GRIDS[3])
    room = int(share * (tmp_path / "map.nc").stat().st_size)
    (tmp_path / "map.nc").write_bytes(b"the old file")
    command = [sys.executable, "-c", FILL_THE_DISK, str(tmp_path), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 1, done.stderr
    assert "refused" in done.stderr and "check the folder and the free disk space" in done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["map.json", "map.nc", "map.tif"]
    assert (tmp_path / "map.nc").read_bytes() == b"the old file"


def test_a_folder_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    written(tmp_path / "map.tif", described(GRIDS[0]))
    with MapFile(tmp_path / "map.tif") as map_file, pytest.raises(InputError, match="cannot be written"):
        write_netcdf(map_file, tmp_path / "absent" / "map.nc")


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_a_map_opened_from_python_says_what_its_netcdf_file_says(grid: AnyGrid, tmp_path: Path) -> None:
    expected = netcdf(tmp_path, grid)
    xr.testing.assert_identical(birdsat.open_map(tmp_path / "map.tif"), expected)
