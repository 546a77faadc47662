"""Observations from the rows of a table."""

import datetime
import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from birdsat.earth.date import parse_date
from birdsat.earth.place import Place
from birdsat.errors import InputError, PlaceError
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation, Split
from birdsat.observations.readers.reader import TableSource
from birdsat.observations.readers.registry import open_table
from birdsat.observations.readers.row_rules import EVERY_ROW, RULED, RowRules
from birdsat.observations.taxonomy import Taxon, Taxonomy

_SYNONYMS = {
    "photo": ("photo", "image", "path", "file_name", "filename"),
    "taxon": ("taxon", "species", "taxon_species_name", "scientific_name"),
    "lon": ("lon", "longitude", "decimal_longitude", "lng"),
    "lat": ("lat", "latitude", "decimal_latitude"),
    "date": ("date", "event_date", "observation_date", "observed_on"),
    "year": ("year",),
    "month": ("month",),
    "day": ("day",),
    "split": ("split", "is_training_image"),
    "group": ("split_group",),
    "id": ("id", "observation_id", "gbif_id", "occurrence_id", "global_unique_identifier"),
    "licence": ("licence", "license"),
    "attribution": ("attribution", "rights_holder"),
    "box_x": ("box_x",),
    "box_y": ("box_y",),
    "box_width": ("box_width",),
    "box_height": ("box_height",),
    "count": ("count", "individual_count", "observation_count"),
    "status": ("occurrence_status",),
    # Where the true place is hidden, iNaturalist gives the accuracy of the place that it shows as the public one.
    "uncertainty_m": ("coordinate_uncertainty_in_meters", "public_positional_accuracy", "positional_accuracy"),
    "basis": ("basis_of_record",),
    "captive": ("captive_cultivated", "captive"),
    "genus": ("genus",),
    "family": ("family",),
    "order": ("order",),
    "common_name": ("common_name", "vernacular_name"),
}
SWAPPED_REASON = "latitude beyond 90 that is in range as a longitude"
_MISSING_WORDS = ("", "na", "nan", "null")  # as R, Python and databases write what is not known
_SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "1", "1.0", "true"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing", "0", "0.0", "false"), "test"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumns:
    """Which column holds what. None: found by its usual names, or absent."""

    photo: str | None = None  # path of the photo, or a key that the photo source knows
    taxon: str | None = None  # scientific name; needed
    lon: str | None = None  # degrees east, WGS84
    lat: str | None = None  # degrees north, WGS84
    date: str | None = None  # ISO 8601
    split: str | None = None  # train, val, test; or 1 for train and 0 for test
    group: str | None = None  # rows that share it, as those of one visit, fall into one split
    id: str | None = None  # without one the photo names the row, without a photo the row's number
    licence: str | None = None
    attribution: str | None = None
    box_x: str | None = None  # left edge of the crop, in pixels of the photo
    box_y: str | None = None  # upper edge
    box_width: str | None = None
    box_height: str | None = None
    count: str | None = None  # individuals seen
    year: str | None = None  # year, month and day tell the date where the date's own column does not
    month: str | None = None
    day: str | None = None
    status: str | None = None  # "absent": looked for and not found
    uncertainty_m: str | None = None  # radius around the place, metres
    basis: str | None = None  # Darwin Core's basisOfRecord
    captive: str | None = None  # "true": not wild

    @classmethod
    def parse(cls, pairs: Sequence[str]) -> "TableColumns":
        """From words such as "taxon=scientificName". Raises InputError for what is not such a pair."""
        known = [field.name for field in fields(cls)]
        named = dict(pair.partition("=")[::2] for pair in pairs)
        for what, column in named.items():
            if what not in known or not column:
                raise InputError(
                    f"column {what}={column} cannot be used; write NAME=COLUMN, NAME one of {', '.join(known)}.",
                    settings=("columns",),
                )
        return cls(**named)


def read_table(
    path: Path, columns: TableColumns | None = None, *, rules: RowRules = EVERY_ROW, with_photos: bool = True
) -> Iterator[Observation | Remark]:
    """Observations of a table, with a remark for each row dropped or kept without a part.

    The table is of one of the formats in `READERS`. Rows that record an absence are dropped, and those that `rules`
    refuse. with_photos: False where nobody looks at the photos, which some formats have to gather first.

    Both coordinates missing means that the place is not known; with one of two missing it is taken as not known as
    well, with a remark. Rows that repeat an id are found by the build, not here. Raises InputError for a file that is
    absent, empty or of another format, for a column asked for that is not there, and for a table without taxon or
    with one coordinate only.
    """
    source = open_table(path)
    present = source.columns
    asked = columns or TableColumns()
    found = {
        field.name: name
        for field in fields(asked)
        if (name := _find(present, field.name, getattr(asked, field.name), path)) is not None
    }
    if not with_photos:
        found.pop("photo", None)
    if "taxon" not in found:
        is_ebird = "SAMPLING EVENT IDENTIFIER" in present
        ebird = (
            " (eBird's sampling file lists checklists; the birds are in the other file, ebd_...)" if is_ebird else ""
        )
        raise InputError(
            f"{path} has no column for the taxon; its columns are {', '.join(present)}. Name the one that holds "
            f"scientific names, columns taxon=COLUMN{ebird}.",
            settings=("columns",),
        )
    if asked.month is None and not {"year", "month"} <= set(found):  # a year alone is not a date
        found = {what: name for what, name in found.items() if what not in ("year", "month", "day")}
    for group in (("lon", "lat"), ("box_x", "box_y", "box_width", "box_height"), ("year", "month")):
        missing = [name for name in group if name not in found]
        if missing and len(missing) < len(group):
            raise InputError(
                f"{path} has {', '.join(found[name] for name in group if name in found)} but nothing for "
                f"{', '.join(missing)}; its columns are {', '.join(present)}. Name the missing ones: "
                f"columns {' '.join(f'{name}=COLUMN' for name in missing)}.",
                settings=("columns",),
            )
    return _observations(source, found, rules)


def read_taxonomy(path: Path) -> Taxonomy:
    """The distinct taxa of a table, with genus, family, order and common name where it has such columns.

    The first row of a taxon counts. Raises InputError as `read_table` does.
    """
    source = open_table(path)
    present = source.columns
    ranks = ("taxon", "genus", "family", "order", "common_name")
    found = {rank: name for rank in ranks if (name := _find(present, rank, None, path)) is not None}
    if "taxon" not in found:
        raise InputError(f"{path} has no column for the taxon; its columns are {', '.join(present)}.")
    taxa: dict[str, Taxon] = {}
    for row in source.rows(sorted(set(found.values()))):
        if isinstance(row, Remark):
            continue
        values = {rank: _text(row[1][name]) for rank, name in found.items()}
        name = values.pop("taxon")
        if name and name not in taxa:
            taxa[name] = Taxon(name=name, **values)
    return Taxonomy(taxa.values())


def _find(present: Sequence[str], what: str, asked: str | None, path: Path) -> str | None:
    if asked is not None:
        if asked in present:
            return asked
        near = difflib.get_close_matches(asked, present, n=3, cutoff=0.5)
        nearest = f"; nearest: {', '.join(map(repr, near))}" if near else ""
        raise InputError(
            f"{path} has no column {asked!r} for {what}{nearest}. Its columns are {', '.join(present)}.",
            settings=("columns",),
        )
    by_plain_name = {_plain(name): name for name in reversed(present)}
    usual = (by_plain_name.get(_plain(synonym)) for synonym in _SYNONYMS[what])
    return next((name for name in usual if name is not None), None)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _observations(source: TableSource, columns: dict[str, str], rules: RowRules) -> Iterator[Observation | Remark]:
    for row in source.rows(sorted(set(columns.values()))):
        if isinstance(row, Remark):
            yield row
            continue
        number, cells = row
        yield from _observation(number, {what: cells[name] for what, name in columns.items()}, rules)


class _DropError(Exception):
    """Why a row cannot be used: reason and detail."""


def _observation(number: int, cells: dict[str, Any], rules: RowRules) -> Iterator[Observation | Remark]:
    photo = _text(cells.get("photo"))
    id = _text(cells["id"]) if "id" in cells else photo or f"row {number}"
    row = id or f"row {number}"
    try:
        if not id:
            raise _DropError("no id", f"row {number} of the table has an empty id")
        refused = rules.refuse({what: _text(value) for what, value in cells.items() if what in RULED})
        if refused is not None:
            raise _DropError(*refused)
        taxon = _text(cells["taxon"])
        if not taxon:
            raise _DropError("no taxon", "the taxon is empty")
        place, half_place = _place(cells)
        date, date_remark, written = _date_of(cells)
        observation = Observation(
            id=id,
            taxon=taxon,
            photo=photo or None,
            photo_box=_box(cells),
            place=place,
            date=date,
            split=_split(cells.get("split")),
            group=_text(cells.get("group")) or None,
            licence=_text(cells.get("licence")),
            attribution=_text(cells.get("attribution")),
            count=_count(cells.get("count")),
        )
    except _DropError as drop:
        reason, detail = drop.args
        yield Remark(row=row, reason=reason, detail=detail)
        return
    if half_place:
        yield Remark(row=row, reason="one coordinate missing: place left out", detail=half_place, kept=True)
    if date_remark:
        yield Remark(row=row, reason=date_remark, detail=written, kept=True)
    yield observation


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        if value.is_integer():  # a column of whole numbers with gaps becomes one of floats in many tools
            return str(int(value))
    return str(value).strip()


def _place(cells: dict[str, Any]) -> tuple[Place | None, str]:
    """The place, and what was found where one coordinate of the two is missing."""
    lon, lat = _coordinate(cells.get("lon"), "longitude"), _coordinate(cells.get("lat"), "latitude")
    if lon is None and lat is None:
        return None, ""
    if lon is None or lat is None:
        return None, f"longitude {lon}, latitude {lat}"
    try:
        return Place(lon, lat), ""
    except PlaceError as error:
        swapped = 90 < abs(lat) <= 180 and abs(lon) <= 90
        raise _DropError(SWAPPED_REASON if swapped else "coordinates not on Earth", str(error)) from error


def _coordinate(value: Any, what: str) -> float | None:
    if value is None or (isinstance(value, str) and value.strip().lower() in _MISSING_WORDS):
        return None
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise _DropError("coordinates unreadable", f"{what} {value!r} is not a number") from error


def _count(value: Any) -> float | None:
    """Individuals; None where the cell holds no number ("X" in eBird: seen, not counted)."""
    try:
        count = float(value)
    except (TypeError, ValueError):
        return None
    return count if math.isfinite(count) else None


def _date_of(cells: dict[str, Any]) -> tuple[datetime.date | None, str, str]:
    """The date as its own column has it, else put together from year, month and day; a remark; and what is written."""
    written = _text(cells.get("date"))
    if written.lower() not in _MISSING_WORDS or "month" not in cells:
        return *_date(written), written
    parts = [
        text for part in ("year", "month", "day") if (text := _text(cells.get(part))).lower() not in _MISSING_WORDS
    ]
    written = "-".join(parts)
    try:
        numbers = [int(float(part)) for part in parts]
        return *_date("-".join(f"{number:0{2 if i else 4}d}" for i, number in enumerate(numbers))), written
    except (ValueError, OverflowError, _DropError):  # such as a month by its name: tables have these columns by the way
        return None, "year, month and day unreadable: left out", written


def _date(value: Any) -> tuple[datetime.date | None, str]:
    """The date, and a remark where it is less exact than a day (ISO 8601: reduced precision, or an interval)."""
    text = _text(value)
    try:
        if text.lower() in _MISSING_WORDS:
            return None, ""
        if re.fullmatch(r"\d{4}-\d{2}", text):
            return parse_date(f"{text}-15"), "no day in date: middle of the month taken"
        if re.fullmatch(r"\d{4}", text):
            return None, "no month in date: left out"
        if "/" in text:
            return _interval(text)
        return parse_date(text), ""
    except InputError as error:
        raise _DropError("date unreadable", str(error)) from error


def _interval(text: str) -> tuple[datetime.date | None, str]:
    start, _, end = text.partition("/")
    if re.match(r"\d{4}-\d{2}-\d{2}", start) and len(end) < len(start):
        end = start[: len(start) - len(end)] + end  # ISO 8601 lets the end leave out what it shares with the start
    (first, _), (last, _) = _date(start), _date(end)
    if first is None or last is None or (first.year, first.month) != (last.year, last.month):
        return None, "dates of more than a month: left out"
    if last < first:
        raise InputError(f"date {text!r} ends before it begins; write the earlier day first.")
    return first + (last - first) // 2, "several dates in a month: the middle taken"


def _split(value: Any) -> Split | None:
    word = _text(value).lower()
    if not word:
        return None
    if word not in _SPLIT_WORDS:
        raise _DropError("split unknown", f"split {value!r}; allowed: {', '.join(_SPLIT_WORDS)}")
    return _SPLIT_WORDS[word]


def _box(cells: dict[str, Any]) -> tuple[float, float, float, float] | None:
    values = [cells.get(name) for name in ("box_x", "box_y", "box_width", "box_height")]
    if all(_text(value) == "" for value in values):
        return None
    try:
        x, y, width, height = (float("" if value is None else value) for value in values)
    except (TypeError, ValueError) as error:
        raise _DropError("photo box unreadable", f"{values} are not four numbers") from error
    if not (math.isfinite(x + y + width + height) and width > 0 and height > 0):
        raise _DropError("photo box unreadable", f"{values} is not a box with a width and a height")
    return x, y, width, height
