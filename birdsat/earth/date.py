"""Days of the year as a number that models can read."""

import calendar
import datetime

from birdsat.errors import ConfigError, InputError

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


def parse_date(text: str) -> datetime.date | None:
    """The day in an ISO 8601 date or date-time such as "2010-07-14 20:19:00+00:00"; None for blank text.

    The day is the one written: a time zone does not move it. Raises InputError for anything else.
    """
    text = text.strip()
    if not text:
        return None
    try:
        return datetime.datetime.fromisoformat(text).date()
    except ValueError as error:
        raise InputError(
            f"date {text!r} is not a day of the calendar in ISO form (2010-07-14, or with a time behind it); "
            "rewrite it, or leave it empty when the day is not known."
        ) from error


def _days(year: int) -> int:
    return 366 if calendar.isleap(year) else 365
