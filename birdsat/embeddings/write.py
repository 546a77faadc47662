"""Embeddings as GeoParquet, written block by block."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import DatasetError
from birdsat.files import atomic_path

FloatWidth = Literal["float16", "float32"]
# GeoParquet 1.1; without "crs" the coordinates are OGC:CRS84, that is longitude and latitude in WGS84.
GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}},
}


def write_embeddings(path: Path, tables: Iterable[EmbeddingTable], *, width: FloatWidth = "float32") -> int:
    """Write the tables one after another as one GeoParquet file, whole or not at all; returns the rows.

    Columns: id, taxon, geometry (WKB point, null where the place is missing), year_fraction (null where the
    date is missing), photo, chip and chip_without_metadata (fixed-size lists; null where missing; the chip
    columns are absent for a method that sees no chips). Raises DatasetError when there is no table to write.
    """
    rest = iter(tables)
    first = next(rest, None)
    if first is None:
        raise DatasetError(f"there are no embeddings to write to {path}; choose a split that has rows.")
    block = _arrow(first, width)
    rows = len(first)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as partial, pq.ParquetWriter(partial, block.schema, compression="zstd") as writer:
        writer.write_table(block)
        for table in rest:
            writer.write_table(_arrow(table, width))
            rows += len(table)
    return rows


def _arrow(table: EmbeddingTable, width: FloatWidth) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "id": pa.array(table.ids, pa.string()),
        "taxon": pa.array([table.taxa[label] for label in table.labels], pa.string()),
        "geometry": wkb_points(table.lon_lat),
        "year_fraction": pa.array(table.year_fraction, pa.float64(), mask=np.isnan(table.year_fraction)),
        "photo": vector_column(table.photo, width),
    }
    if table.chip is not None:
        columns["chip"] = vector_column(table.chip, width)
    if table.knows_metadata and table.chip_without_metadata is not None:
        columns["chip_without_metadata"] = vector_column(table.chip_without_metadata, width)
    return pa.table(columns).replace_schema_metadata({"geo": json.dumps(GEO)})


def wkb_points(lon_lat: NDArray[np.float64]) -> pa.Array:
    """(n, 2) degrees, longitude first -> n points in little-endian WKB; null where a coordinate is NaN."""
    layout = np.dtype([("order", "u1"), ("kind", "<u4"), ("lon", "<f8"), ("lat", "<f8")])
    points = np.zeros(len(lon_lat), dtype=layout)
    points["order"], points["kind"] = 1, 1  # little-endian, point
    points["lon"], points["lat"] = lon_lat[:, 0], lon_lat[:, 1]
    missing: NDArray[np.bool_] = np.isnan(lon_lat.sum(axis=1))
    return pa.array(
        [None if gone else point.tobytes() for point, gone in zip(points, missing, strict=True)], pa.binary()
    )


def vector_column(vectors: NDArray[np.float32], width: FloatWidth = "float32") -> pa.Array:
    """(n, d) -> n fixed-size lists of d numbers; null where the row is NaN."""
    missing = np.isnan(vectors).any(axis=1)
    flat = pa.array(np.ascontiguousarray(vectors, dtype=width).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1], mask=pa.array(missing))
