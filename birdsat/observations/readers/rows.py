"""Rows of a table understood column by column: numbers by vectors, names and dates once for each way to write them."""

import datetime
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from birdsat.earth.crs import CRS
from birdsat.observations.coordinates import PlaceTally
from birdsat.observations.curation import Remark
from birdsat.observations.dates import UNREAD, DateReading, read_date, read_date_cells
from birdsat.observations.observation import Split
from birdsat.observations.readers.cell_values import as_text, by_distinct, is_blank, is_true, to_bools
from birdsat.observations.readers.column_names import unread_date
from birdsat.observations.readers.name_column import NameColumn
from birdsat.observations.readers.name_rows import NAME_PARTS, TaxonNames, by_place, names_of, present_of
from birdsat.observations.readers.places import read_places, without_zeros
from birdsat.observations.readers.reader import Cells, TableSource
from birdsat.observations.readers.row_rules import RowRules, is_yes, uncertainty_m
from birdsat.observations.readers.sorting import Finding, Sorting
from birdsat.observations.scientific_names import DOUBTFUL, NameReading, is_doubt

DAY_OF_UNIX = datetime.date(1970, 1, 1).toordinal()  # number of the day that Arrow and NumPy count from
_DATE_PARTS = ("date", "year", "month", "day")
_BOX = ("box_x", "box_y", "box_width", "box_height")
_SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "1", "1.0", "true"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing", "0", "0.0", "false"), "test"),
}
# A time of day behind a day, which does not move it.
_TIME = re.compile(r"[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_DAY_LENGTH = 10  # of 2010-07-14

PhotoBox = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Some n rows of a table. What arrays hold of rows that are dropped means nothing."""

    number: NDArray[np.int64]  # (n,) within the table, from 1
    kept: NDArray[np.bool_]  # (n,) False where dropped
    absent: NDArray[np.bool_]  # (n,) kept as one that says a taxon was looked for and not found; see `RowRules`
    names: Sequence[NameReading]  # every name that these rows have
    name: NDArray[np.int64]  # (n,) which of them
    lon_lat: NDArray[np.float64]  # (n, 2) degrees; NaN where the place is not known
    day: NDArray[np.int32]  # (n,) number of the day, datetime.date.toordinal; 0 where not known
    count: NDArray[np.float64]  # (n,) individuals; NaN where they were not counted
    split: tuple[NDArray[np.int64], Sequence[Split | None]]  # which (n,) of the splits
    photo_box: tuple[NDArray[np.int64], Sequence[PhotoBox | None]]
    cells: Mapping[str, pa.Array]  # (n,) by TableColumns' names, as the table has them
    findings: Sequence[Finding]  # why rows were dropped, and what is to be said of those that are kept
    remarks: Sequence[tuple[int, Remark]]  # number of a row, and what the format's reader says of it

    def __len__(self) -> int:
        return len(self.number)

    @property
    def names_taxa(self) -> bool:
        """Whether the table does; else its rows are checklists."""
        return bool(present_of(self.cells, *NAME_PARTS))

    @property
    def says_complete(self) -> bool:
        """Whether a column says which rows are of complete checklists."""
        return "complete" in self.cells

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(n,) rows of checklists that say to list all species that were seen; none where no column says so."""
        if not self.says_complete:
            return np.zeros(len(self), np.bool_)
        codes, said = by_distinct(is_yes, self.cells["complete"])
        return is_true(codes, said)

    @property
    def uncertainty_m(self) -> NDArray[np.float64]:
        """(n,) radius around the place in metres; NaN where nothing is told."""
        return uncertainty_m(self.cells, len(self))

    def ids(self, rows: NDArray[np.int64] | None = None) -> list[str]:
        """The ids of rows at some positions, or of all; "row 17" where the table gives none."""
        at = np.arange(len(self)) if rows is None else rows
        told = self.text("id" if "id" in self.cells else "photo", at)
        return [id or f"row {number}" for id, number in zip(told, self.number[at].tolist(), strict=True)]

    def text(self, what: str, rows: NDArray[np.int64]) -> list[str]:
        """The cells of rows at some positions, as text; "" where there is no such column."""
        if what not in self.cells:
            return [""] * len(rows)
        return [text.strip() for text in as_text(self.cells[what].take(pa.array(rows))).to_pylist()]

    def without(self, which: NDArray[np.bool_], reason: str) -> "Rows":
        """Those of the kept rows (n,) dropped as well."""
        rows = np.flatnonzero(which & self.kept)
        if len(rows) == 0:
            return self
        names, name = self.names, self.name
        finding = Finding(reason=reason, rows=rows, detail=lambda i: str(names[name[i]].species), kept=False)
        return replace(self, kept=self.kept & ~which, findings=[*self.findings, finding])

    def noting(self, reason: str, detail: str) -> "Rows":
        """With a remark on every row that is kept."""
        finding = Finding(reason=reason, rows=np.flatnonzero(self.kept), detail=lambda i: detail, kept=True)
        return replace(self, findings=[*self.findings, finding])

    def said(self) -> Iterator[tuple[int, Remark]]:
        """The number of a row and a remark on it: the reader's, then each reason for which rows were dropped, then what
        is said of those that are kept."""
        yield from self.remarks
        for finding in self.findings:
            for i, id in zip(finding.rows.tolist(), self.ids(finding.rows), strict=True):
                remark = Remark(row=id, reason=finding.reason, detail=finding.detail(i), kept=finding.kept)
                yield int(self.number[i]), remark


def read_rows(
    source: TableSource,
    columns: Mapping[str, str],
    rules: RowRules,
    path: Path,
    taxa: TaxonNames | None = None,
    crs: CRS | None = None,
) -> Iterator[Rows]:
    """All rows of a table, whose columns by TableColumns' names are given. taxa: the list that names are brought to.
    crs: of the coordinates; None: degrees of WGS84.

    Raises InputError where the table cannot be read to its end, and at its end where most of its places are wrong in a
    way that a whole column has.
    """
    tally = PlaceTally(lon_column=columns.get("lon", ""), lat_column=columns.get("lat", ""))
    of_names = NameColumn()
    ids = {} if taxa is None else {f"{kind} id": name for kind, name in taxa.id_columns(source.columns).items()}
    named = {**ids, **columns}
    unread = "" if set(_DATE_PARTS) & set(named) else unread_date(source.columns)
    for cells in source.cells(sorted(set(named.values()))):
        told = {what: cells.columns[name] for what, name in named.items()}
        rows = _understood(cells, told, rules, tally, of_names, taxa, crs)
        yield rows.noting(UNREAD, f"perhaps {unread!r}") if unread else rows
    tally.check(path)


def _understood(
    raw: Cells,
    cells: Mapping[str, pa.Array],
    rules: RowRules,
    tally: PlaceTally,
    of_names: NameColumn,
    taxa: TaxonNames | None,
    crs: CRS | None,
) -> Rows:
    rows = Sorting(len(raw))
    if "id" in cells:
        rows.drop(is_blank(cells["id"]), "no id", lambda i: f"row {raw.number[i]} of the table has an empty id")
    name, written, names = names_of(cells, taxa)
    if "rank" not in cells:
        names = of_names.among_others(written, names)
    absent = rules.apply(rows, cells, (name, written))
    rows.drop_by(
        name,
        [one.dropped for one in names],
        lambda i: repr(written[name[i]]) if written[name[i]] else "the taxon is empty",
    )
    rows.drop_cells("qualifier", cells, lambda text: DOUBTFUL if is_doubt(text) else "")
    lon_lat = without_zeros(read_places(cells, rows, tally, crs), rows, dropped=rules.wild_only)
    if taxa is not None:
        name, written, names = by_place((name, written, names), lon_lat, taxa)
    rows.note_by(name, [one.note for one in names], lambda i: written[name[i]])
    box = _boxes(cells, rows)
    split = _splits(cells, rows)
    day = _days(cells, rows)
    rules.dates.apply(rows, day)
    return Rows(
        number=raw.number,
        kept=rows.kept,
        absent=absent,
        names=names,
        name=name,
        lon_lat=lon_lat,
        day=day,
        count=_counts(cells, len(raw)),
        split=split,
        photo_box=box,
        cells=cells,
        findings=rows.findings(),
        remarks=raw.remarks,
    )


def _days(cells: Mapping[str, pa.Array], rows: Sorting) -> NDArray[np.int32]:
    n = len(rows.kept)
    parts = present_of(cells, *_DATE_PARTS)
    if not parts:
        return np.zeros(n, np.int32)
    blank = pa.repeat("", n)
    date = _without_time(as_text(parts["date"])) if "date" in parts else blank
    if "end" in cells:
        date = _until(date, _without_time(as_text(cells["end"])))
    codes, readings = by_distinct(read_date, date)
    day = np.array([_ordinal(reading) for reading in readings], np.int32)[codes]
    told = {what: date if what == "date" else as_text(column) for what, column in parts.items()}

    def detail(i: int) -> str:
        return " ".join(str(column[i]).strip() for column in told.values()).strip()[:200]

    if "month" not in parts:
        rows.note_by(codes, [reading.remark for reading in readings], detail)
        return day
    # Year, month and day are asked where the date's own cell does not name a day.
    exact = is_true(codes, (reading.is_exact for reading in readings))
    rows.note_by(codes, [reading.remark if reading.is_exact else "" for reading in readings], detail)
    left = np.flatnonzero(~exact)
    if len(left):
        some = [told.get(what, blank).take(pa.array(left)) for what in _DATE_PARTS]
        codes, readings = by_distinct(read_date_cells, *some)
        day[left] = np.array([_ordinal(reading) for reading in readings], np.int32)[codes]
        at = np.zeros(n, np.int64)
        at[left] = codes + 1
        rows.note_by(at, ["", *(reading.remark for reading in readings)], detail)
    return day


def _until(first: pa.Array, last: pa.Array) -> pa.Array:
    """Intervals, where a last day is told that is another."""
    both = pc.and_(pc.greater(pc.binary_length(last), 0), pc.greater(pc.binary_length(first), 0))
    several = pc.and_(both, pc.not_equal(first, last))
    return pc.if_else(several, pc.binary_join_element_wise(first, last, " - "), first)


def _ordinal(reading: DateReading) -> int:
    return 0 if reading.day is None else reading.day.toordinal()


def to_date(day: int) -> datetime.date | None:
    """The day of a number in `Rows.day`."""
    return datetime.date.fromordinal(day) if day else None


def _without_time(dates: pa.Array) -> pa.Array:
    """Dates without the times behind them, of which a table may have one a row: what is left is soon read."""
    longer = np.flatnonzero(to_bools(pc.greater(pc.binary_length(dates), _DAY_LENGTH)))
    if len(longer) == 0:
        return dates
    some = dates.take(pa.array(longer))
    codes, is_time = by_distinct(lambda text: _TIME.fullmatch(f"{text}") is not None, _behind(some))
    timed = np.zeros(len(dates), dtype=np.bool_)
    timed[longer] = is_true(codes, is_time)
    return pc.if_else(pa.array(timed), pc.utf8_slice_codeunits(dates, 0, _DAY_LENGTH), dates)


def _behind(dates: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(dates, _DAY_LENGTH, None)


def _counts(cells: Mapping[str, pa.Array], rows: int) -> NDArray[np.float64]:
    """(n,) individuals; NaN where the cell holds no number ("X" in eBird: seen, not counted)."""
    if "count" not in cells:
        return np.full(rows, np.nan)
    codes, found = by_distinct(_finite, cells["count"])
    return np.array(found, np.float64)[codes]


def _finite(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _splits(cells: Mapping[str, pa.Array], rows: Sorting) -> tuple[NDArray[np.int64], list[Split | None]]:
    if "split" not in cells:
        return np.zeros(len(rows.kept), np.int64), [None]
    codes, words = by_distinct(str.lower, cells["split"])
    unknown = ["split unknown" if word and word not in _SPLIT_WORDS else "" for word in words]
    rows.drop_by(codes, unknown, lambda i: f"split {words[codes[i]]!r}; allowed: {', '.join(_SPLIT_WORDS)}")
    return codes, [_SPLIT_WORDS.get(word) for word in words]


def _boxes(cells: Mapping[str, pa.Array], rows: Sorting) -> tuple[NDArray[np.int64], list[PhotoBox | None]]:
    if "box_x" not in cells:
        return np.zeros(len(rows.kept), np.int64), [None]
    codes, found = by_distinct(_box, *(cells[name] for name in _BOX))
    rows.drop_by(
        codes,
        ["" if reason is None else "photo box unreadable" for _, reason in found],
        lambda i: str(found[codes[i]][1]),
    )
    return codes, [box for box, _ in found]


def _box(*texts: str) -> tuple[PhotoBox | None, str | None]:
    """The box, or why there is none where something is written."""
    if not any(texts):
        return None, None
    try:
        x, y, width, height = map(float, texts)
    except ValueError:
        return None, f"{list(texts)} are not four numbers"
    if not (math.isfinite(x + y + width + height) and width > 0 and height > 0):
        return None, f"{list(texts)} is not a box with a width and a height"
    return (x, y, width, height), None
