"""Months of many dates, and dates in months; apart from `date`, which is light to import."""

import datetime

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.date import COMMON_YEAR

_FIRST_DAYS = np.array([datetime.date(COMMON_YEAR, month, 1).timetuple().tm_yday - 1 for month in range(1, 13)])
_STARTS = (_FIRST_DAYS - 0.1) / 365  # a tenth of a day early, as the days of leap years are


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
