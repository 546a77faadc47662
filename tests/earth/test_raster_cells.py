"""What a raster says of the cells of a grid."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_embeddings import write_raster
from numpy.typing import NDArray
from recorded import RecordedProgress

from birdsat.earth import raster_cells
from birdsat.earth.box import Box
from birdsat.earth.crs import WGS84, transformed
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.earth.raster_cells import raster_bands, raster_samples
from birdsat.errors import InputError

GRID = Grid(Box(2, 44, 4, 46), 0.25)


def means(path: Path, grid: AnyGrid) -> NDArray[np.float64]:
    """(rows, columns, bands) slowly: of all samples together."""
    found = list(raster_samples(path, grid))
    cells = np.concatenate([one.cells for one in found])
    values = np.concatenate([one.values for one in found]).astype(np.float64)
    table = np.full((grid.cells, values.shape[1]), np.nan)
    for cell in range(grid.cells):
        inside = values[cells == cell]
        for band in range(values.shape[1]):
            some = inside[np.isfinite(inside[:, band]), band]
            table[cell, band] = some.mean() if len(some) else np.nan
    return table.reshape(*grid.shape, -1)


def noise(bands: int, rows: int, columns: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 1, (bands, rows, columns)).astype(np.float32)


@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
def test_a_cell_is_the_mean_of_its_pixels(
    layout: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = noise(3, 40, 40)  # 5 x 5 pixels to a cell
    path = write_raster(tmp_path / "a.tif", values, (2, 44, 4, 46), **layout)
    expected = values.reshape(3, 8, 5, 8, 5).mean(axis=(2, 4)).transpose(1, 2, 0)
    np.testing.assert_allclose(means(path, GRID), expected, atol=1e-6)
    monkeypatch.setattr(raster_cells, "_NUMBERS", 300)  # many windows
    np.testing.assert_allclose(means(path, GRID), expected, atol=1e-6)


def test_what_is_not_data_does_not_count_and_numbers_are_scaled_as_the_file_says(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-100, 100, (2, 40, 40)).astype(np.int16)
    values[:, :5, :7] = -999  # the first cell has nothing, the second three columns
    path = write_raster(tmp_path / "a.tif", values, (2, 44, 4, 46), nodata=-999, scale=0.01, offset=5)
    found = means(path, GRID)
    assert np.isnan(found[0, 0]).all() and np.isfinite(found[0, 1:]).all()
    np.testing.assert_allclose(found[0, 1], values[:, :5, 7:10].mean(axis=(1, 2)) * 0.01 + 5, atol=1e-5)


@pytest.mark.parametrize("bottom_up", [False, True])
@pytest.mark.parametrize("grid", [GRID, EqualAreaGrid(GRID.box, 20)])
def test_pixels_of_another_system_fall_where_they_lie(bottom_up: bool, grid: AnyGrid, tmp_path: Path) -> None:
    values = noise(1, 220, 200)
    bounds = (420_000, 4_880_000, 620_000, 5_100_000)  # 1 km, in the zone 31 north
    path = write_raster(tmp_path / "a.tif", values, bounds, crs="EPSG:32631", bottom_up=bottom_up)
    x, y = np.meshgrid(bounds[0] + (np.arange(200) + 0.5) * 1000, bounds[3] - (np.arange(220) + 0.5) * 1000)
    cells = grid.cells_at(*transformed(raster_crs("EPSG:32631"), WGS84, x.ravel(), y.ravel()))
    inside = cells >= 0
    count = np.bincount(cells[inside], minlength=grid.cells)
    expected = np.bincount(cells[inside], values.ravel()[inside], grid.cells) / np.maximum(count, 1)
    found = means(path, grid).ravel()
    assert (np.isfinite(found) == (count > 0)).all() and count.max() > 300
    np.testing.assert_allclose(found[count > 0], expected[count > 0], atol=1e-5)


def raster_crs(text: str) -> Any:
    from rasterio.crs import CRS

    return CRS.from_user_input(text)


@pytest.mark.parametrize("pixels", [1, 2, 3, 7])
def test_no_cell_is_passed_over_by_pixels_larger_than_itself(pixels: int, tmp_path: Path) -> None:
    values = noise(2, pixels, pixels)
    path = write_raster(tmp_path / "a.tif", values, (2, 44, 4, 46))
    found = means(path, GRID)
    # Exactly, by areas.
    edges = np.linspace(0, 8, pixels + 1)
    share = np.array([[max(0, min(b, i + 1) - max(a, i)) for a, b in pairwise(edges)] for i in range(8)])
    expected = np.einsum("ip,jq,bpq->ijb", share, share, values)
    np.testing.assert_allclose(found, expected, atol=0.35)  # coverage is known to an eighth of a cell
    if 8 % pixels == 0:
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_of_cells_of_many_pixels_some_are_read_and_say_the_same(tmp_path: Path) -> None:
    rows = np.linspace(0, 1, 2100, dtype=np.float32)
    values = (rows[:, None] + np.sin(8 * rows))[None]
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    path = write_raster(tmp_path / "a.tif", values, (2, 44, 4, 46), **layout)
    coarse = Grid(GRID.box, 1.0)
    samples = sum(np.count_nonzero(one.cells >= 0) for one in raster_samples(path, coarse))
    assert 4 * 64**2 <= samples < 2100**2 / 4
    expected = values[0].reshape(2, 1050, 2, 1050).mean(axis=(1, 3))
    np.testing.assert_allclose(means(path, coarse)[:, :, 0], expected, atol=2e-3)


def test_rasters_go_around_the_antimeridian_and_begin_at_any_meridian(tmp_path: Path) -> None:
    values = np.arange(360, dtype=np.float32).reshape(1, 1, 360).repeat(180, axis=1)
    path = write_raster(tmp_path / "a.tif", values, (0, -90, 360, 90))
    found = means(path, Grid(Box(178, -2, -178, 2), 1.0))[:, :, 0]
    np.testing.assert_allclose(found, np.broadcast_to([178.0, 179, 180, 181], (4, 4)))
    pole = Grid(Box(-180, 88, 180, 90), 1.0)
    assert np.isfinite(means(path, pole)).all()


def test_a_raster_elsewhere_has_nothing_to_say(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise(1, 20, 20), (100, 44, 102, 46))
    assert not any((one.cells >= 0).any() for one in raster_samples(path, GRID))


def test_bands_have_their_names_and_transparency_is_not_one(tmp_path: Path) -> None:
    from rasterio.enums import ColorInterp

    path = write_raster(tmp_path / "a.tif", noise(2, 4, 4), (2, 44, 4, 46), names=("wet", "dry"), nodata=-1)
    bands = raster_bands(path)
    assert (bands.numbers, bands.names, bands.dtype, bands.nodata) == ((1, 2), ("wet", "dry"), "float32", -1)
    import rasterio

    with rasterio.open(path, "r+") as file:
        file.colorinterp = (ColorInterp.gray, ColorInterp.alpha)
    assert raster_bands(path).numbers == (1,)


def test_cells_far_smaller_than_pixels_are_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise(1, 1, 1), (2, 44, 4, 46))
    with pytest.raises(InputError, match="times smaller than a pixel"):
        list(raster_samples(path, Grid(GRID.box, 0.005)))


def test_names_that_are_not_text_are_an_error_of_ours(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise(2, 4, 4), (2, 44, 4, 46), names=("wet ground", "dry ground"))
    path.write_bytes(path.read_bytes().replace(b"wet ground", b"\xbb\xffx ground"))
    with pytest.raises(InputError, match=r"a\.tif is damaged"):
        raster_bands(path)


@pytest.mark.parametrize("mark", [-9999.0, 9999.0, -32768.0])
def test_a_number_that_looks_like_no_data_and_is_not_declared_is_noted(mark: float, tmp_path: Path) -> None:
    noted = RecordedProgress()
    for scale in (1.0, 0.5):
        values = noise(2, 40, 40)
        values[1, :10] = mark
        path = write_raster(tmp_path / "a.tif", values, (2, 44, 4, 46), scale=scale, offset=3)
        list(raster_samples(path, GRID, progress=noted))
    assert len(noted.notes) == 2
    assert all(f"--nodata {mark:g} FILE" in note and "a.tif: band 2, " in note for note in noted.notes)
    assert "is 25.0% of what it has here" in noted.notes[0]


@pytest.mark.parametrize(
    "values",
    [
        [[0, 255], [0, 255]],  # a mask
        [[-9999, -9000], [-5000, 4000]],  # depths
        [[99, 1], [50, 98]],
        [[9999, 9999], [9999, 9999]],
    ],
)
def test_numbers_that_may_be_meant_are_not_noted(values: list[list[float]], tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.array([values], np.float32), (2, 44, 4, 46))
    noted = RecordedProgress()
    list(raster_samples(path, GRID, progress=noted))
    assert not noted.notes


def test_numbers_that_nothing_measured_has_are_no_data(tmp_path: Path) -> None:
    values = noise(1, 40, 40)
    values[0, :5, :5], values[0, :5, 5:10], values[0, :5, 10:15] = 1e20, -3.4e38, np.inf
    found = means(write_raster(tmp_path / "a.tif", values, (2, 44, 4, 46)), GRID)[..., 0]
    assert np.isnan(found[0, :3]).all() and np.isfinite(found[0, 3:]).all()
    np.testing.assert_allclose(found[1:], values[0, 5:].reshape(7, 5, 8, 5).mean(axis=(1, 3)), atol=1e-6)
