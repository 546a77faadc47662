"""Satellite chips: cut from a local raster, or ready-made in a table."""

import datetime
import os
import threading
import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from birdsat.earth.bands import RGBBands, Stretch
from birdsat.earth.place import Place
from birdsat.earth.raster import Raster
from birdsat.errors import BirdsatWarning, ConfigError, ImageError, InputError, PlaceError
from birdsat.imagery.parquet_images import ParquetImages, read_image
from birdsat.imagery.photos import decode_rgb, encode_jpeg
from birdsat.imagery.sources import source_identity
from birdsat.observations.readers.image_cells import is_image_type
from birdsat.reading import read_within

_PER_DEGREE = 10**6  # places are the same when they agree to 1e-6 degrees, about 0.1 m
_PATH_COLUMNS = ("path", "chip", "image", "file")


class RasterChips:
    """Chips cut from a local raster of any CRS; see `birdsat.earth.raster.Raster` for `bands` and `stretch`.

    May be pickled, forked and shared by threads: each opens the raster for itself.
    Raises InputError when the raster cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        ground_km: float,
        px: int,
        bands: RGBBands | None = None,
        stretch: Stretch | None = None,
    ) -> None:
        if not ground_km > 0 or px < 2:
            raise ConfigError(f"chips of {ground_km} km and {px} px cannot be cut; allowed: above 0 km, 2 px or more.")
        self.path = path
        self.ground_km = (ground_km,)
        self.px = px
        self._bands = bands
        self._stretch = stretch
        self._opened = threading.local()
        if not self._raster().says_bands:  # opened to fail here rather than in a worker
            warnings.warn(
                f"{path} does not say which of its bands are red, green and blue: 1, 2 and 3 are taken, but for "
                "transparency. If it is others, name them as bands.",
                BirdsatWarning,
                stacklevel=2,
            )

    @property
    def identity(self) -> dict[str, Any]:
        """The raster, and how it is cut."""
        return source_identity(
            "RasterChips",
            path=self.path,
            ground_km=self.ground_km[0],
            px=self.px,
            _bands=self._bands,
            _stretch=self._stretch,
        )

    def chip(self, place: Place) -> NDArray[np.uint8]:
        """(px, px, 3) uint8 RGB, north up. Raises PlaceError where the raster has too little data."""
        return self._raster().cut(place, self.ground_km[0], self.px)

    def chips(self, place: Place, *, date: datetime.date | None = None) -> tuple[NDArray[np.uint8], ...]:
        """The chip alone, whatever the date."""
        return (self.chip(place),)

    def encoded_chip(self, place: Place) -> bytes:
        """The chip as JPEG. Raises PlaceError where the raster has too little data."""
        return encode_jpeg(self.chip(place))

    def _raster(self) -> Raster:
        process, raster = getattr(self._opened, "raster", (None, None))
        if raster is None or process != os.getpid():
            raster = Raster(self.path, bands=self._bands, stretch=self._stretch)
            self._opened.raster = os.getpid(), raster
        return raster

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_opened"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._opened = threading.local()


class ReadyChips:
    """Ready-made chips from a Parquet or CSV table with columns `lon` and `lat`.

    The images are in one column: their bytes (Parquet; plain or as a Hugging Face image), or paths relative to
    the table. It is found by its type. A chip belongs to a place when longitude and
    latitude agree to 1e-6 degrees; of several the first is taken, and rows without a place are passed over.
    Only the index is held in memory. May be pickled, forked and shared by threads.

    Raises InputError for a table that cannot be used, naming the columns it has.
    """

    def __init__(self, table_path: Path, *, ground_km: float) -> None:
        if not ground_km > 0:
            raise ConfigError(f"chips of {ground_km} km are not possible; give the length of a side in kilometres.")
        self.path = table_path
        self.ground_km = (ground_km,)
        self._open()

    def _open(self) -> None:
        lon, lat, self._images = _read_index(self.path)
        keys = _keys(lon, lat)
        order = np.argsort(keys, kind="stable")
        self._rows = order[np.isfinite(lon[order]) & np.isfinite(lat[order])]
        self._keys = keys[self._rows]
        if not len(self._rows):
            raise InputError(f"{self.path} has no row with lon and lat; fill in the places of the chips.")
        first = decode_rgb(self._images.read(int(self._rows.min())))
        self.px = first.shape[0]
        self._check(first)

    @property
    def identity(self) -> dict[str, Any]:
        """The table, and what its chips are."""
        return source_identity("ReadyChips", path=self.path, ground_km=self.ground_km[0], px=self.px)

    def chip(self, place: Place) -> NDArray[np.uint8]:
        """(px, px, 3) uint8 RGB. Raises PlaceError without a chip for the place, ImageError for a bad one."""
        chip = decode_rgb(self.encoded_chip(place))
        self._check(chip)
        return chip

    def chips(self, place: Place, *, date: datetime.date | None = None) -> tuple[NDArray[np.uint8], ...]:
        """The chip alone, whatever the date."""
        return (self.chip(place),)

    def encoded_chip(self, place: Place) -> bytes:
        """The chip as it is stored. Raises PlaceError when the table has none for the place."""
        key = _keys(np.array([place.lon]), np.array([place.lat]))[0]
        at = int(np.searchsorted(self._keys, key))
        if at == len(self._keys) or self._keys[at] != key:
            raise PlaceError(
                f"{self.path} has no chip at ({place.lon}, {place.lat}); "
                "coordinates must agree to 1e-6 degrees. Add a row for it, or leave the place out."
            )
        return self._images.read(int(self._rows[at]))

    def _check(self, chip: NDArray[np.uint8]) -> None:
        if chip.shape != (self.px, self.px, 3):
            height, width, _ = chip.shape
            raise ImageError(
                f"{self.path} has a chip of {width} x {height} pixels; chips must be square and all of one size, "
                f"here {self.px} x {self.px} after the first."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "ground_km": self.ground_km}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()


class _Images(Protocol):
    def read(self, row: int) -> bytes:
        """The image bytes of a row of the table."""


class _Files:
    def __init__(self, table: Path, paths: pa.ChunkedArray) -> None:
        self._table = table
        self._paths = paths.combine_chunks()

    def read(self, row: int) -> bytes:
        name = self._paths[row].as_py()
        if name is None:
            raise PlaceError(f"{self._table} names no image in row {row + 1}; fill in its path.")
        try:
            return read_within(self._table.parent, name)
        except FileNotFoundError as error:
            raise PlaceError(
                f"chip {self._table.parent / name} cannot be read (it is not there); paths are relative to "
                f"{self._table.parent}."
            ) from error
        except InputError as error:
            raise ImageError(f"chip {error}") from error


class _Bytes:
    def __init__(self, table: Path, column: str) -> None:
        self._table, self._column = table, column
        self._images = ParquetImages(table, column)

    def read(self, row: int) -> bytes:
        try:
            found = read_image(self._images, row, self._table.parent)
        except FileNotFoundError as error:
            raise PlaceError(f"chip: {error}; paths are relative to the folder of the table.") from error
        if found is None:
            raise PlaceError(f"{self._table} has no image in row {row + 1}; fill in column {self._column!r}.")
        return found


def _read_index(table: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], _Images]:
    """Longitudes and latitudes of all rows, and their images."""
    is_csv = table.suffix.lower() == ".csv"
    try:
        if is_csv:
            with pyarrow.csv.open_csv(table) as reader:
                schema = reader.schema
        else:
            schema = pq.read_schema(table)
        column = _image_column(table, schema)
        has_paths = _is_text(schema.field(column).type)
        wanted = ["lon", "lat", column] if has_paths else ["lon", "lat"]
        if is_csv:
            types = {"lon": pa.float64(), "lat": pa.float64(), column: pa.string()}
            options = pyarrow.csv.ConvertOptions(include_columns=wanted, column_types=types)
            rows = pyarrow.csv.read_csv(table, convert_options=options)
        else:
            rows = pq.read_table(table, columns=wanted)
        lon, lat = (rows.column(name).cast(pa.float64()).to_numpy() for name in ("lon", "lat"))
    except (pa.ArrowException, OSError, EOFError, MemoryError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{table} cannot be read as a table of chips ({error}); give Parquet or CSV with lon and lat in degrees."
        ) from error
    outside = (np.abs(lon) > 180) | (np.abs(lat) > 90)
    if outside.any():
        row = int(outside.argmax())
        raise InputError(
            f"{table} has a chip at lon {lon[row]}, lat {lat[row]} (row {row + 1}); allowed: -180..180 and -90..90. "
            "Were the columns swapped?"
        )
    return lon, lat, _Files(table, rows.column(column)) if has_paths else _Bytes(table, column)


def _image_column(table: Path, schema: pa.Schema) -> str:
    has = f"{table} has columns {', '.join(schema.names)}"
    absent = [name for name in ("lon", "lat") if name not in schema.names]
    if absent:
        raise InputError(f"{has}; {' and '.join(absent)} (degrees, WGS84) needed. Rename or add.")
    usable = [f.name for f in schema if f.name not in ("lon", "lat") and (is_image_type(f.type) or _is_text(f.type))]
    images = [name for name in usable if is_image_type(schema.field(name).type)]
    images = images or [name for name in usable if name in _PATH_COLUMNS] or usable
    if len(images) != 1:
        found = f"{', '.join(images)} could all be" if images else "none is"
        raise InputError(f"{has}; {found} the image column. Keep one that holds image bytes (binary) or paths (text).")
    return str(images[0])


def _is_text(kind: pa.DataType) -> bool:
    # A CSV column without any value has the type null.
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))


def _keys(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """A whole number per place; places without coordinates share some number."""
    lon, lat = np.nan_to_num(lon), np.nan_to_num(lat)
    east = np.rint((lon + 180) * _PER_DEGREE).astype(np.int64) % (360 * _PER_DEGREE)  # 180 is -180
    north = np.rint((lat + 90) * _PER_DEGREE).astype(np.int64)
    return east * (180 * _PER_DEGREE + 1) + north
