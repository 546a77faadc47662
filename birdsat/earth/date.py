"""Days of the year as a number that models can read."""

import calendar
import datetime

from birdsat.errors import ConfigError

COMMON_YEAR = 2001  # any year without 29 February


def year_fraction(date: datetime.date) -> float:
    """How much of its year has passed when `date` begins: 0 on 1 January, below 1 on 31 December."""
    return (date.timetuple().tm_yday - 1) / _days(date.year)


def mid_month(month: int) -> float:
    """The year fraction of the middle of `month` (1..12) in a 365-day year. Raises ConfigError otherwise."""
    if month not in range(1, 13):
        raise ConfigError(f"month is {month!r}; allowed: 1 (January) to 12 (December).")
    first = datetime.date(COMMON_YEAR, month, 1)
    return year_fraction(first) + calendar.monthrange(COMMON_YEAR, month)[1] / 2 / _days(COMMON_YEAR)


def _days(year: int) -> int:
    return 366 if calendar.isleap(year) else 365
