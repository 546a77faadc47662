"""Of which dates records are asked for."""

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.observations.readers.sorting import Sorting

BEFORE = "before the first date asked for"
AFTER = "after the last date asked for"
OTHER_MONTH = "in a month not asked for"
UNDATED = "without a date, where dates are asked for"
OTHER_DATES = frozenset((BEFORE, AFTER, OTHER_MONTH, UNDATED))
_UNIX_DAY = datetime.date(1970, 1, 1).toordinal()


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
            rows.drop(~np.isin(months_of(day), self.months), OTHER_MONTH, shown)


ALL_DATES = RecordDates()


def months_of(day: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) months 1..12 of days, datetime.date.toordinal, none of which is 0 or means anything where it is."""
    return np.asarray(
        (day.astype(np.int64) - _UNIX_DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    )
