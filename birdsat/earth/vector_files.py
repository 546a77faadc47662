"""Polygons in shapefiles, GeoPackages, FlatGeobuf and GeoParquet.

GDAL has some 80 drivers of vectors, of which some follow what a file says to other files, databases or the network
(VRT, WFS, the virtual tables of SQLite), and it takes names such as /vsicurl/ for addresses. So a file is known by its
first bytes, read whole up to a bound, and put alone, under a name of ours, where GDAL opens it; of a GeoPackage only
plain tables are read.
"""

import json
import sqlite3
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from rasterio.crs import CRS

from birdsat.earth.crs import WGS84, declared_crs, read_crs
from birdsat.earth.shapes import Shape, rings_of
from birdsat.earth.wkb import deep_kind
from birdsat.errors import InputError
from birdsat.reading import read_bytes

_MOST_BYTES = 1 << 28  # of a file or of what a zip file unpacks to; the borders of all countries to 10 m are a quarter
_SHAPEFILE, _SQLITE, _FLATGEOBUF = b"\0\0\x27\x0a", b"SQLite format 3\0", b"fgb\x03fgb"  # how they begin
_ZIP, _PARQUET = b"PK\x03\x04", b"PAR1"
_BESIDE = (".shx", ".prj")  # of a shapefile; what its features are called (.dbf) says nothing of where they lie
_MOST_MEMBERS = 10_000  # of a zip file
# SQL functions and tables of GDAL's that open other files.
_CLOSED = {"OGR_SQLITE_STATIC_VIRTUAL_OGR": "NO", "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO"}
_NO_CRS = (  # GeoJSON, and GeoParquet without a word of it, have one by their standards
    "the file declares no CRS, and degrees are not guessed; write in the CRS that its positions are of, `ogr2ogr "
    "-a_srs EPSG:CODE OUT.gpkg IN`: EPSG:4326 for longitude and latitude."
)
_UNDEFINED = "ndefined "  # in the names of what a GeoPackage has in place of a CRS
_GEOMETRIES = ("geometry", "geom", "wkb_geometry")


def vector_kind(start: bytes) -> str | None:
    """How a format is called whose files begin with these bytes; None: none of those that are read here."""
    kinds = {
        _SHAPEFILE: "shapefile",
        _SQLITE: "GeoPackage",
        _FLATGEOBUF: "FlatGeobuf",
        _PARQUET: "GeoParquet",
        _ZIP: "zip",
    }
    return next((kind for beginning, kind in kinds.items() if start.startswith(beginning)), None)


def vector_shapes(path: Path, kind: str, layer: str | None = None) -> Iterator[Shape]:
    """The polygons of a file of some `vector_kind`, in the CRS that it declares.

    layer: of a GeoPackage, or the shapefile in a zip file; needed where there are several. Raises InputError for a file
    that is damaged, too large, holds no such layer, or something else than polygons; without the path.
    """
    if layer is not None and kind not in ("GeoPackage", "zip"):
        raise InputError(f"a file of the format {kind} has no layers; leave the layer out.", settings=("layer",))
    if kind == "GeoParquet":
        return _of_parquet(path)
    if kind == "zip":
        return _of_ogr(_zipped_shapefile(path, layer))
    waiting = path.with_name(f"{path.name}-wal")
    if kind == "GeoPackage" and waiting.is_file() and waiting.stat().st_size:
        raise InputError(f"{waiting.name} beside it holds changes that are not in it yet; close what has it open.")
    data = read_bytes(path, most_bytes=_MOST_BYTES, shown="the file")
    if kind == "shapefile":
        return _of_ogr({".shp": data, **_beside(path)})
    return _of_ogr({".gpkg": data}, layer) if kind == "GeoPackage" else _of_ogr({".fgb": data})


def _beside(path: Path) -> dict[str, bytes]:
    """The other parts of a shapefile, whatever the case of their suffix."""
    found = {}
    for suffix in _BESIDE:
        for name in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
            if name.is_file() and suffix not in found:
                found[suffix] = read_bytes(name, most_bytes=_MOST_BYTES, shown=name.name)
    return found


def _zipped_shapefile(path: Path, layer: str | None) -> dict[str, bytes]:
    """The parts of the one shapefile in a zip file, or of that of a name."""
    try:
        with zipfile.ZipFile(path) as file:
            members = {
                info.filename: info
                for info in file.infolist()[:_MOST_MEMBERS]
                if not info.is_dir() and not info.filename.startswith("__MACOSX/")
            }
            shapefiles = {PurePosixPath(name).stem: name for name in members if name.lower().endswith(".shp")}
            if not shapefiles:
                raise InputError(
                    f"the zip file holds no shapefile ({', '.join(sorted(members)[:5])}); unpack it, and give the file "
                    "of polygons in it."
                )
            chosen = shapefiles[_one_of(list(shapefiles), layer)]
            stem = str(PurePosixPath(chosen).with_suffix("")).lower()
            wanted = {
                suffix: info
                for name, info in members.items()
                if (suffix := PurePosixPath(name).suffix.lower()) in (".shp", *_BESIDE)
                and str(PurePosixPath(name).with_suffix("")).lower() == stem
            }
            if sum(info.file_size for info in wanted.values()) > _MOST_BYTES:
                raise InputError(f"it unpacks to more than {_MOST_BYTES:,} bytes; give a smaller one.")
            return {suffix: _unpacked(file, info) for suffix, info in wanted.items()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        LookupError,
        ValueError,
        RuntimeError,
    ) as error:
        raise InputError(f"the zip file is damaged, or locked ({error}); download it again, or unpack it.") from error


def _unpacked(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with file.open(info) as member:
        data = member.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InputError(f"it unpacks to more than {_MOST_BYTES:,} bytes; give a smaller one.")
    return data


def _one_of(names: Sequence[str], layer: str | None) -> str:
    """The layer that is asked for, or the only one."""
    listed = ", ".join(map(repr, names[:20])) + (f" and {len(names) - 20:,} more" if len(names) > 20 else "")
    if layer is not None and layer not in names:
        raise InputError(f"it has no layer {layer!r}; its layers are {listed}.", settings=("layer",))
    if layer is None and len(names) > 1:
        raise InputError(f"it has {len(names):,} layers; name one: {listed}.", settings=("layer",))
    return names[0] if layer is None else layer


def _of_ogr(parts: Mapping[str, bytes], layer: str | None = None) -> Iterator[Shape]:
    """The polygons of a file, by its parts by their suffixes."""
    if ".shp" in parts and ".shx" not in parts:
        raise InputError("its .shx is not beside it; a shapefile is .shp, .shx, .dbf and .prj together: copy all.")
    if ".shp" in parts and len(parts[".shp"]) != 2 * int.from_bytes(parts[".shp"][24:28], "big"):
        raise InputError("its .shp is cut short, or was changed; copy it again.")  # GDAL passes over what is not there
    with tempfile.TemporaryDirectory(prefix="birdsat-") as folder:
        for suffix, data in parts.items():
            (Path(folder) / f"area{suffix}").write_bytes(data)
        path = Path(folder) / f"area{next(iter(parts))}"
        if ".gpkg" in parts:
            layer = _one_of(_plain_layers(path), layer)
        declared, wkb = _read_by_ogr(path, layer)
    if declared is None and parts.get(".prj", b"").strip():
        raise InputError("the CRS in its .prj is not known; write in that which it is of, `ogr2ogr -a_srs EPSG:CODE`.")
    if declared is None or _UNDEFINED in declared:
        raise InputError(_NO_CRS)
    yield from _shapes(wkb, read_crs(declared), 0)


def _read_by_ogr(path: Path, layer: str | None) -> tuple[str | None, Any]:
    """The CRS, and (n,) geometries as WKB; None where a feature has none."""
    import pyogrio  # here, as it takes a second to import

    options = {"IMMUTABLE": "YES"} if path.suffix == ".gpkg" else {}
    known = (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
        pyogrio.errors.GeometryError,
        pyogrio.errors.CRSError,
    )
    try:
        with _closed(pyogrio), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rings in another order, and options that a driver does not have
            meta, _, wkb, _ = pyogrio.raw.read(path, layer=layer, columns=[], force_2d=True, **options)
    except (*known, ValueError, IndexError, NameError, RuntimeError, OSError, MemoryError) as error:
        # NameError: of pyogrio's own, where a CRS cannot be written as text
        said = " ".join(str(error).replace(str(path), "the file").split())[:200]
        raise InputError(f"the file is damaged ({said}); export it again.") from error
    if wkb is None:
        raise InputError("the file is a table without geometries; give one of polygons.")
    return meta["crs"], wkb


@contextmanager
def _closed(pyogrio: Any) -> Iterator[None]:
    """GDAL without what opens other files."""
    before = {name: pyogrio.get_gdal_config_option(name) for name in _CLOSED}
    pyogrio.set_gdal_config_options(_CLOSED)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _plain_layers(path: Path) -> list[str]:
    """The layers of features of a GeoPackage that are tables. A view, a virtual table or a column that is reckoned may
    call functions that open other files: none of them is read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as file:
            kinds = {
                str(name).lower(): "view"
                if kind == "view" or str(sql).upper().startswith("CREATE VIRTUAL")
                else "table"
                for name, kind, sql in file.execute(
                    "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view')"
                )
            }
            if any(kind == "view" for name, kind in kinds.items() if name.startswith("gpkg_")):
                raise InputError("its own tables are views, as no program writes them; export it again.")
            if "gpkg_contents" not in kinds or "gpkg_geometry_columns" not in kinds:
                raise InputError("it is a database of SQLite, but not a GeoPackage of features; export it as one.")
            named = file.execute("SELECT table_name FROM gpkg_geometry_columns").fetchall()
            layers = [str(name) for (name,) in named if kinds.get(str(name).lower()) == "table"]
            for name in layers:
                quoted = name.replace('"', '""')
                if any(column[6] > 1 for column in file.execute(f'PRAGMA table_xinfo("{quoted}")')):
                    raise InputError(f"its layer {name!r} has columns that are reckoned by SQL; export it again.")
    except (sqlite3.Error, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"the GeoPackage is damaged ({error}); export it again.") from error
    if not layers:
        raise InputError("the GeoPackage has no layer of features that is a table; export the region as one.")
    return layers


def _of_parquet(path: Path) -> Iterator[Shape]:
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(f"the file has {path.stat().st_size:,} bytes; allowed: {_MOST_BYTES:,}. Give a smaller one.")
    first, held = 0, 0
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            name, crs = _geometry_column(file.schema_arrow)
            for batch in file.iter_batches(batch_size=1024, columns=[name]):
                held += batch.nbytes
                if held > _MOST_BYTES:
                    raise InputError(f"it unpacks to more than {_MOST_BYTES:,} bytes; give a smaller one.")
                cells = batch.column(0).cast(pa.binary()).to_numpy(zero_copy_only=False)
                for number, one in enumerate(cells, first + 1):
                    if one and (kind := deep_kind(one)):
                        raise InputError(f"feature {number}: found {kind}; give Polygon and MultiPolygon alone.")
                yield from _shapes(cells, crs, first)
                first += batch.num_rows
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError, MemoryError, OverflowError) as error:
        raise InputError(f"the Parquet file is damaged ({str(error)[:200]}); export it again.") from error


def _geometry_column(schema: pa.Schema) -> tuple[str, CRS]:
    """The column of geometries, and the CRS that the file declares: GeoParquet's own default is WGS84."""
    described: dict[str, Any] = {}
    try:
        described = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
        name = described.get("primary_column") or next((one for one in _GEOMETRIES if one in schema.names), "")
        column = described.get("columns", {}).get(name, {"crs": None})
        crs, encoding = column.get("crs", "OGC:CRS84"), column.get("encoding", "WKB")
    except (ValueError, AttributeError, RecursionError, TypeError) as error:
        raise InputError("its description of geometries is damaged; export it again as GeoParquet.") from error
    if name not in schema.names:
        raise InputError(
            f"it has no column of geometries; its columns are {', '.join(schema.names[:20])}. Export it as GeoParquet."
        )
    kind = schema.field(name).type
    if encoding != "WKB" or not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise InputError(f"its geometries are stored as {encoding} in {kind}, which is not read; export them as WKB.")
    if crs is None:
        raise InputError(_NO_CRS)
    return name, WGS84 if crs == "OGC:CRS84" else declared_crs(crs)


def _shapes(wkb: Any, crs: CRS, first: int) -> Iterator[Shape]:
    """The polygons of features whose geometries (n,) are WKB or None. first: how many features come before them."""
    known = np.array([one is not None and len(one) > 0 for one in wkb], dtype=np.bool_)
    geometries = shapely.from_wkb(np.where(known, wkb, None), on_invalid="ignore")
    for number, (geometry, was_there) in enumerate(zip(geometries, known.tolist(), strict=True), first + 1):
        if not was_there or (geometry is not None and geometry.is_empty):
            continue
        if geometry is None:
            raise InputError(f"feature {number}: its geometry is damaged; export it again.")
        for part in _parts(geometry):
            if part.geom_type != "Polygon":
                raise InputError(f"feature {number}: found {part.geom_type}; give polygons alone.")
            yield Shape(rings=rings_of(part), crs=crs, feature=number)


def _parts(geometry: Any) -> Iterator[Any]:
    """What a collection holds that is not a collection; of others, the geometry itself."""
    if geometry.geom_type not in ("GeometryCollection", "MultiPolygon"):
        yield geometry
        return
    for part in geometry.geoms:
        yield from _parts(part)
