"""Of which dates records are asked for, and what is said of those whose dates are not read."""

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.observations import dates
from birdsat.observations.day_numbers import months
from birdsat.observations.readers.sorting import Sorting

BEFORE = "before the first date asked for"
AFTER = "after the last date asked for"
OTHER_MONTH = "in a month not asked for"
UNDATED = "without a date that can be read, where dates are asked for"
DATE_LOST = (
    *(dates.NO_MONTH, dates.TOO_LONG, dates.UNREADABLE, dates.NOT_IN_CALENDAR, dates.AMBIGUOUS, dates.SHORT_YEAR),
    *(dates.BACKWARDS, dates.OPEN, dates.IN_FUTURE, dates.COUNT_OF_DAYS, dates.UNREAD, dates.PARTS_UNREADABLE),
)
OTHER_DATES = frozenset((BEFORE, AFTER, OTHER_MONTH, UNDATED))


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordDates:
    """Those to keep. Where any are asked for, records without a date are not among them."""

    first: datetime.date | None = None  # None: from the beginning
    last: datetime.date | None = None  # None: to the end
    months: tuple[int, ...] = ()  # 1..12; none: all

    @property
    def are_all(self) -> bool:
        """Whether nothing is asked for."""
        return self.first is None and self.last is None and not self.months

    def apply(self, rows: Sorting, day: NDArray[np.int32]) -> None:
        """Drop rows of other dates. day: (n,) datetime.date.toordinal; 0 where not known."""
        if self.are_all:
            return

        def shown(i: int) -> str:
            return str(datetime.date.fromordinal(int(day[i])))

        rows.drop(day == 0, UNDATED, lambda i: "no date")
        if self.first is not None:
            rows.drop(day < self.first.toordinal(), BEFORE, shown)
        if self.last is not None:
            rows.drop(day > self.last.toordinal(), AFTER, shown)
        if self.months:
            rows.drop(~np.isin(months(day), self.months), OTHER_MONTH, shown)


ALL_DATES = RecordDates()
