"""The formats that observations are read from."""

import pkgutil
from pathlib import Path

from birdsat.errors import InputError
from birdsat.observations.readers.reader import Reader, TableSource

READERS: tuple[str, ...] = (  # "module:Reader", in the order in which they are asked whether a path is theirs
    "birdsat.observations.readers.table_files:TEXT",
    "birdsat.observations.readers.table_files:PARQUET",
    "birdsat.observations.readers.darwin_core:ARCHIVE",
    "birdsat.observations.readers.camtrap_dp:READER",
    "birdsat.observations.readers.table_files:ZIPPED",
)


# What to do with files of other formats, by the ends of their names.
_REMEDIES = {
    (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers"): "is a workbook; save its sheet as CSV",
    (".geojson", ".gpkg", ".shp", ".dbf", ".fgb", ".kml", ".kmz", ".gml", ".gpx", ".gdb", ".topojson"): (
        "holds points of a map; save them as GeoParquet, or as CSV with columns of longitude and latitude: ogr2ogr "
        "-f CSV -lco GEOMETRY=AS_XY records.csv FILE"
    ),
    (".json", ".jsonl", ".ndjson", ".json.gz"): "is JSON; save it as CSV, a row a record",
    (".feather", ".arrow", ".orc", ".avro"): "is a table that is not read; save it as Parquet",
    (".rds", ".rda", ".rdata"): "is of R; save it by write.csv",
    (".pkl", ".pickle", ".npy", ".npz", ".h5", ".hdf5", ".nc"): "is not read as a table; save it as CSV or Parquet",
    (".sqlite", ".sqlite3", ".db", ".mdb", ".accdb"): "is a database; export its table as CSV",
    (".tar", ".tar.gz", ".tgz", ".7z", ".rar"): "is an archive that is not read; unpack it and give the table itself",
    (".bz2", ".xz", ".zst", ".lz4", ".z"): "is packed in a way that is not read; unpack it, or pack it by gzip",
    (".html", ".htm", ".xml", ".pdf", ".doc", ".docx"): "is a page and not a table; download the table itself",
}


def open_table(path: Path) -> TableSource:
    """The table at a path, by the first reader that recognises it.

    Raises InputError where it is absent, empty, damaged, or of an unknown format.
    """
    readers: list[Reader] = [pkgutil.resolve_name(reader) for reader in READERS]
    allowed = "; ".join(reader.name for reader in readers)
    if not path.exists():
        raise InputError(f"table {path} is absent; give one of: {allowed}.")
    for reader in readers:
        if reader.recognises(path):
            return reader.open(path)
    name = path.name.lower()
    for ends, what in _REMEDIES.items():
        if name.endswith(ends) and path.is_file():
            raise InputError(f"table {path} is of an unknown format; allowed: {allowed}; it {what}.")
    also = "" if path.is_dir() else "; if it is a table of text, end its name in .csv or .txt"
    raise InputError(f"table {path} is of an unknown format; allowed: {allowed}{also}.")
