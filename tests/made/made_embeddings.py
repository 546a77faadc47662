"""Embeddings as others give them: tables with a place a row, and rasters with a band a number."""

import csv
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine, from_bounds

from birdsat.embeddings.write import GEO

ALPHA_EARTH = tuple(f"A{number:02d}" for number in range(64))


def write_raster(
    path: Path,
    values: NDArray[np.generic],
    bounds: tuple[float, float, float, float],
    *,
    crs: str = "EPSG:4326",
    names: Sequence[str] = (),
    nodata: float | None = None,
    bottom_up: bool = False,
    scale: float = 1.0,
    offset: float = 0.0,
    **layout: Any,
) -> Path:
    """A GeoTIFF of values (bands, rows, columns), the first row in the north, over bounds west, south, east, north."""
    bands, rows, columns = values.shape
    transform = from_bounds(*bounds, columns, rows)
    if bottom_up:  # as Source Cooperative's copy of AlphaEarth
        values = values[:, ::-1]
        transform = Affine(transform.a, 0, bounds[0], 0, -transform.e, bounds[1])
    profile = {"driver": "GTiff", "crs": crs, "transform": transform, "nodata": nodata, "dtype": values.dtype}
    with rasterio.open(path, "w", width=columns, height=rows, count=bands, **profile, **layout) as file:
        file.write(values)
        for number, name in enumerate(names, start=1):
            file.set_band_description(number, name)
        if (scale, offset) != (1.0, 0.0):
            file.scales, file.offsets = [scale] * bands, [offset] * bands
    return path


def wkb_point(lon: float, lat: float) -> bytes:
    return struct.pack("<BIdd", 1, 1, lon, lat)


def wkb_square(lon: float, lat: float, side: float) -> bytes:
    """A polygon around a place, as tiles have."""
    half = side / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    return struct.pack("<BIII", 1, 3, 1, 5) + b"".join(struct.pack("<dd", lon + x, lat + y) for x, y in corners)


def write_geoparquet(path: Path, geometry: Sequence[bytes | None], **columns: Any) -> Path:
    """A GeoParquet file of a geometry column and others."""
    table = pa.table({"geometry": pa.array(geometry, pa.binary()), **columns})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(GEO)}), path, row_group_size=500)
    return path


def vectors_of(numbers: NDArray[np.floating]) -> pa.Array:
    """A column of lists (n, width), all of one length."""
    return pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel()), numbers.shape[1])


def write_csv(path: Path, names: Sequence[str], rows: NDArray[np.generic] | Sequence[Sequence[Any]]) -> Path:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(names)
        table.writerows(rows.tolist() if isinstance(rows, np.ndarray) else rows)
    return path
