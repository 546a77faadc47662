"""What became of the rows of tables: how many were read, dropped and kept without a part, by reason."""

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from birdsat.errors import InputError
from birdsat.observations.coordinates import AT_ZERO, SWAPPED
from birdsat.observations.day_numbers import months
from birdsat.observations.readers.rows import Rows
from birdsat.observations.record_dates import OTHER_DATES
from birdsat.observations.scientific_names import NOT_SCIENTIFIC
from birdsat.tables import Table

NO_PLACE = "no place"
UNCERTAIN = "place uncertain"  # how the reason begins


class RowTally:
    """Counts of rows. Every row that was read is dropped for one reason, or kept."""

    def __init__(self) -> None:
        self.rows = 0
        self.dropped: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()  # of rows that are kept
        self._examples: dict[str, str] = {}  # what was found in the first row dropped for a reason
        # First and last of the rows of other dates than those asked for.
        self._first_day, self._last_day = datetime.date.max, datetime.date.min
        self._months: set[int] = set()  # of these

    def add(self, rows: Rows) -> None:
        """Count some rows, and the remarks on them."""
        self.rows += len(rows)
        for finding in rows.findings:
            self.count(finding.reason, len(finding.rows), kept=finding.kept)
            if not finding.kept and finding.reason not in self._examples and len(finding.rows):
                self._examples[finding.reason] = finding.detail(int(finding.rows[0]))
            if finding.reason in OTHER_DATES and len(known := rows.day[finding.rows][rows.day[finding.rows] > 0]):
                self._first_day = min(self._first_day, datetime.date.fromordinal(int(known.min())))
                self._last_day = max(self._last_day, datetime.date.fromordinal(int(known.max())))
                self._months.update(months(known).tolist())
        for _, remark in rows.remarks:
            self.rows += not remark.kept  # of a kept one, the row comes by itself as well
            self.count(remark.reason, 1, kept=remark.kept)
        own = np.array([not name.is_scientific for name in rows.names], dtype=np.bool_)
        if own.any() and (of_own := int(np.count_nonzero(own[rows.name] & rows.kept))):
            self.noted[NOT_SCIENTIFIC] += of_own

    def count(self, reason: str, rows: int, *, kept: bool) -> None:
        """Count rows for a reason: as dropped, or as kept without a part."""
        (self.noted if kept else self.dropped)[reason] += rows

    def drop(self, reason: str, rows: int) -> None:
        """Count kept rows as dropped after all."""
        if rows:
            self.dropped[reason] += rows

    def remarks(self) -> Iterator[str]:
        """For people: how many rows were dropped, and kept without a part, for each reason."""
        for done, reasons in ("dropped", self.dropped), ("kept", self.noted):
            for reason, rows in reasons.items():
                yield f"{rows:,} {'row' if rows == 1 else 'rows'} {done}: {reason}"

    def nothing_left(self, tables: str) -> InputError:
        """The error of tables of which no row is a record with a place; tables: as they were named."""
        why = self.reasons() or "there are no rows"
        if not OTHER_DATES.intersection(self.dropped):
            remedy, settings = self._remedy()
            return InputError(f"{tables}: no row is a record with a place: {why}. {remedy}", settings=settings)
        there = "No row has a date."
        if self._months:
            months = f"month{'' if len(self._months) == 1 else 's'} {', '.join(map(str, sorted(self._months)))}"
            there = f"There are dates from {self._first_day} to {self._last_day}, in {months}."
        return InputError(
            f"{tables}: no row is a record of the dates asked for: {why}. {there} Ask for others.",
            settings=("from_date", "to_date", "record_months"),
        )

    def _remedy(self) -> tuple[str, tuple[str, ...]]:
        """What to do against the most frequent reason, and the settings that it is about."""
        counted = sorted(self.dropped.items(), key=_often_first)
        reason = counted[0][0] if counted else ""
        if reason == SWAPPED:
            return "Say which column is which: columns lon=COLUMN lat=COLUMN.", ("columns",)
        if reason.startswith(UNCERTAIN):
            return "Allow for less exact places, or give other records.", ("max_uncertainty_km",)
        if not reason or reason in (NO_PLACE, AT_ZERO) or reason.startswith("coordinates"):
            return "Give a table with coordinates.", ()
        return "Give a table with records of wild birds, named to the species.", ()

    def reasons(self) -> str:
        """Why rows were dropped, the most frequent reason first and with an example, for a message."""
        counted = sorted(self.dropped.items(), key=_often_first)
        example = self._examples.get(counted[0][0], "") if counted else ""
        listed = ", ".join(f"{reason} ({count:,})" for reason, count in counted)
        return f"{listed}, such as {example[:100]}" if example else listed


def rows_table(title: str, rows: int, dropped: Mapping[str, int], noted: Mapping[str, int]) -> Table:
    """For the console: what became of rows that were read."""
    table = Table(title=title)
    table.add_column("what became of the rows")
    table.add_column("number")
    table.add_row("read", f"{rows:,}")
    for heading, counted in (("dropped", dropped), ("kept", noted)):
        for reason, count in sorted(counted.items(), key=_often_first):
            table.add_row(f"{heading}: {reason}", f"{count:,}")
    return table


def _often_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]
