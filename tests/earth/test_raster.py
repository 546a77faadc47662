from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.enums import Resampling
from rasterio.warp import transform

from birdsat.earth.place import Place, lon_lat_around
from birdsat.earth.raster import Raster
from birdsat.errors import ConfigError, InputError, PlaceError


def colour(lon: NDArray[np.float64], lat: NDArray[np.float64], waves: float = 1) -> NDArray[np.uint8]:
    """A smooth colour that tells where on the sphere it is: (...) degrees -> (..., 3)."""
    lam, phi = np.radians(lon), np.radians(lat)
    xyz = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
    return np.rint(127.5 + 120 * np.sin(waves * xyz)).astype(np.uint8)


def write(path: Path, data: NDArray[np.generic], crs: str | None, affine: Affine, **options: object) -> Path:
    bands, height, width = data.shape
    with rasterio.open(
        path, "w", driver="GTiff", dtype=data.dtype, count=bands, height=height, width=width, crs=crs,
        transform=affine, **options,
    ) as dataset:  # fmt: skip
        dataset.write(data)
    return path


def painted(path: Path, crs: str, affine: Affine, height: int, width: int, waves: float) -> Path:
    """A raster in which every pixel has the colour of the place at its centre."""
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y = affine @ (column.ravel(), row.ravel())
    if crs != "EPSG:4326":
        x, y = map(np.array, transform(crs, "EPSG:4326", x, y))
    lon, lat = x.reshape(height, width), y.reshape(height, width)
    return write(path, colour(lon, lat, waves).transpose(2, 0, 1), crs, affine)


def world(path: Path, west: float = -180, step: float = 0.25, waves: float = 40) -> Path:
    affine = Affine(step, 0, west, 0, -step, 90)
    return painted(path, "EPSG:4326", affine, round(180 / step), round(360 / step), waves)


def expected(place: Place, ground_km: float, px: int, waves: float) -> NDArray[np.uint8]:
    offset = ((np.arange(px) + 0.5) / px - 0.5) * ground_km
    lon, lat = lon_lat_around(place, *np.meshgrid(offset, -offset))
    return colour(lon, lat, waves)


def worst(chip: NDArray[np.uint8], truth: NDArray[np.uint8]) -> int:
    return int(np.abs(chip.astype(int) - truth.astype(int)).max())


PLACES = [
    (12.5, 41.9),
    (180, -17),
    (-180, 10),
    (179.9, 65),
    (-179.95, -50),
    (30, 89.9),
    (-100, -89.9),
    (0, 90),
    (5, -90),
]


@pytest.fixture(scope="module")
def world_raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world(tmp_path_factory.mktemp("world") / "world.tif")


@pytest.mark.parametrize("lon, lat", PLACES)
@pytest.mark.parametrize("ground_km, px", [(300, 33), (800, 64)])
def test_every_pixel_shows_its_true_place_also_over_the_antimeridian_and_the_poles(
    world_raster: Path, lon: float, lat: float, ground_km: float, px: int
) -> None:
    with Raster(world_raster) as raster:
        chip = raster.cut(Place(lon, lat), ground_km, px)
    assert chip.shape == (px, px, 3)
    tolerance = 10 if abs(lat) > 89 else 2  # 10: half a raster pixel; no value lies closer to a pole
    assert worst(chip, expected(Place(lon, lat), ground_km, px, 40)) <= tolerance


@pytest.fixture(scope="module", params=["plain", "with overviews"])
def fine_raster(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    path = world(tmp_path_factory.mktemp("fine") / "world.tif", waves=5)
    if request.param == "with overviews":
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4, 8], Resampling.average)
    return path


@pytest.mark.parametrize("lon, lat", PLACES)
def test_a_chip_coarser_than_the_raster_is_right_too(fine_raster: Path, lon: float, lat: float) -> None:
    with Raster(fine_raster) as raster:
        chip = raster.cut(Place(lon, lat), 3000, 21)
    tolerance = 6 if abs(lat) > 89 else 2  # of 14 for a shift by one pixel of the chip
    assert worst(chip, expected(Place(lon, lat), 3000, 21, 5)) <= tolerance


@pytest.mark.parametrize("west", [0, -170, 30])
@pytest.mark.parametrize("lon", [0, -170, 30, 180, 29.9])
def test_a_world_raster_may_begin_at_any_meridian(tmp_path: Path, west: float, lon: float) -> None:
    with Raster(world(tmp_path / "world.tif", west, step=0.5, waves=10)) as raster:
        chip = raster.cut(Place(lon, 30), 900, 24)
    assert worst(chip, expected(Place(lon, 30), 900, 24, 10)) <= 6


def test_a_part_of_the_world_over_the_antimeridian_is_found_from_both_sides(tmp_path: Path) -> None:
    path = painted(tmp_path / "fiji.tif", "EPSG:4326", Affine(0.1, 0, 170, 0, -0.1, -5), 200, 200, 40)
    with Raster(path) as raster:
        for lon in (172, 179.9, -179.9, -172):
            chip = raster.cut(Place(lon, -15), 200, 24)
            assert worst(chip, expected(Place(lon, -15), 200, 24, 40)) <= 4


@pytest.mark.parametrize(
    "crs, affine, places",
    [
        ("EPSG:32633", Affine(1000, 0, 200_000, 0, -1000, 5_300_000), [(12.5, 45.5), (13.9, 46.5)]),
        ("EPSG:3857", Affine(5000, 0, 1_000_000, 0, -5000, 7_000_000), [(12.5, 45), (16, 50)]),
        ("EPSG:3413", Affine(8000, 0, -1_600_000, 0, -8000, 1_600_000), [(0, 90), (179.9, 85), (-45, 80)]),
        ("EPSG:3031", Affine(8000, 0, -1_600_000, 0, -8000, 1_600_000), [(0, -90), (180, -85)]),
    ],
)
def test_projected_rasters_show_every_pixels_true_place(
    tmp_path: Path, crs: str, affine: Affine, places: list[tuple[float, float]]
) -> None:
    with Raster(painted(tmp_path / "raster.tif", crs, affine, 400, 400, 40)) as raster:
        for lon, lat in places:
            chip = raster.cut(Place(lon, lat), 150, 32)
            assert worst(chip, expected(Place(lon, lat), 150, 32, 40)) <= 5


def test_a_rotated_raster_shows_every_pixels_true_place(tmp_path: Path) -> None:
    affine = Affine.translation(500_000, 5_000_000) @ Affine.rotation(30) @ Affine.scale(1000, -1000)
    affine = affine @ Affine.translation(-200, -200)
    with Raster(painted(tmp_path / "raster.tif", "EPSG:32633", affine, 400, 400, 40)) as raster:
        chip = raster.cut(Place(15.3, 45.3), 150, 32)
    assert worst(chip, expected(Place(15.3, 45.3), 150, 32, 40)) <= 5


def test_a_web_mercator_world_has_no_seam(tmp_path: Path) -> None:
    half = 20037508.342789244
    affine = Affine(half / 512, 0, -half, 0, -half / 512, half)
    with Raster(painted(tmp_path / "world.tif", "EPSG:3857", affine, 1024, 1024, 10)) as raster:
        for lon in (180, -179.9, 179.7, 5):
            chip = raster.cut(Place(lon, -17), 900, 32)
            assert worst(chip, expected(Place(lon, -17), 900, 32, 10)) <= 4
        with pytest.raises(PlaceError):
            raster.cut(Place(0, 89), 100, 16)


def test_downsampling_averages_instead_of_picking_pixels(tmp_path: Path) -> None:
    checks = np.indices((400, 400)).sum(axis=0) % 2 * 255
    path = write(tmp_path / "checks.tif", checks[None].astype(np.uint8), "EPSG:4326", Affine(0.01, 0, 0, 0, -0.01, 2))
    with Raster(path) as raster:
        chip = raster.cut(Place(2, 0), 200, 16)
    assert abs(int(chip.min()) - 128) < 20
    assert abs(int(chip.max()) - 128) < 20


def test_one_band_becomes_grey_and_more_than_three_give_the_first_three(tmp_path: Path) -> None:
    affine = Affine(0.1, 0, 0, 0, -0.1, 10)
    bands = np.arange(10, 60, 10, dtype=np.uint8)[:, None, None] * np.ones((5, 100, 100), np.uint8)
    for count, shown in ((1, [10, 10, 10]), (2, [10, 10, 10]), (3, [10, 20, 30]), (5, [10, 20, 30])):
        with Raster(write(tmp_path / f"{count}.tif", bands[:count], "EPSG:4326", affine)) as raster:
            assert np.unique(raster.cut(Place(5, 5), 50, 8).reshape(-1, 3), axis=0).tolist() == [shown]
    with Raster(tmp_path / "5.tif", bands=(4, 3, 4)) as raster:
        assert raster.cut(Place(5, 5), 50, 8)[0, 0].tolist() == [40, 30, 40]
    with pytest.raises(InputError, match="no band 6; allowed: 1 to 5"):
        Raster(tmp_path / "5.tif", bands=(1, 2, 6))


def test_reflectance_needs_a_stretch_and_is_clipped_to_it(tmp_path: Path) -> None:
    affine = Affine(0.1, 0, 0, 0, -0.1, 10)
    data = np.stack([np.full((100, 100), value, np.uint16) for value in (0, 1500, 9000)])
    path = write(tmp_path / "s2.tif", data, "EPSG:4326", affine)
    with pytest.raises(InputError, match="uint16 values of unknown range; give the stretch"):
        Raster(path)
    with pytest.raises(ConfigError, match="black < white"):
        Raster(path, stretch=(3000, 0))
    with Raster(path, stretch=(0, 3000)) as raster:
        assert raster.cut(Place(5, 5), 50, 8)[4, 4].tolist() == [0, 128, 255]


@pytest.mark.parametrize("kind", ["nodata", "alpha", "nan"])
def test_pixels_without_data_are_black_and_a_chip_with_too_many_is_refused(tmp_path: Path, kind: str) -> None:
    affine = Affine(0.1, 0, 0, 0, -0.1, 10)
    data = np.full((1, 100, 100), 200, np.float32 if kind == "nan" else np.uint8)
    west = np.s_[:, :, :50]
    data[west] = np.nan if kind == "nan" else 7
    options = {"nodata": 7} if kind == "nodata" else {}
    if kind == "alpha":
        data = np.concatenate([data, np.full_like(data, 255)])
        data[1:][west] = 0
        options = {"alpha": "yes"}
    path = write(tmp_path / "half.tif", data, "EPSG:4326", affine, **options)
    with Raster(path, stretch=(0, 255) if kind == "nan" else None) as raster:
        for ground_km, px in ((100, 20), (100, 4)):
            chip = raster.cut(Place(5.1, 5), ground_km, px)
            assert set(np.unique(chip)) == {0, 200}, "no blend of data and no data"
            assert (chip[:, : px // 4] == 0).all()
            assert (chip[:, px // 2 :] == 200).all()
        with pytest.raises(PlaceError, match="at most half"):
            raster.cut(Place(4.8, 5), 100, 20)


def test_a_place_outside_the_raster_is_refused_and_one_on_its_edge_is_partly_black(tmp_path: Path) -> None:
    path = painted(tmp_path / "utm.tif", "EPSG:32633", Affine(1000, 0, 400_000, 0, -1000, 5_100_000), 200, 200, 5)
    with Raster(path) as raster:
        for lon, lat in ((100, 45), (-165, -45), (15, -45), (15, 90), (105, 0)):
            with pytest.raises(PlaceError, match="no data for 100%"):
                raster.cut(Place(lon, lat), 40, 16)
        edge = raster.cut(Place(15, 46.0), 60, 16)
    assert (edge[0] == 0).all()
    assert (edge[-1] > 0).all()


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        Raster(tmp_path / "absent.tif")
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(InputError, match="cannot be opened"):
        Raster(tmp_path / "text.tif")
    grey = np.zeros((1, 8, 8), np.uint8)
    with pytest.raises(InputError, match="no CRS"):
        Raster(write(tmp_path / "plain.tif", grey, None, Affine(0.1, 0, 0, 0, -0.1, 10)))
    palette = write(tmp_path / "palette.tif", grey, "EPSG:4326", Affine.scale(0.1, -0.1), photometric="palette")
    with pytest.raises(InputError, match="palette"):
        Raster(palette)


@pytest.mark.parametrize("ground_km, px", [(0, 16), (-1, 16), (float("nan"), 16), (10, 1)])
def test_an_impossible_chip_is_refused(world_raster: Path, ground_km: float, px: int) -> None:
    with Raster(world_raster) as raster, pytest.raises(ConfigError, match="cannot be cut"):
        raster.cut(Place(0, 0), ground_km, px)


def test_a_truncated_raster_is_reported_as_damaged(tmp_path: Path, world_raster: Path) -> None:
    data = world_raster.read_bytes()
    (tmp_path / "short.tif").write_bytes(data[: len(data) // 2])
    with Raster(tmp_path / "short.tif") as raster, pytest.raises(InputError, match="damaged"):
        raster.cut(Place(0, -60), 300, 16)


def test_a_real_sentinel_2_scene_in_utm_is_cut_where_it_lies(shared_data: Path) -> None:
    path = next((shared_data / "earth" / "sentinel2" / "raw12").glob("patch_70975.tif"))
    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == 32632
        ((lon,), (lat,)) = transform(dataset.crs, "EPSG:4326", *([axis] for axis in dataset.xy(128, 128)))
        scene = dataset.read(4).astype(float)
    with Raster(path, bands=(4, 3, 2), stretch=(0, 3000)) as raster:
        red = raster.cut(Place(lon, lat), 1.0, 100)[:, :, 0]
    shown = np.clip(scene[78:178, 78:178] / 3000 * 255, 0, 255)
    assert np.corrcoef(red.ravel(), shown.ravel())[0, 1] > 0.9  # grid north is a degree off true north
