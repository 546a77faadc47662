import datetime

import numpy as np

from birdsat.earth.date import mid_month, year_fraction
from birdsat.earth.months import in_month, month_of


def test_every_day_is_in_its_month_of_the_calendar_in_leap_years_and_others() -> None:
    for year in (2023, 2024):
        days = [datetime.date(year, 1, 1) + datetime.timedelta(days=day) for day in range(365 + (year == 2024))]
        assert month_of(np.array([year_fraction(day) for day in days])).tolist() == [day.month for day in days]
    assert month_of(np.array([np.nan])).tolist() == [0]


def test_dates_drawn_in_a_month_are_of_that_month_from_its_first_day_to_its_last() -> None:
    months = np.repeat(np.arange(1, 13), 3)
    dates = in_month(months, np.tile([0.0, 0.5, 0.99], 12))
    np.testing.assert_array_equal(month_of(dates), months)
    np.testing.assert_allclose(dates[1::3], [mid_month(month) for month in range(1, 13)])
