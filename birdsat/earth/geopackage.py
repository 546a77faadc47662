"""Polygons with attributes as a GeoPackage: the only place that knows pyogrio."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from birdsat.earth.cell_polygons import Geometry
from birdsat.errors import InputError
from birdsat.files import put_in_place, temporary_folder

_ALWAYS = "2000-01-01T00:00:00Z"  # in place of the hour of writing, so that the same polygons are the same bytes


def write_geopackage(
    path: Path, geometry: Sequence[Geometry], columns: Mapping[str, NDArray[Any]], *, layer: str
) -> None:
    """Write multipolygons (n,) in WGS84 degrees with columns (n,), whole or not at all.

    Raises InputError when the disk refuses the file.
    """
    try:
        with temporary_folder(path) as folder:
            partial = folder / "partial.gpkg"
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _ALWAYS})
            pyogrio.raw.write(
                partial,
                shapely.to_wkb(np.array(geometry, dtype=object)),
                [columns[name] for name in columns],
                list(columns),
                driver="GPKG",
                layer=layer,
                geometry_type="MultiPolygon",
                crs="EPSG:4326",
                promote_to_multi=False,
            )
            put_in_place(partial, path)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path} cannot be written ({error}); check the folder and the free disk space.") from error


def read_geopackage(path: Path, layer: str) -> tuple[list[Geometry], dict[str, NDArray[Any]]]:
    """Geometries (n,) and columns (n,) of what `write_geopackage` wrote. Raises InputError for a file that is not
    one."""
    try:
        meta, _, geometry, values = pyogrio.raw.read(path, layer=layer)
        return list(shapely.from_wkb(geometry)), dict(zip(meta["fields"].tolist(), values, strict=True))
    except (OSError, RuntimeError, ValueError, shapely.errors.GEOSException) as error:
        raise InputError(f"{path} cannot be read as a GeoPackage of ranges ({error}); make it again.") from error
