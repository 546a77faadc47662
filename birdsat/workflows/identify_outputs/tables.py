"""Tables of named photos: CSV, JSON lines, Parquet."""

import datetime
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from birdsat.files import output_file
from birdsat.tables import CsvWriter
from birdsat.workflows.identify_outputs.about import About
from birdsat.workflows.identify_outputs.rows import Answer, PhotoRow

_PHOTO = {
    "photo": pa.string(),
    "lon": pa.float64(),
    "lat": pa.float64(),
    "date": pa.date32(),
    "place_from": pa.string(),
    "date_from": pa.string(),
    "verdict": pa.string(),
    "rolled_up_rank": pa.string(),
    "rolled_up": pa.string(),
    "rolled_up_score": pa.float32(),
    "known": pa.float32(),
    "set_size": pa.int32(),
    "place_uncertainty_km": pa.float64(),
}
_ANSWER = {
    "rank": pa.int32(),
    "taxon": pa.string(),
    "common_name": pa.string(),
    "image_score": pa.float32(),
    "place_date_score": pa.float32(),
    "score": pa.float32(),
    "unexpected": pa.bool_(),
    "in_image_set": pa.bool_(),
    "in_set": pa.bool_(),
}
_DATE = list(_PHOTO).index("date")
_REMARK = {"remark": pa.string()}
_AT_ONCE = 5_000  # photos in a row group


def write_csv(path: Path, photos: Iterable[PhotoRow], about: About) -> tuple[Path, ...]:
    """A row an answer, or a row a photo. A photo without answers has one row."""
    with output_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = CsvWriter(file, list(_columns(about)))
        for photo in photos:
            writer.write([_cell(value) for value in row] for row in _rows(photo, about))
    return (path,)


def write_json_lines(path: Path, photos: Iterable[PhotoRow], about: About) -> tuple[Path, ...]:
    """An object a photo with a list of its answers."""
    with output_file(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        for photo in photos:
            file.write(json.dumps(photo.to_dict(), ensure_ascii=False, allow_nan=False) + "\n")
    return (path,)


def write_parquet(path: Path, photos: Iterable[PhotoRow], about: About) -> tuple[Path, ...]:
    """The same columns as CSV with their types, some thousands of photos at a time."""
    schema = pa.schema(list(_columns(about).items()))
    rest = iter(photos)
    with output_file(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        while some := list(islice(rest, _AT_ONCE)):
            rows = [_typed(row) for photo in some for row in _rows(photo, about)]
            columns = list(zip(*rows, strict=True))
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return (path,)


def _columns(about: About) -> dict[str, pa.DataType]:
    if not about.wide:
        return _PHOTO | _ANSWER | _REMARK
    sides = {
        f"{name}_{rank}": kind for rank in range(1, about.top + 1) for name, kind in _ANSWER.items() if name != "rank"
    }
    return _PHOTO | sides | _REMARK


def _rows(photo: PhotoRow, about: About) -> Iterator[list[object]]:
    left: list[object] = [
        photo.photo,
        photo.lon,
        photo.lat,
        photo.date,
        photo.place_from,
        photo.date_from,
        photo.verdict,
        photo.rolled_up_rank,
        photo.rolled_up,
        photo.rolled_up_score,
        photo.known,
        photo.set_size,
        photo.uncertainty_km,
    ]
    remark = "; ".join(photo.remarks)
    if about.wide:
        sides = [cell for one in photo.answers for cell in _cells(one)[1:]]
        missing = (about.top - len(photo.answers)) * (len(_ANSWER) - 1)
        yield [*left, *sides, *[None] * missing, remark]
        return
    for answer in photo.answers:
        yield [*left, *_cells(answer), remark]
    if not photo.answers:
        yield [*left, *[None] * len(_ANSWER), remark]


def _cells(answer: Answer) -> list[object]:
    return [getattr(answer, name) for name in _ANSWER]


def _typed(row: list[object]) -> list[object]:
    day = row[_DATE]
    return [*row[:_DATE], None if day is None else datetime.date.fromisoformat(str(day)), *row[_DATE + 1 :]]


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():  # scores are of single precision, places are not
            return str(np.float32(value)) if float(np.float32(value)) == value else f"{value:.9g}"
        case _:
            return value
