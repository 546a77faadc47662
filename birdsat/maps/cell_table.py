"""Maps as tables of cells: GeoParquet for a GIS and for R or Python, CSV for everything else.

One row a cell and one column a month: the row reads as the cell's calendar, its shape is stored once, a GIS colours a
month by choosing a column, and the columns of months fold into rows in one line (R: `pivot_longer`, pandas: `melt`).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.write import GEO
from birdsat.errors import ConfigError
from birdsat.files import output_file
from birdsat.maps.description import MapDescription
from birdsat.maps.map_file import MapFile, MapLayers
from birdsat.maps.netcdf import variable_name

_GEO = {**GEO, "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Polygon", "MultiPolygon"]}}}
_ROWS = 1 << 16  # that are written at once, a row group of the Parquet file
_POLYGON, _MULTIPOLYGON = 3, 6  # WKB's numbers
_ONE_POLYGON = np.dtype(
    [("order", "u1"), ("kind", "<u4"), ("rings", "<u4"), ("points", "<u4"), ("lon_lat", "<f8", (5, 2))]
)


def write_cells(map_file: MapFile, path: Path) -> int:
    """Write the cells that have a value in any month as a table, .parquet or .csv; the rows written.

    Columns: cell (position in the grid, row by row from the north-west), lon and lat of its centre (WGS84 degrees,
    -180..180), one for each month by its name (`january`; `year` where all of them are the same, `quantity_name` for a
    map without months), then `january_low` and `january_high`, or `january_std`, and `applicability` where the map has
    them, and in Parquet the cell's outline as `geometry` (one that lies over the antimeridian is cut there). What a
    cell lacks is null. Written window by window, so memory does not grow with the map; the file appears whole or not at
    all. Raises ConfigError for another ending, InputError when the disk refuses it.
    """
    about = map_file.description
    names = _column_names(about)
    with output_file(path) as partial, _writer(partial, path.suffix.lower(), about, names) as write:
        rows = 0
        for block in map_file.blocks():
            at, values = _cells(block)
            for start in range(0, len(at), _ROWS):
                rows += write(about.grid, at[start : start + _ROWS], values[:, start : start + _ROWS])
    return rows


def _column_names(about: MapDescription) -> list[str]:
    layers = [variable_name(layer) for layer in about.layers]
    beside = [variable_name(name) for name in about.beside]
    return layers + beside + (["applicability"] if about.applicability else [])


def _cells(block: MapLayers) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows and columns (n, 2) in the grid of the block's cells that have a value, and their numbers (bands, n)."""
    has_value = ~np.isnan(block.value).all(axis=0)
    parts = [block.value]
    parts += [one for one in (block.std, block.low, block.high) if one is not None]
    if block.applicability is not None:
        parts.append(block.applicability[None])
    at = np.argwhere(has_value) + np.array([block.first_row, block.first_column])
    return at, np.concatenate(parts)[:, has_value]


_Write = Callable[[AnyGrid, NDArray[np.int64], NDArray[np.float32]], int]


@contextmanager
def _writer(partial: Path, suffix: str, about: MapDescription, names: list[str]) -> Iterator[_Write]:
    """What writes cells and gives back how many they were."""
    numbers = [(name, pa.float32()) for name in names]
    schema = pa.schema([("cell", pa.int64()), ("lon", pa.float64()), ("lat", pa.float64()), *numbers])
    open_table: Callable[[], Any]
    if suffix == ".parquet":
        tags = {
            "title": about.title,
            **({"common_name": about.common_name} if about.common_name else {}),
            "quantity": about.quantity.name,
            "units": about.quantity.units,
            "model": about.model,
            "cautions": "; ".join(about.cautions),
            "geo": json.dumps(_GEO),
        }
        schema = schema.append(pa.field("geometry", pa.binary())).with_metadata(tags)
        open_table = lambda: pq.ParquetWriter(partial, schema, compression="zstd")  # noqa: E731
    elif suffix == ".csv":
        open_table = lambda: csv.CSVWriter(partial, schema)  # noqa: E731
    else:
        raise ConfigError(f"a table of cells ends in .parquet or .csv, not {suffix or 'nothing'}; name it so.")

    with open_table() as table:

        def write(grid: AnyGrid, at: NDArray[np.int64], values: NDArray[np.float32]) -> int:
            row, column = at.T
            lon, lat = (grid.lon[column] + 180) % 360 - 180, grid.lat[row]
            columns = [pa.array(row * grid.columns + column), pa.array(lon.round(7)), pa.array(lat.round(7))]
            columns += [pa.array(layer, from_pandas=True) for layer in values]
            if "geometry" in schema.names:
                columns.append(pa.array(outlines(grid, row, column), pa.binary()))
            table.write_table(pa.table(columns, schema=schema))
            return len(at)

        yield write


def outlines(grid: AnyGrid, row: NDArray[np.int64], column: NDArray[np.int64]) -> list[bytes]:
    """The outlines of cells (n,) in WKB: polygons, counter-clockwise; in two where a cell is over the antimeridian."""
    lon, lat = grid.edges()
    west, east, south, north = lon[column], lon[column + 1], lat[row + 1], lat[row]
    centre = (west + east) / 2
    turn = centre - ((centre + 180) % 360 - 180)
    # To 1e-9 degrees, so that a cell's edge on the antimeridian stays there, and neighbours' edges stay the same.
    west, east = (west - turn).round(9), (east - turn).round(9)
    found = [polygon.tobytes() for polygon in _polygons(west, east, south, north)]
    for i in np.flatnonzero((west < -180) | (east > 180)):
        sides = np.array([[(west[i] + 180) % 360 - 180, -180], [180, (east[i] + 180) % 360 - 180]])
        halves = _polygons(sides[0], sides[1], np.full(2, south[i]), np.full(2, north[i]))
        head = np.array([(1, _MULTIPOLYGON, 2)], np.dtype([("order", "u1"), ("kind", "<u4"), ("parts", "<u4")]))
        found[i] = head.tobytes() + halves.tobytes()
    return found


def _polygons(
    west: NDArray[np.float64], east: NDArray[np.float64], south: NDArray[np.float64], north: NDArray[np.float64]
) -> NDArray[np.void]:
    polygons = np.zeros(len(west), dtype=_ONE_POLYGON)
    polygons["order"], polygons["kind"], polygons["rings"], polygons["points"] = 1, _POLYGON, 1, 5
    polygons["lon_lat"][..., 0] = np.column_stack([west, east, east, west, west])
    polygons["lon_lat"][..., 1] = np.column_stack([south, south, north, north, south])
    return polygons
