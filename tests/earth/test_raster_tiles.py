"""Square pictures of rasters: where they lie on Earth, what they show, and which there are not."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import from_bounds

from birdsat.earth.raster_tiles import TILE_PX, RasterTiles, check_tile, tile_bounds, tile_lon_lat
from birdsat.errors import ConfigError, InputError

_WORLD = 20_037_508.342789244  # half the side of Web Mercator, metres (EPSG:3857)


def _raster(path: Path, pixels: NDArray[np.generic], *, crs: str = "EPSG:4326", **profile: object) -> Path:
    """Pixels (bands, h, w) over -90..90 east, -60..60 north."""
    bands, height, width = pixels.shape
    settings = {
        "driver": "GTiff",
        "count": bands,
        "height": height,
        "width": width,
        "dtype": pixels.dtype.name,
        "crs": crs,
        "transform": from_bounds(-90, -60, 90, 60, width, height),
        **profile,
    }
    with rasterio.open(path, "w", **settings) as file:
        file.write(pixels)
    return path


def _halves() -> NDArray[np.uint8]:
    """West red, east blue; the north brighter."""
    pixels = np.zeros((3, 120, 180), np.uint8)
    pixels[0, :, :90], pixels[2, :, 90:] = 200, 200
    pixels[:, :60] += 40
    return pixels


def test_tiles_of_each_zoom_cover_the_world_without_gap_or_overlap() -> None:
    assert tile_bounds(0, 0, 0) == pytest.approx((-_WORLD, -_WORLD, _WORLD, _WORLD))
    for z in (1, 3):
        side = 1 << z
        for x in range(side - 1):
            assert tile_bounds(z, x, 0)[2] == pytest.approx(tile_bounds(z, x + 1, 0)[0])
            assert tile_bounds(z, 0, x)[1] == pytest.approx(tile_bounds(z, 0, x + 1)[3])
        assert tile_bounds(z, side - 1, side - 1)[1:3] == pytest.approx((-_WORLD, _WORLD))


def test_pixels_lie_where_the_projection_says() -> None:
    from rasterio.warp import transform

    lon, lat = tile_lon_lat(3, 2, 5)
    west, south, east, north = tile_bounds(3, 2, 5)
    metres = (np.arange(TILE_PX) + 0.5) / TILE_PX
    x, y = west + metres * (east - west), north - metres * (north - south)
    wanted_lon, wanted_lat = transform("EPSG:3857", "EPSG:4326", x.tolist(), y.tolist())
    assert lon == pytest.approx(np.array(wanted_lon)) and lat == pytest.approx(np.array(wanted_lat))
    assert (np.diff(lon) > 0).all() and (np.diff(lat) < 0).all()


@pytest.mark.parametrize("tile", [(0, 1, 0), (0, 0, 1), (2, 4, 0), (23, 0, 0), (-1, 0, 0), (1, -1, 0)])
def test_a_tile_that_there_is_not_is_an_error(tile: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="there is no tile"):
        check_tile(*tile)


def test_a_tile_shows_what_lies_there_and_is_clear_where_nothing_does(tmp_path: Path) -> None:
    tiles = RasterTiles(_raster(tmp_path / "a.tif", _halves()))
    tile = tiles.tile(0, 0, 0)
    tiles.close()
    assert tile.shape == (TILE_PX, TILE_PX, 4)
    lon, lat = tile_lon_lat(0, 0, 0)

    def at(east: float, north: float) -> list[int]:
        found: list[int] = tile[np.abs(lat - north).argmin(), np.abs(lon - east).argmin()].tolist()
        return found

    assert at(-45, -30) == [200, 0, 0, 255] and at(45, -30) == [0, 0, 200, 255]
    assert at(-45, 30) == [240, 40, 40, 255]
    assert at(120, 0)[3] == 0 and at(0, 75)[3] == 0


def test_one_band_is_shown_in_grey_and_its_missing_value_is_clear(tmp_path: Path) -> None:
    pixels = np.full((1, 120, 180), 90, np.uint8)
    pixels[0, :, :90] = 7
    tiles = RasterTiles(_raster(tmp_path / "grey.tif", pixels, nodata=7))
    tile = tiles.tile(1, 1, 0)
    assert tile[200, 10].tolist() == [90, 90, 90, 255]
    assert tiles.tile(1, 0, 0)[200, 200, 3] == 0
    tiles.close()


def test_metres_are_projected_too(tmp_path: Path) -> None:
    pixels = _halves()
    place = from_bounds(-9e6, -6e6, 9e6, 6e6, 180, 120)
    tiles = RasterTiles(_raster(tmp_path / "m.tif", pixels, crs="EPSG:3857", transform=place))
    assert tiles.tile(1, 0, 1)[10, 200].tolist() == [200, 0, 0, 255]
    assert tiles.tile(1, 1, 1)[10, 50].tolist() == [0, 0, 200, 255]
    tiles.close()


def test_a_raster_of_other_than_eight_bits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="8 bits"):
        RasterTiles(_raster(tmp_path / "deep.tif", _halves().astype(np.uint16)))


def test_a_damaged_raster_is_an_error_of_ours(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 120, 180), np.uint8)
    path = _raster(tmp_path / "cut.tif", noise, compress="deflate")
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(InputError):
        RasterTiles(path).tile(0, 0, 0)


def test_a_raster_that_reaches_the_poles_has_tiles_at_every_zoom_from_overviews_where_they_do(tmp_path: Path) -> None:
    path = tmp_path / "earth.tif"
    pixels = np.zeros((3, 512, 1024), np.uint8)
    pixels[0, :, 512:] = 200  # red in the east
    pixels[1, :256] = 100  # green in the north
    transform = from_bounds(-180, -90, 180, 90, 1024, 512)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 1024, "height": 512, "tiled": True}
    with rasterio.open(path, "w", **profile, crs="EPSG:4326", transform=transform, photometric="RGB") as made:
        made.write(pixels)
        made.build_overviews([2, 4], Resampling.nearest)

    tiles = RasterTiles(path)
    whole, north_east = tiles.tile(0, 0, 0), tiles.tile(3, 6, 2)

    assert whole.shape == (256, 256, 4)
    assert whole[64, 192].tolist() == [200, 100, 0, 255]
    assert whole[192, 64].tolist() == [0, 0, 0, 255]
    assert north_east[128, 128].tolist() == [200, 100, 0, 255]
    tiles.close()
