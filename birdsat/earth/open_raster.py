"""The one place where rasters are opened to be read: alone, by two drivers, and only where they say where they lie.

Among GDAL's 150 drivers are some that follow what a file says to other files, to the network, or to a Python of their
own (VRT, WMS, STACIT, Zarr), and it looks for files beside a raster (.ovr, .msk, .aux.xml), which may be any of these.
A raster from elsewhere is therefore opened as a GeoTIFF (COG) or JPEG 2000, whatever its name, and nothing beside it is
read.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from birdsat.earth.crs import WGS84, transformed
from birdsat.errors import BirdsatWarning, InputError
from birdsat.reading import first_bytes, kind_of, read_bytes

DRIVERS = {"a GeoTIFF or TIFF": "GTiff", "a JPEG 2000 picture": "JP2OpenJPEG"}  # by `kind_of`
# What GDAL raises; SystemError: it gave no reason; UnicodeDecodeError: of names and messages that are not text.
REFUSED = (RasterioError, CPLE_BaseError, SystemError, OSError, UnicodeDecodeError)
_ALONE = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}  # no files beside the raster
_MOST_BYTES_A_BLOCK = 1 << 29  # that GDAL unpacks at once: a file of kilobytes can promise a block of many GB
_MOST_BANDS = 1000
_MOST_SIDE_FILE = 1 << 22  # bytes of an .aux.xml that are looked through
# What an .aux.xml may say that changes what the raster means; statistics, which are most of what is in them, do not.
_MEANING = (b"<srs", b"<geotransform", b"<gcplist", b"<nodatavalue", b"<colorinterp", b"<scale>", b"<offset>")
_WORLD_FILES = (".tfw", ".tifw", ".tiffw", ".wld", ".j2w", ".jgw", ".pgw")


def open_raster(path: Path, *, overview: int | None = None) -> rasterio.DatasetReader:
    """A raster, or one of its overviews (0 is the largest), open for reading. Used by one thread.

    Raises InputError for what is not a GeoTIFF or JPEG 2000 file, for one that names other files or keeps a part of
    what it means in a file beside it, for one that does not say where on Earth it lies, and for one whose blocks are
    too large to unpack.
    """
    start = first_bytes(path)
    if not start:
        raise InputError(f"{path} cannot be opened as a raster: {_no_file(path)}; give a GeoTIFF or COG.")
    kind = kind_of(start)
    if kind not in DRIVERS:
        raise InputError(_other_kind(path, kind))
    try:
        with rasterio.Env(**_ALONE), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # an error below
            level = {} if overview is None else {"OVERVIEW_LEVEL": overview}
            dataset = rasterio.open(path, driver=DRIVERS[kind], **level)  # noqa: TID251
    except (*REFUSED, ValueError, KeyError) as error:  # the last two: types of pixels that rasterio does not know
        raise InputError(
            f"{path} cannot be opened as a raster ({_short(error)}); fetch or export the file again."
        ) from error
    try:
        with damaged(path):
            _refuse_references(path, dataset)
            _refuse_side_files(path)
            _refuse_sizes(path, dataset)
            _refuse_without_georeference(path, dataset)
    except BaseException:
        dataset.close()
        raise
    return dataset


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """What GDAL raises while it reads, as an InputError."""
    try:
        yield
    except (*REFUSED, MemoryError, UnicodeDecodeError, OverflowError) as error:
        raise InputError(f"{path} is damaged ({_short(error)}); fetch or export the file again.") from error


def _no_file(path: Path) -> str:
    if not path.exists():
        return "it does not exist"
    return "it is empty" if path.is_file() else "it is not a file"


def _other_kind(path: Path, kind: str | None) -> str:
    if kind is None:
        return f"{path} cannot be opened as a raster: it is neither a GeoTIFF (COG) nor JPEG 2000; give one of these."
    remedy = {
        "a web page": "download the file itself",
        "a Git LFS pointer": "run `git lfs pull` where it was cloned, or download the file itself",
        "a VRT, a list of other rasters": "it could name any file or address, so it is not followed; make one raster "
        "of it, `gdal_translate -of COG IN.vrt OUT.tif`",
        "a JPEG picture": "it does not say where on Earth it lies; `gdal_translate -a_srs EPSG:4326 -a_ullr WEST NORTH "
        "EAST SOUTH IN OUT.tif` makes a GeoTIFF of it",
        "an HDF5 or netCDF file": "make a GeoTIFF of the variable, `gdal_translate NETCDF:IN.nc:VARIABLE OUT.tif`",
    }
    remedy["a PNG picture"] = remedy["a GIF picture"] = remedy["a JPEG picture"]
    return f"{path} cannot be opened as a raster: this is {kind}; {remedy.get(kind, 'give a GeoTIFF or COG')}."


def _refuse_references(path: Path, dataset: rasterio.DatasetReader) -> None:
    """Overviews may be said to lie in another file, which GDAL would open by any driver, over the network too."""
    named = [key for key in dataset.tags(ns="OVERVIEWS") if "FILE" in key.upper()]
    if named:
        raise InputError(
            f"{path} says that its overviews lie in another file ({named[0]}), which is not followed; make a raster "
            "without it, `gdal_translate -of COG IN OUT.tif`."
        )


def _refuse_side_files(path: Path) -> None:
    """Files beside a raster are not read. Refuse where that would change what is read, and say so where it is slow."""
    beside = {name: path.with_name(path.name + name) for name in (".msk", ".aux.xml", ".ovr")}
    remedy = "put what it says into the raster, `gdal_translate -of COG IN OUT.tif`, or remove it"
    if beside[".msk"].exists():
        raise InputError(f"beside {path} lies its mask, {beside['.msk'].name}, which is not read; {remedy}.")
    try:
        notes = read_bytes(beside[".aux.xml"], most_bytes=_MOST_SIDE_FILE).lower()
    except FileNotFoundError:
        notes = b""
    said = [word.decode().strip("<>") for word in _MEANING if word in notes]
    if said:
        raise InputError(
            f"beside {path} lies {beside['.aux.xml'].name}, which says {', '.join(said)} of it and is not read; "
            f"{remedy}."
        )
    if beside[".ovr"].exists():
        warnings.warn(
            f"{beside['.ovr'].name} beside {path} is not read, so large chips of it take longer; put the overviews "
            "into the raster, `gdal_translate -of COG IN OUT.tif`.",
            BirdsatWarning,
            stacklevel=4,
        )


def _refuse_sizes(path: Path, dataset: rasterio.DatasetReader) -> None:
    if dataset.count > _MOST_BANDS:
        raise InputError(f"{path} has {dataset.count:,} bands; allowed: {_MOST_BANDS:,}. Keep those that matter.")
    complex_bands = [kind for kind in dataset.dtypes if "complex" in kind]
    if complex_bands:
        raise InputError(f"{path} holds {complex_bands[0]} values; real numbers are needed. Convert it.")
    together = dataset.count if dataset.interleaving is not None and "PIXEL" in dataset.interleaving.name.upper() else 1
    for (rows, columns), kind in zip(dataset.block_shapes[:1], dataset.dtypes[:1], strict=True):
        size = rows * columns * together * np.dtype(kind).itemsize
        if size > _MOST_BYTES_A_BLOCK:
            raise InputError(
                f"{path} is packed in blocks of {columns:,} x {rows:,} pixels ({size / 2**30:,.1f} GiB to unpack at "
                "once); make one of tiles of it, `gdal_translate -of COG IN OUT.tif`."
            )


def _refuse_without_georeference(path: Path, dataset: rasterio.DatasetReader) -> None:
    """Refuse a raster that does not say where it lies, or says what cannot be."""
    transform, crs = dataset.transform, dataset.crs
    if transform.is_identity:  # as GDAL gives it where there is none
        if dataset.gcps[0]:
            raise InputError(
                f"{path} says where it lies by {len(dataset.gcps[0])} control points alone, which are not read; warp "
                "it by them, `gdalwarp -t_srs EPSG:4326 IN OUT.tif`."
            )
        if dataset.rpcs is not None:
            raise InputError(
                f"{path} says where it lies by rational polynomials (RPC) alone, which are not read; orthorectify it, "
                "`gdalwarp -rpc -t_srs EPSG:4326 IN OUT.tif`."
            )
        beside = [name for suffix in _WORLD_FILES if (name := path.with_suffix(suffix)).exists()]
        worlds = f" ({beside[0].name} beside it is not read)" if beside else ""
        system = "no CRS and no geotransform" if crs is None else f"the CRS {_name(crs)} but no geotransform"
        raise InputError(
            f"{path} has {system}{worlds}, so it does not say where on Earth it lies; `gdal_translate -a_srs "
            "EPSG:4326 -a_ullr WEST NORTH EAST SOUTH IN OUT.tif` writes it in."
        )
    if crs is None:
        raise InputError(f"{path} has no CRS; assign one, for example with `rio edit-info --crs EPSG:4326`.")
    numbers = tuple(transform)[:6]
    if not all(map(math.isfinite, numbers)) or transform.is_degenerate:
        raise InputError(f"{path} has the geotransform {numbers}, which is not one of a plane; export it again.")
    across, down = np.meshgrid(np.linspace(0, dataset.width, 5), np.linspace(0, dataset.height, 5))
    a, b, c, d, e, f = numbers
    x, y = (a * across + b * down + c).ravel(), (d * across + e * down + f).ravel()
    if crs.is_geographic:
        # A grid may lie half a pixel over the poles, begin at any meridian, and repeat a part of itself.
        on_earth = abs(y[12]) <= 90 and abs(x[12]) <= 540 and np.ptp(y) <= 270 and np.ptp(x) <= 1080
    else:
        on_earth = bool(np.isfinite(transformed(crs, WGS84, x, y)).any())
    if not on_earth:
        raise InputError(
            f"{path} lies at x {x.min():g} to {x.max():g}, y {y.min():g} to {y.max():g}, which are not places on Earth "
            f"in its CRS, {_name(crs)}; assign the CRS that these are of, `gdal_translate -a_srs EPSG:CODE IN OUT.tif`."
        )


def _name(crs: rasterio.crs.CRS) -> str:
    return str(crs) if len(str(crs)) <= 60 else f"{str(crs)[:60]}..."


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}..."
