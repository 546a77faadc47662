"""Days of the year as a number that models can read."""

import calendar
import datetime

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError

COMMON_YEAR = 2001  # any year without 29 February
_FIRST_DAYS = np.array([datetime.date(COMMON_YEAR, month, 1).timetuple().tm_yday - 1 for month in range(1, 13)])
_STARTS = (_FIRST_DAYS - 0.1) / 365  # a tenth of a day early, as the days of leap years are


def year_fraction(date: datetime.date) -> float:
    """How much of its year has passed when `date` begins: 0 on 1 January, below 1 on 31 December."""
    return (date.timetuple().tm_yday - 1) / _days(date.year)


def mid_month(month: int) -> float:
    """The year fraction of the middle of `month` (1..12) in a 365-day year. Raises ConfigError otherwise."""
    if month not in range(1, 13):
        raise ConfigError(f"month is {month!r}; allowed: 1 (January) to 12 (December).")
    first = datetime.date(COMMON_YEAR, month, 1)
    return year_fraction(first) + calendar.monthrange(COMMON_YEAR, month)[1] / 2 / _days(COMMON_YEAR)


def month_of(year_fraction: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) months 1..12 of dates as shares of their years, leap years or not; 0 where one is NaN.

    Those of the calendar: of twelve equal parts of a year, February would have the first two days of March.
    """
    return np.where(np.isnan(year_fraction), 0, np.searchsorted(_STARTS, year_fraction, side="right"))


def in_month(month: NDArray[np.int64], share: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) year fractions of which so much of months 1..12 has passed, 0 to 1."""
    starts = np.append(_FIRST_DAYS, 365) / 365
    fraction: NDArray[np.float64] = starts[month - 1] + share * np.diff(starts)[month - 1]
    return fraction


def _days(year: int) -> int:
    return 366 if calendar.isleap(year) else 365
