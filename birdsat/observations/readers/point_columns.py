"""Points that stand in a column of text, as spatial databases and R's sf export them: WKT, GeoJSON, hexadecimal WKB."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from birdsat.earth.crs import CRS
from birdsat.observations.readers.cell_values import as_text, is_blank
from birdsat.observations.readers.column_names import plain
from birdsat.observations.readers.columns import TableColumns, find_column
from birdsat.observations.readers.parquet_tables import ParquetTable
from birdsat.observations.readers.points import LAT_OF_GEOMETRY, LON_OF_GEOMETRY, points
from birdsat.observations.readers.reader import Cells, TableSource

_COLUMNS = (  # as `plain` has them
    *("geometry", "geom", "thegeom", "wkt", "wktgeom", "wkbgeometry", "footprintwkt", "geometrywkt", "locationwkt"),
    *("point", "location", "coordinates", "geo", "shape", "geog", "geography"),
)
_LOOKED_AT = 200  # rows at the head of a table
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_WKT = (
    r"(?i)^\s*(?:SRID\s*=\s*(?:4326|0)\s*;)?\s*POINT\s*(?:Z|M|ZM)?\s*\(\s*"
    rf"(?P<lon>{_NUMBER})\s+(?P<lat>{_NUMBER})(?:\s+{_NUMBER})*\s*\)\s*$"
)
_GEOJSON = (
    r'^\s*\{\s*"type"\s*:\s*"Point"\s*,\s*"coordinates"\s*:\s*\[\s*'
    rf"(?P<lon>{_NUMBER})\s*,\s*(?P<lat>{_NUMBER})(?:\s*,\s*{_NUMBER})?\s*\]\s*\}}\s*$"
)
# A point in WKB, with an SRID or without; with one, only of WGS84.
_HEX = re.compile(r"(?:0101000000|0101000020E6100000|0000000001|0020000001000010E6)[0-9A-Fa-f]{32}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PointTable:
    """A table with a column of points as text, which is read as two of coordinates."""

    source: TableSource
    geometry: str

    @property
    def columns(self) -> list[str]:
        """Those of the table, and the coordinates."""
        return [*self.source.columns, LON_OF_GEOMETRY, LAT_OF_GEOMETRY]

    def cells(self, names: Sequence[str]) -> Iterator[Cells]:
        """As `TableSource`. What is not a point is not a number either, so that its row is dropped and counted."""
        own = [name for name in names if name not in (LON_OF_GEOMETRY, LAT_OF_GEOMETRY)]
        for cells in self.source.cells(sorted({*own, self.geometry})):
            lon, lat = _coordinates(as_text(cells.columns[self.geometry]))
            told = {**cells.columns, LON_OF_GEOMETRY: lon, LAT_OF_GEOMETRY: lat}
            yield Cells(number=cells.number, columns={name: told[name] for name in names}, remarks=cells.remarks)


def with_points(source: TableSource, asked: TableColumns, path: Path) -> TableSource:
    """The table as it is where columns of it are called by longitude or latitude, or asked for; else with those of its
    points."""
    if asked.lon is not None or asked.lat is not None:
        return source
    if any(find_column(source.columns, what, None, path) for what in ("lon", "lat")):
        return source
    for name in (name for name in source.columns if plain(name) in _COLUMNS):
        first = next(iter(source.cells([name])), None)
        text = pa.array([], pa.string()) if first is None else as_text(first.columns[name].slice(0, _LOOKED_AT))
        known = ~is_blank(text)
        lon, _ = _coordinates(text)
        read = pc.not_equal(lon, text).filter(pa.array(known)).to_pylist().count(True)
        if 2 * read > np.count_nonzero(known):
            return PointTable(source, name)
    return source


def crs_of_places(source: TableSource, lon: str, crs: CRS | None) -> CRS | None:
    """The CRS of places by the column of longitude, or x, of a table, where one is named for it: a geometry that
    declares its own comes in degrees."""
    return None if lon == LON_OF_GEOMETRY and isinstance(source, ParquetTable) and source.declares_crs else crs


def _coordinates(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Longitude and latitude (n,) of points as text; the text itself where it is not one."""
    lon, lat = text, text
    for form in (_WKT, _GEOJSON):
        found = pc.extract_regex(text, form)
        lon, lat = (pc.coalesce(pc.struct_field(found, name), cells) for name, cells in (("lon", lon), ("lat", lat)))
    at = np.flatnonzero(pc.match_substring_regex(text, rf"^(?i:{_HEX.pattern})$").to_numpy(zero_copy_only=False))
    if len(at):
        wkb = pa.array([bytes.fromhex(cell) for cell in text.take(pa.array(at)).to_pylist()], pa.binary())
        which = np.zeros(len(text), np.bool_)
        which[at] = True
        east, north = (axis.cast(pa.string()) for axis in points(wkb))
        lon, lat = (pc.replace_with_mask(cells, pa.array(which), axis) for cells, axis in ((lon, east), (lat, north)))
    return lon, lat
