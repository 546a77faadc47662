"""A table that says where and when photos were taken, for cameras that do not know."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from birdsat.earth.place import Place
from birdsat.errors import InputError, some_of
from birdsat.observations.coordinates import PlaceTally
from birdsat.observations.dates import IN_FUTURE, read_date_cells
from birdsat.observations.readers.cell_values import as_text, by_distinct
from birdsat.observations.readers.columns import TableColumns, find_column, of_their_table
from birdsat.observations.readers.places import read_places
from birdsat.observations.readers.registry import open_table
from birdsat.observations.readers.sorting import Sorting

TWICE = "photo named in two rows: the first taken"
SEVERAL_PHOTOS = "row of a name that several photos have: left out; name them with their folders"
_DATE_PARTS = ("date", "year", "month", "day")
_MOST_NAMED = 20  # columns, in a message


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRow:
    """What a row says; None is not said."""

    place: Place | None
    date: datetime.date | None


class PlaceTable:
    """Rows by the photo that they name: by its path, or as much of the end of it as tells it from the others."""

    def __init__(self, rows: dict[str, TableRow], remarks: Counter[str], same_names: Iterable[str] = ()) -> None:
        """same_names: names of files that several of the photos have, for which a name alone is not enough."""
        self._rows, self.remarks, self._shared = rows, remarks, frozenset(same_names)
        self._used: set[str] = set()

    def row(self, photo: Path) -> tuple[TableRow | None, str]:
        """What the table says of a photo, and a remark where its row cannot be told from another's."""
        parts = PurePosixPath(photo.as_posix()).parts
        for first in range(len(parts)):
            key = "/".join(parts[first:]).removeprefix("/")
            if key in self._rows:
                self._used.add(key)
                if first == len(parts) - 1 and first > 0 and key in self._shared:
                    return None, SEVERAL_PHOTOS
                return self._rows[key], ""
        return None, ""

    @property
    def unused(self) -> int:
        """How many of the rows are of no photo that was asked for."""
        return len(self._rows) - len(self._used)


def read_place_table(path: Path, same_names: Iterable[str] = ()) -> PlaceTable:
    """Of a table of any format with the columns photo, lon, lat and date, or their usual other names.

    A row may lack its place or its date. Rows that cannot be used are counted by reason. Raises InputError for a table
    that cannot be read, or without photos, or with neither places nor dates, or of which most places are wrong in one
    way.
    """
    source = open_table(path)
    present = source.columns
    named = {
        what: column
        for what in ("photo", "lon", "lat", "lon_side", "lat_side", "datum", *_DATE_PARTS)
        if (column := find_column(present, what, None, path)) is not None
    }
    named = of_their_table(source, named, TableColumns())
    if "photo" not in named or not ({"lon", "lat"} <= set(named) or {"date", "year"} & set(named)):
        raise InputError(
            f"{path} does not say where or when photos were taken: it needs a column photo, with lon and lat, date, or "
            f"all three; its columns are {some_of(present, _MOST_NAMED)}.",
            settings=("places",),
        )
    tally = PlaceTally(named.get("lon", ""), named.get("lat", ""))
    rows: dict[str, TableRow] = {}
    remarks: Counter[str] = Counter()
    for raw in source.cells(sorted(set(named.values()))):
        remarks.update(remark.reason for _, remark in raw.remarks)
        cells = {what: raw.columns[name] for what, name in named.items()}
        sorting = Sorting(len(raw))
        lon_lat = read_places(cells, sorting, tally)
        dated = [what for what in _DATE_PARTS if what in cells]
        if dated:
            codes, readings = by_distinct(
                lambda *texts: read_date_cells(**({"date": ""} | dict(zip(dated, texts, strict=True)))),  # noqa: B023
                *(cells[what] for what in dated),
            )
        else:
            codes, readings = np.zeros(len(raw), np.int64), [read_date_cells("")]
        for finding in sorting.findings():
            remarks[finding.reason] += len(finding.rows)
        for number, photo in enumerate(as_text(cells["photo"]).to_pylist()):
            key = photo.strip().replace("\\", "/").removeprefix("./").removeprefix("/")
            if not key:
                continue
            if key in rows:
                remarks[TWICE] += 1
                continue
            lon, lat = lon_lat[number].tolist()
            reading = readings[codes[number]]
            day = reading.first if reading.remark == IN_FUTURE else reading.day  # said of the photo, not of the table
            if reading.remark and reading.remark != IN_FUTURE:
                remarks[reading.remark] += 1
            place = Place(lon, lat) if np.isfinite(lon) and np.isfinite(lat) else None
            rows[key] = TableRow(place=place, date=day)
    tally.check(path)
    return PlaceTable(rows, remarks, same_names)
