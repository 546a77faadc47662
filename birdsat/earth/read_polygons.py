"""A region in a file: GeoJSON, a shapefile (zipped or not), a GeoPackage, FlatGeobuf or GeoParquet."""

from pathlib import Path

from birdsat.earth.geojson import geojson_shapes, read_geojson
from birdsat.earth.polygon import Polygons
from birdsat.earth.shapes import polygons_of
from birdsat.earth.vector_files import vector_kind, vector_shapes
from birdsat.errors import InputError
from birdsat.reading import first_bytes

SUFFIXES = (
    ".geojson",
    ".json",
    ".gpkg",
    ".shp",
    ".zip",
    ".fgb",
    ".parquet",
    ".geoparquet",
)  # as they are usually called
_OF_SHAPEFILES = (".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx")


def read_polygons(path: Path, layer: str | None = None) -> Polygons:
    """The region in a file, whose format is known by its first bytes: the union of its polygons.

    layer: of a GeoPackage, or the name of one of several shapefiles in a zip file. A CRS that the file declares is
    followed; GeoJSON and GeoParquet that say nothing of it are in WGS84, by their standards.

    Raises InputError for a file that is something else, is empty, declares no CRS or one that is not known, or has
    positions that are not on Earth, as when latitude comes first; and for an edge of more than 180 degrees, which may
    be meant to go over the antimeridian or not. What is wrong about the layer is said of the setting "layer".
    """
    kind = vector_kind(first_bytes(path))
    if kind is None and path.suffix.lower() in _OF_SHAPEFILES:
        raise InputError(f"{path} is a part of a shapefile; name the one that ends in .shp.")
    content = None
    if kind is None:
        content = read_geojson(path)
        if layer is not None:
            raise InputError(f"{path} is GeoJSON, which has no layers; leave the layer out.", settings=("layer",))
    try:
        return polygons_of(geojson_shapes(content) if kind is None else vector_shapes(path, kind, layer), path.name)
    except InputError as error:
        raise InputError(f"{path}: {error}", settings=error.settings) from error
