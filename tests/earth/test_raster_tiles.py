"""Tiles of a raster of the whole Earth, poles and all."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_bounds

from birdsat.earth.raster_tiles import RasterTiles


def test_a_raster_that_reaches_the_poles_has_tiles_at_every_zoom_from_overviews_where_they_do(tmp_path: Path) -> None:
    path = tmp_path / "earth.tif"
    pixels = np.zeros((3, 512, 1024), np.uint8)
    pixels[0, :, 512:] = 200  # red in the east
    pixels[1, :256] = 100  # green in the north
    transform = from_bounds(-180, -90, 180, 90, 1024, 512)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 1024, "height": 512, "tiled": True}
    with rasterio.open(path, "w", **profile, crs="EPSG:4326", transform=transform, photometric="RGB") as made:
        made.write(pixels)
        made.build_overviews([2, 4], rasterio.enums.Resampling.nearest)

    tiles = RasterTiles(path)
    whole, north_east = tiles.tile(0, 0, 0), tiles.tile(3, 6, 2)

    assert whole.shape == (256, 256, 4)
    assert whole[64, 192].tolist() == [200, 100, 0, 255]
    assert whole[192, 64].tolist() == [0, 0, 0, 255]
    assert north_east[128, 128].tolist() == [200, 100, 0, 255]
    tiles.close()
