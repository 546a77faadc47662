from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.enums import ColorInterp
from rasterio.warp import transform

from birdsat.earth.raster_values import raster_values
from birdsat.errors import BirdsatWarning, ConfigError, InputError


def write(
    path: Path, data: NDArray[np.generic], affine: Affine, crs: str | None = "EPSG:4326", nodata: float | None = None
) -> Path:
    bands, height, width = data.shape
    with rasterio.open(
        path, "w", driver="GTiff", dtype=data.dtype, count=bands, height=height, width=width, crs=crs,
        transform=affine, nodata=nodata,
    ) as dataset:  # fmt: skip
        dataset.write(data)
    return path


def world(path: Path, west: float = -180, nodata: float | None = None) -> Path:
    """Two-degree pixels that hold 1000 x their row from the north + their column from 180 W."""
    row, column = np.mgrid[0:90, 0:180]
    column = (column + int((west + 180) / 2)) % 180
    return write(path, (1000 * row + column)[None].astype(np.float32), Affine(2, 0, west, 0, -2, 90), nodata=nodata)


@pytest.mark.parametrize("west", [-180, 0, -20])
def test_a_place_has_the_value_of_its_pixel_wherever_the_raster_begins(tmp_path: Path, west: float) -> None:
    places = np.array([[-180, 89.9], [179.9, 0.1], [180, 0.1], [0.5, -89], [-0.5, 10.5]])
    values = raster_values(world(tmp_path / "world.tif", west), places)
    assert values.dtype == np.float32
    assert values[:, 0].tolist() == [0, 44_179, 44_000, 89_090, 39_089]


def test_a_cell_has_the_mean_of_its_pixels_also_over_the_antimeridian(tmp_path: Path) -> None:
    path = world(tmp_path / "world.tif")
    assert raster_values(path, np.array([[-176.0, 86]]), cell_degrees=8)[0, 0] == pytest.approx(1500 + 1.5)
    assert raster_values(path, np.array([[180.0, 86]]), cell_degrees=4)[0, 0] == pytest.approx(
        1500 + (178 + 179 + 1) / 4
    )


def test_a_cell_finer_than_the_raster_has_the_value_of_its_pixel(tmp_path: Path) -> None:
    places = np.array([[-176.5, 86.5]])
    path = world(tmp_path / "world.tif")
    assert raster_values(path, places, cell_degrees=0.1)[0, 0] == raster_values(path, places)[0, 0]


def test_what_is_not_data_is_nan_and_does_not_count_in_a_mean(tmp_path: Path) -> None:
    path = world(tmp_path / "world.tif", nodata=1001)
    places = np.array([[-177.0, 87]])
    assert np.isnan(raster_values(path, places)).all()
    assert raster_values(path, np.array([[-178.0, 88]]), cell_degrees=4)[0, 0] == pytest.approx((0 + 1 + 1000) / 3)


def test_places_outside_the_raster_are_nan(tmp_path: Path) -> None:
    path = write(tmp_path / "small.tif", np.ones((1, 10, 10), np.float32), Affine(1, 0, 10, 0, -1, 50))
    values = raster_values(path, np.array([[15.0, 45], [9, 45], [15, 51], [21, 45], [10, 45]]))
    assert np.isnan(values[:, 0]).tolist() == [False, True, True, True, False]
    assert raster_values(path, np.array([[9.5, 45]]), cell_degrees=2)[0, 0] == 1


def test_a_raster_in_another_system_is_looked_up_where_the_place_lies(tmp_path: Path) -> None:
    data = np.arange(100 * 100, dtype=np.float32).reshape(1, 100, 100)
    path = write(tmp_path / "utm.tif", data, Affine(1000, 0, 450_000, 0, -1000, 5_000_000), crs="EPSG:32633")
    for row, column in ((0, 0), (40, 70), (99, 99)):
        lon, lat = transform("EPSG:32633", "EPSG:4326", [450_000 + 1000 * (column + 0.5)], [5e6 - 1000 * (row + 0.5)])
        assert raster_values(path, np.array([[lon[0], lat[0]]]))[0, 0] == 100 * row + column
    lon, lat = transform("EPSG:32633", "EPSG:4326", [500_000], [4_950_000])
    middle = raster_values(path, np.array([[lon[0], lat[0]]]), cell_degrees=0.2)[0, 0]
    assert middle == pytest.approx(4999.5, abs=60)  # of 10,000: the mean of a plane is its value there


def test_every_band_but_transparency_is_given(tmp_path: Path) -> None:
    path = write(tmp_path / "rgba.tif", np.stack([np.full((4, 4), i, np.uint8) for i in (1, 2, 3, 255)]),
                 Affine(1, 0, 0, 0, -1, 4))  # fmt: skip
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    assert raster_values(path, np.array([[2.0, 2]])).tolist() == [[1, 2, 3]]


def test_what_cannot_be_looked_up_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(InputError, match="cannot be opened as a raster"):
        raster_values(tmp_path / "text.tif", np.zeros((1, 2)))
    bare = write(tmp_path / "bare.tif", np.ones((1, 4, 4), np.float32), Affine(1, 0, 0, 0, -1, 4), crs=None)
    with pytest.raises(InputError, match="has no CRS"):
        raster_values(bare, np.zeros((1, 2)))
    with pytest.raises(ConfigError, match="degrees wide"):
        raster_values(bare, np.zeros((1, 2)), cell_degrees=0)


def test_climate_is_that_of_the_places_it_is_asked_for(shared_data: Path) -> None:
    places = np.array([[-60.02, -3.1], [-0.12, 51.5], [-30.0, 40.0]])
    values = raster_values(shared_data / "earth" / "worldclim_temp_10min.tif", places)[:, 0]
    assert values[:2].tolist() == pytest.approx([26.9, 10.7], abs=0.5)
    assert np.isnan(values[2])  # the sea


def test_no_data_that_is_not_declared_is_warned_of_or_none(tmp_path: Path) -> None:
    values = np.linspace(1, 9, 100, dtype=np.float32).reshape(1, 10, 10).copy()
    values[0, :2], values[0, 2] = -9999, 3.4e38
    path = write(tmp_path / "a.tif", values, Affine(1, 0, 0, 0, -1, 10))
    places = np.stack(np.meshgrid(np.arange(10) + 0.5, np.arange(10) + 0.5), axis=-1).reshape(-1, 2)
    with pytest.warns(BirdsatWarning, match=r"a\.tif: -9999 is 22\.2% of what it has here, far from all else"):
        found = raster_values(path, places)
    assert np.isnan(found).sum() == 10 and (found == -9999).sum() == 20
