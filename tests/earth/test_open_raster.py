"""Rasters are opened alone, by two drivers, and only where they say where they lie."""

import http.server
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from birdsat.earth.cog import Cog
from birdsat.earth.open_raster import open_raster
from birdsat.earth.place import Place
from birdsat.earth.raster import Raster
from birdsat.earth.raster_values import raster_values
from birdsat.errors import BirdsatError, BirdsatWarning, InputError
from birdsat.imagery.open_imagery import open_imagery

WORLD = Affine(1, 0, -180, 0, -1, 90)
# Whatever reads a raster.
READERS: list[Callable[[Path], Any]] = [
    Raster,
    lambda path: raster_values(path, np.array([[5.05, 5.05]])),
    Cog,
    lambda path: open_imagery(str(path)).chips(ground_km=[100], px=8),
]


def write(path: Path, crs: str | None = "EPSG:4326", transform: Affine | None = WORLD, **options: Any) -> Path:
    options = {"dtype": "uint8", "count": 3, "height": 180, "width": 360} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **options) as raster:
            raster.write(np.full((options["count"], options["height"], options["width"]), 77, options["dtype"]))
    return path


def refused_by_all(path: Path, words: str) -> None:
    for read in READERS:
        with pytest.raises(InputError, match=words):
            read(path)


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine: its port, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address[1], asked
        running.shutdown()


def vrt(source: str) -> str:
    band = f"<SimpleSource><SourceFilename>{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
    bands = "".join(f'<VRTRasterBand dataType="Byte" band="{i}">{band}</VRTRasterBand>' for i in (1, 2, 3))
    return (
        '<VRTDataset rasterXSize="360" rasterYSize="180"><SRS>EPSG:4326</SRS><GeoTransform>-180,1,0,90,0,-1'
        f"</GeoTransform>{bands}</VRTDataset>"
    )


@pytest.mark.parametrize("name", ["north_up", "south_up", "rotated30", "is_point", "mercator", "axis_lat_lon_7"])
def test_every_file_that_can_say_where_it_lies_is_read_there(shared_cases: Path, name: str) -> None:
    path = shared_cases / "22-georeference" / f"{name}.tif"
    red, green, _ = raster_values(path, np.array([[5.05, 5.05]]))[0]
    assert abs(red - 100) <= 3 and abs(green - 98) <= 3
    with Raster(path) as raster:
        red, green, _ = raster.cut(Place(5.05, 5.05), 20, 4).mean(axis=(0, 1))
    assert abs(red - 100) <= 3 and abs(green - 98) <= 3


@pytest.mark.parametrize(
    "name, words",
    [
        ("crs_without_transform", "the CRS EPSG:4326 but no geotransform"),
        ("transform_without_crs", "has no CRS"),
        ("gcps_only", "by 4 control points alone.*gdalwarp"),
    ],
)
def test_files_that_cannot_are_refused_everywhere(shared_cases: Path, name: str, words: str) -> None:
    refused_by_all(shared_cases / "22-georeference" / f"{name}.tif", words)


def test_control_points_and_rational_polynomials_are_refused_in_their_words(tmp_path: Path) -> None:
    points = [GroundControlPoint(row, column, column, 10 - row) for row in (0, 180) for column in (0, 360)]
    with rasterio.open(
        tmp_path / "gcps.tif", "w", driver="GTiff", dtype="uint8", count=1, height=180, width=360,
        gcps=points, crs="EPSG:4326",
    ) as raster:  # fmt: skip
        raster.write(np.zeros((1, 180, 360), np.uint8))
    refused_by_all(tmp_path / "gcps.tif", "4 control points alone")
    rpc = RPC(0, 1, 10, 1, [1.0] * 20, [1.0] * 20, 0, 1, 10, 1, [1.0] * 20, [1.0] * 20, 0, 1)
    write(tmp_path / "rpc.tif", None, None, rpcs=rpc)
    refused_by_all(tmp_path / "rpc.tif", "RPC")


@pytest.mark.parametrize(
    "crs, transform, words",
    [
        (None, None, "no CRS and no geotransform"),
        ("EPSG:4326", None, "no geotransform"),
        ("EPSG:3857", None, "no geotransform"),
        (None, WORLD, "no CRS"),
        ("EPSG:4326", Affine(10, 0, 500_000, 0, -10, 5_000_000), "not places on Earth in its CRS, EPSG:4326"),
        ("EPSG:4326", Affine(0.25, 0, 0, 0, 0.25, 100), "not places on Earth"),
        ("EPSG:4326", Affine(0, 0, 10, 0, -1, 20), "not one of a plane|control points alone"),
        ("EPSG:4326", Affine(1, 1, 10, 1, 1, 20), "not one of a plane"),
        ("EPSG:4326", Affine(float("nan"), 0, 10, 0, -1, 20), "not one of a plane"),
        ("EPSG:4326", Affine(1, 0, float("inf"), 0, -1, 20), "not one of a plane"),
        ("EPSG:32632", Affine(1e6, 0, 1e12, 0, -1e6, 1e12), "not places on Earth in its CRS, EPSG:32632"),
        ('LOCAL_CS["plan",UNIT["metre",1]]', Affine(1, 0, 5, 0, -1, 9), "not places on Earth|no CRS"),
        ('GEOGCS["Moon",DATUM["Moon",SPHEROID["Moon",1737400,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925]]',
         Affine(1, 0, 500, 0, -1, 900), "not places on Earth"),
    ],
)  # fmt: skip
def test_a_georeference_that_cannot_be_is_refused_everywhere(
    tmp_path: Path, crs: str | None, transform: Affine | None, words: str
) -> None:
    refused_by_all(write(tmp_path / "odd.tif", crs, transform), words)


@pytest.mark.parametrize("west", [-180.0, 0.0, -180.5, 20.0])
def test_rasters_that_begin_at_any_meridian_or_reach_over_the_poles_by_half_a_pixel_are_read(
    tmp_path: Path, west: float
) -> None:
    path = write(tmp_path / "world.tif", transform=Affine(1, 0, west, 0, -1, 90.5), height=181)
    assert raster_values(path, np.array([[5.0, 5.0], [-170.0, -89.0]])).tolist() == [[77] * 3] * 2


@pytest.mark.parametrize(
    "name", ["raw-passwd.tif", "vrt-http.tif", "vrt-http.vrt", "wms.tif", "plain-http.tif", "python.vrt"]
)
def test_rasters_that_were_made_to_harm_are_refused(shared_break: Path, name: str) -> None:
    refused_by_all(shared_break / "probes" / name, "cannot be opened as a raster: this is")


def test_nothing_in_or_beside_a_raster_reaches_another_file_or_the_network(
    tmp_path: Path, server: tuple[int, list[str]]
) -> None:
    port, asked = server
    address = f"/vsicurl/http://127.0.0.1:{port}/x.tif"
    link = f'"links": [{{"href": "http://127.0.0.1:{port}/s"}}]'
    tiles = f'<Service name="TMS"><ServerUrl>http://127.0.0.1:{port}/${{z}}</ServerUrl></Service>'
    attacks = {
        "named.tif": vrt(address),
        "spaces.tif": "\n\t  " + vrt(address),
        "bom.tif": "\ufeff" + vrt(address),
        "xml.tif": '<?xml version="1.0"?>' + vrt(address),
        "plain.vrt": vrt(f"http://127.0.0.1:{port}/x.tif"),
        "wms.tif": f"<GDAL_WMS>{tiles}</GDAL_WMS>",
        "stac.json": f'{{"type": "FeatureCollection", "stac_version": "1.0.0", "features": [], {link}}}',
        "index.gti": f"<GDALTileIndexDataset><IndexDataset>{address}</IndexDataset></GDALTileIndexDataset>",
        "mrf.mrf": f"<MRF_META><CachedSource><Source>{address}</Source></CachedSource></MRF_META>",
        "dem.tif": f"http://127.0.0.1:{port}/dem.tif",
        "ers.ers": f'DatasetHeader Begin\n\tName = "{address}"\nDatasetHeader End\n',
    }
    for name, content in attacks.items():
        (tmp_path / name).write_text(content)
        refused_by_all(tmp_path / name, "cannot be opened as a raster")
    for scheme in (
        address,
        f"http://127.0.0.1:{port}/y.tif",
        f"WMS:http://127.0.0.1:{port}",
        f"/vsizip/{tmp_path}/z.zip/a.tif",
    ):
        refused_by_all(Path(scheme), "does not exist")
        with pytest.raises(InputError, match="does not exist"):
            open_imagery(scheme).chips(ground_km=[1], px=4)

    beside = write(tmp_path / "beside.tif")
    (tmp_path / "beside.tif.ovr").write_text(vrt(address))
    (tmp_path / "beside.tif.aux.xml").write_text(
        f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{address}</MDI></Metadata></PAMDataset>'
    )
    with pytest.warns(BirdsatWarning, match="beside.tif.ovr"), Raster(beside) as raster:
        assert raster.cut(Place(0, 0), 8000, 16).max() == 77
    (tmp_path / "beside.tif.msk").write_text(vrt(address))
    refused_by_all(beside, "its mask, beside.tif.msk")

    inside = write(tmp_path / "inside.tif")
    with rasterio.open(inside, "r+") as raster:
        raster.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=address)
    refused_by_all(inside, "overviews lie in another file")
    assert asked == []


def test_what_a_side_file_says_is_not_lost_in_silence(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif")
    notes = tmp_path / "a.tif.aux.xml"
    band = '<PAMDataset><PAMRasterBand band="1">{}</PAMRasterBand></PAMDataset>'
    notes.write_text(band.format('<Metadata><MDI key="STATISTICS_MEAN">3</MDI></Metadata>'))
    with open_raster(path) as raster:
        assert raster.count == 3
    notes.write_text('<PAMDataset><PAMRasterBand band="1"><NoDataValue>77</NoDataValue></PAMRasterBand></PAMDataset>')
    refused_by_all(path, "a.tif.aux.xml, which says nodatavalue")
    bare = write(tmp_path / "bare.tif", None, None)
    (tmp_path / "bare.tfw").write_text("1\n0\n0\n-1\n-179.5\n89.5\n")
    refused_by_all(bare, "bare.tfw beside it is not read")


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>quota</html>", "this is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\n", "this is a Git LFS pointer"),
        (b"\xff\xd8\xff\xe0" + b"0" * 200, "this is a JPEG picture; it does not say where"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 200, "this is a PNG picture"),
        (b"CDF\x01" + b"0" * 200, "netCDF file; make a GeoTIFF of the variable"),
        (b"\0" * 500, "nothing but zeros"),
        (b"GRIB" + b"0" * 200, "this is a GRIB file"),
        (b"PK\x03\x04" + b"0" * 200, "this is a zip file"),
        (b"no raster", "neither a GeoTIFF"),
        (b"II*\0" + b"\xff" * 60, "cannot be opened as a raster"),
    ],
)
def test_what_is_not_a_raster_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "given.tif").write_bytes(content)
    refused_by_all(tmp_path / "given.tif", words)


def test_folders_and_pipes_are_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "folder.tif").mkdir()
    os.mkfifo(tmp_path / "pipe.tif")
    for name in ("folder.tif", "pipe.tif"):
        for read in READERS:
            with pytest.raises(InputError, match=r"it is not a file|does not exist"):
                read(tmp_path / name)


def test_a_block_too_large_to_unpack_and_too_many_bands_are_refused(tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "block.tif", "w", driver="GTiff", dtype="uint8", count=1, height=40_000, width=40_000,
        crs="EPSG:4326", transform=Affine(0.001, 0, 0, 0, -0.001, 40), compress="deflate", tiled=True,
        blockxsize=32_768, blockysize=32_768, sparse_ok=True,
    ):  # fmt: skip
        pass
    assert (tmp_path / "block.tif").stat().st_size < 10_000
    refused_by_all(tmp_path / "block.tif", "packed in blocks of 32,768 x 32,768")
    write(tmp_path / "bands.tif", count=1001, height=2, width=2)
    refused_by_all(tmp_path / "bands.tif", "1,001 bands")
    write(tmp_path / "complex.tif", dtype="complex64", count=1)
    refused_by_all(tmp_path / "complex.tif", "complex64 values")


def test_a_chip_of_too_many_pixels_is_refused_and_values_of_a_large_cell_are_not_held(tmp_path: Path) -> None:
    path = tmp_path / "fine.tif"
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=1, height=200_000, width=200_000, crs="EPSG:4326",
        transform=Affine(0.0005, 0, -50, 0, -0.0005, 50), compress="deflate", tiled=True, sparse_ok=True,
    ):  # fmt: skip
        pass
    with Raster(path) as raster, pytest.raises(InputError, match="pixels under one chip"):
        raster.cut(Place(0, 0), 9_000, 8)
    assert raster_values(path, np.array([[0.0, 0.0]]), cell_degrees=60).tolist() == [[0]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_rasters_give_pixels_or_an_error_of_ours(tmp_path: Path, data: st.DataObject) -> None:
    whole = (write(tmp_path / "whole.tif", height=30, width=60, transform=Affine(6, 0, -180, 0, -6, 90))).read_bytes()
    changed = bytearray(whole)
    head = len(whole) - 700 if data.draw(st.booleans()) else 0  # GDAL writes the directory at the end of some
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(max(head, 0), len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.tif"
    path.write_bytes(bytes(changed[: data.draw(st.sampled_from([len(changed), len(changed) // 2, 9]))]))
    for read in READERS[:3]:
        with suppress(BirdsatError):
            read(path)
