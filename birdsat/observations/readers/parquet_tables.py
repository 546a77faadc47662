"""Tables as Parquet and GeoParquet, read in a stream, with cells of any type as text or numbers."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from birdsat.earth.crs import CRS, declared_crs, in_degrees_of_arc, places_of
from birdsat.errors import BirdsatError, InputError
from birdsat.observations.readers.image_cells import image_keys, is_image_type
from birdsat.observations.readers.limits import MAX_COLUMNS
from birdsat.observations.readers.points import LAT_OF_GEOMETRY, LON_OF_GEOMETRY, points
from birdsat.observations.readers.reader import Cells
from birdsat.observations.readers.zipped import DAMAGED

_BATCH_ROWS = 1 << 17
_BUFFER_BYTES = 1 << 20
_BATCH_BYTES, _LEAST_ROWS = 64 << 20, 16  # of a batch of wide cells
_GEOMETRIES = ("geometry", "geom", "wkb_geometry")


class ParquetTable:
    """A Parquet file. A column of points, as GeoParquet has, is read as two of coordinates, in degrees of WGS84 where
    the file declares a CRS."""

    def __init__(self, path: Path) -> None:
        """Raises InputError where it is absent or damaged, or has its points in a CRS that is not known."""
        self._path = path
        if not path.is_file():
            raise InputError(f"table {path} is absent; give a file.")
        try:
            with pq.ParquetFile(path) as file:
                self._schema = file.schema_arrow
        except DAMAGED as error:
            raise InputError(f"table {path} is empty or damaged ({error}); export it again.") from error
        if len(self._schema) > MAX_COLUMNS:
            raise InputError(f"table {path} has {len(self._schema):,} columns; up to {MAX_COLUMNS:,} are read.")
        self._geometry, self._crs, self.declares_crs = _geometry(self._schema, path)
        self.columns = list(self._schema.names)
        if self._geometry is not None:
            self.columns += [LON_OF_GEOMETRY, LAT_OF_GEOMETRY]

    @property
    def schema(self) -> pa.Schema:
        """The columns as they are stored."""
        return self._schema

    def cells(self, names: Sequence[str]) -> Iterator[Cells]:
        """As `TableSource`."""
        start = 1
        for rows, columns in self.batches(names):
            number = np.arange(start, start + rows, dtype=np.int64)
            yield Cells(number=number, columns={name: _told(cells, start) for name, cells in columns.items()})
            start += rows

    def batches(
        self,
        names: Sequence[str],
        rows: int = _BATCH_ROWS,
        place: Callable[..., tuple[pa.Array, pa.Array]] = points,
    ) -> Iterator[tuple[int, dict[str, pa.Array]]]:
        """How many rows, `rows` at most, and the columns `names` of these as they are stored, but for coordinates of
        geometries, which are the numbers that `place` gives. Raises as `cells`."""
        of_points = {LON_OF_GEOMETRY, LAT_OF_GEOMETRY} & set(names) if self._geometry is not None else set()
        wanted = [name for name in dict.fromkeys(names) if name not in of_points]
        read = [*wanted, *([self._geometry] if of_points and self._geometry is not None else [])]
        done = 0
        try:
            # In a stream: the pages of a column are read one after the other, however large its row groups are.
            with pq.ParquetFile(self._path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
                rows = min(rows, _rows_of_a_batch(file.metadata))
                for batch in file.iter_batches(batch_size=rows, columns=read or self.columns[:1]):
                    columns = {name: _column(batch, name) for name in wanted}
                    if of_points and self._geometry is not None:
                        lon, lat = self._degrees(place, _column(batch, self._geometry))
                        columns |= {LON_OF_GEOMETRY: lon, LAT_OF_GEOMETRY: lat}
                    done += batch.num_rows
                    yield batch.num_rows, columns
        except BirdsatError:
            raise
        except DAMAGED as error:
            raise InputError(
                f"table {self._path} cannot be read past row {done:,} ({error}); export it again."
            ) from error
        if done == 0:
            raise InputError(f"table {self._path} has columns but no rows; export it again with its rows.")

    def _degrees(self, place: Callable[..., tuple[pa.Array, pa.Array]], cells: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Coordinates of geometries (n,), which `place` gives; NaN where they are not on Earth in the declared CRS."""
        if self._crs is None:
            return place(cells)
        x, y = place(cells, in_degrees=in_degrees_of_arc(self._crs))
        lon, lat = places_of(self._crs, *(axis.to_numpy(zero_copy_only=False).astype(np.float64) for axis in (x, y)))
        absent = x.is_null().to_numpy(zero_copy_only=False)
        nowhere = np.isnan(lon) & ~absent  # a number that is not on Earth, so that the row is counted as such
        return tuple(pa.array(np.where(nowhere, np.inf, axis), mask=absent) for axis in (lon, lat))


def _rows_of_a_batch(metadata: pq.FileMetaData) -> int:
    """So many that a batch stays small, though rows hold pictures.

    By all columns: where what a damaged file says of a single one is asked for, the process dies, without an error.
    """
    stored = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    return max(_LEAST_ROWS, int(_BATCH_BYTES * max(1, metadata.num_rows) / max(1, stored)))


def _told(cells: pa.Array, first_row: int) -> pa.Array:
    """Cells as `plain` gives them, with a key for each picture: `image_keys`."""
    if not is_image_type(cells.type):
        return plain(cells)
    keys = image_keys(cells, first_row)
    if pa.types.is_struct(cells.type):
        return keys
    return pc.coalesce(plain(cells), keys)  # bytes may be text


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """The first of that name."""
    return batch.column(batch.schema.names.index(name))


def plain(cells: pa.Array) -> pa.Array:
    """Cells of any type as text, numbers or booleans; days and times as ISO text, in the local time that they carry.

    Bytes are not text: null. What holds several values is text that nothing takes for a number or a name.
    """
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return plain(cells.dictionary_decode())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return cells.cast(pa.string()) if pa.types.is_uint64(kind) or pa.types.is_null(kind) else cells
    if pa.types.is_floating(kind):
        return cells.cast(pa.float64())
    if pa.types.is_timestamp(kind):
        return _days(_local(cells))
    if pa.types.is_date(kind):
        return cells.cast(pa.date32(), safe=False).cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _text_of_bytes(cells)
    if pa.types.is_struct(kind) and "path" in (field.name for field in kind):  # a photo, as Hugging Face stores it
        return plain(pc.struct_field(cells, "path"))
    try:
        return cells.cast(pa.string())
    except pa.ArrowException:
        return pa.array([None if value is None else _shown(value) for value in _values(cells)], pa.string())


def _local(times: pa.Array) -> pa.Array:
    if times.type.tz is None:
        return times
    try:
        return pc.local_timestamp(times)
    except pa.ArrowException:  # a zone that nobody knows
        return times.cast(pa.timestamp(times.type.unit))


def _days(times: pa.Array) -> pa.Array:
    """ISO text of the days of times without a zone. By division, since Arrow's cast refuses years it cannot print."""
    a_day = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[times.type.unit] * 86400
    whole = times.cast(pa.int64())
    days = np.floor_divide(whole.fill_null(0).to_numpy(zero_copy_only=False), a_day)
    inside = np.abs(days) < 2**31
    return (
        pa.array(days.astype(np.int32), pa.int32(), mask=~inside | whole.is_null().to_numpy(zero_copy_only=False))
        .cast(pa.date32())
        .cast(pa.string())
    )


def _text_of_bytes(cells: pa.Array) -> pa.Array:
    """Text that was written as bytes, as older writers do; null where it is none, such as a photo."""
    try:
        text = cells.cast(pa.binary()).cast(pa.string())
    except pa.ArrowException:
        return pa.nulls(len(cells), pa.string())
    has_zeros = pc.match_substring(text, "\0")
    return pc.if_else(has_zeros, pa.scalar(None, pa.string()), text)


def _values(cells: pa.Array) -> Iterator[Any]:
    """Python's values of an array, with None for what Python cannot hold."""
    for cell in cells:
        try:
            yield cell.as_py()
        except (ValueError, OverflowError, TypeError, pa.ArrowException):
            yield None


def _shown(value: Any) -> str:
    return repr(value)[:200]


def _geometry(schema: pa.Schema, path: Path) -> tuple[str | None, CRS | None, bool]:
    """The column of points, where there is one; their CRS, where it is not WGS84; and whether the file declares one.

    Raises InputError where it declares one that is not known.
    """
    described: dict[str, Any] = {}
    try:
        described = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
        name = described.get("primary_column")
        column = described.get("columns", {}).get(name, {"crs": None})
        crs = column.get("crs", "OGC:CRS84")
    except (ValueError, AttributeError, RecursionError, TypeError):
        name, crs = None, None
    candidates = [name] if isinstance(name, str) else list(_GEOMETRIES)
    found = next((one for one in candidates if one in schema.names and _may_be_points(schema.field(one).type)), None)
    if found is None or crs is None or _is_lon_lat(crs):
        return found, None, found is not None and crs is not None
    try:
        return found, declared_crs(crs), True
    except InputError as error:
        raise InputError(f"table {path}: {error}") from error


def _may_be_points(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or (pa.types.is_struct(kind) and {"x", "y"} <= {field.name for field in kind})
    )


def _is_lon_lat(crs: Any) -> bool:
    """Whether a PROJJSON or a text says WGS84 in degrees."""
    if isinstance(crs, dict):
        id = crs.get("id")
        if isinstance(id, dict) and id.get("code") is not None:
            return (str(id.get("authority")).upper(), str(id["code"]).upper()) in {("OGC", "CRS84"), ("EPSG", "4326")}
        return str(crs.get("type", "")).startswith("Geographic")
    return str(crs).upper().rsplit(":", 1)[-1] in ("CRS84", "4326")
