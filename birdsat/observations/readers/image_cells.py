"""Columns of Parquet that hold pictures: their bytes alone, or as Hugging Face stores images, bytes and path.

A reader of rows gives a key for each picture, never its bytes; whoever needs the bytes asks
`birdsat.imagery.parquet_images` by the key.
"""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_KEY = re.compile(r"#(?P<row>\d+)(?: (?P<path>.*))?", re.DOTALL)
_NAMES = ("photo", "image", "img", "picture", "jpg", "jpeg", "png")  # of which the first that is there holds photos


def is_image_type(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold pictures."""
    if pa.types.is_dictionary(kind):
        return is_image_type(kind.value_type)
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and is_image_type(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def image_column(table: Path, asked: str | None) -> str | None:
    """The column of a table that holds photos; None where none does, as in every table that is not Parquet.

    asked: the column that the user named. Otherwise it is the one of a usual name, or the only one of pictures as
    Hugging Face stores them.
    """
    if table.suffix.lower() != ".parquet":
        return None
    try:
        schema = pq.read_schema(table)
    except (OSError, pa.ArrowException):  # the reader of its rows says what is wrong with it
        return None
    if asked is not None:
        return asked if asked in schema.names and is_image_type(schema.field(asked).type) else None
    found = {field.name.lower(): field for field in reversed(schema)}
    for name in _NAMES:
        if name in found:
            return str(found[name].name) if is_image_type(found[name].type) else None
    structs = [field.name for field in schema if pa.types.is_struct(field.type) and is_image_type(field.type)]
    return str(structs[0]) if len(structs) == 1 else None


def image_keys(cells: pa.Array, first_row: int) -> pa.Array:
    """Text for each picture: a key, or the path of one that lies in a file beside the table; null for none.

    first_row: number, from 1, of the first cell within the table.
    """
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    paths: list[str | None] = [None] * len(cells)
    held = cells
    if pa.types.is_struct(cells.type):
        held = pc.struct_field(cells, "bytes")
        if "path" in (field.name for field in cells.type):
            paths = pc.struct_field(cells, "path").cast(pa.string()).to_pylist()
    has_bytes = held.is_valid().to_pylist()
    keys = (
        f"#{first_row + i}{f' {path}' if path else ''}" if there else _as_path(path)
        for i, (there, path) in enumerate(zip(has_bytes, paths, strict=True))
    )
    return pa.array(list(keys), pa.string())


def _as_path(path: str | None) -> str | None:
    return f"./{path}" if path and _KEY.fullmatch(path) else path or None


def row_of_key(key: str) -> int | None:
    """The row, from 0, of the picture that a key of `image_keys` stands for; None for a path."""
    found = _KEY.fullmatch(key)
    return None if found is None else int(found["row"]) - 1
