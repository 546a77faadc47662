"""Numbers of days, as `datetime.date.toordinal` gives them and 0 where the date is not known, as dates."""

import numpy as np
from numpy.typing import NDArray

_TO_UNIX = np.datetime64("1970-01-01").astype(object).toordinal()  # day number of the first day that NumPy counts

_Days = NDArray[np.int32]


def to_dates(day: _Days) -> NDArray[np.datetime64]:
    """(n,) days; NaT where the date is not known."""
    date: NDArray[np.datetime64] = (day.astype(np.int64) - _TO_UNIX).astype("datetime64[D]")
    date[day == 0] = np.datetime64("NaT")
    return date


def year_fractions(day: _Days) -> NDArray[np.float64]:
    """(n,) how much of its year has passed, as `birdsat.earth.date.year_fraction`; NaN where not known."""
    known = day > 0
    fraction = np.full(len(day), np.nan)
    date = to_dates(day[known])
    first = date.astype("datetime64[Y]")
    days = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    fraction[known] = (date - first.astype("datetime64[D]")) / days
    return fraction


def months(day: _Days) -> NDArray[np.int64]:
    """(n,) 1..12; 0 where the date is not known."""
    known = day > 0
    month = np.zeros(len(day), dtype=np.int64)
    month[known] = to_dates(day[known]).astype("datetime64[M]").astype(np.int64) % 12 + 1
    return month


def years(day: _Days) -> NDArray[np.int64]:
    """(n,) of the calendar; 0 where the date is not known."""
    known = day > 0
    year = np.zeros(len(day), dtype=np.int64)
    year[known] = to_dates(day[known]).astype("datetime64[Y]").astype(np.int64) + 1970
    return year
