import datetime

import pytest

from birdsat.earth.date import mid_month, year_fraction
from birdsat.errors import ConfigError


def test_the_year_starts_at_zero_and_ends_just_below_one() -> None:
    assert year_fraction(datetime.date(2023, 1, 1)) == 0
    assert year_fraction(datetime.date(2023, 12, 31)) == 364 / 365
    assert year_fraction(datetime.date(2024, 12, 31)) == 365 / 366


def test_a_leap_day_lies_between_its_neighbours() -> None:
    before, leap, after = (year_fraction(datetime.date(2024, *day)) for day in ((2, 28), (2, 29), (3, 1)))
    assert before < leap < after


def test_the_middle_of_a_month_lies_in_that_month() -> None:
    for month in range(1, 13):
        first = year_fraction(datetime.date(2023, month, 1))
        last = year_fraction(datetime.date(2023, month, 28))
        assert first < mid_month(month) < last
    assert mid_month(1) == pytest.approx(15.5 / 365)


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_month_outside_the_year_is_refused(month: int) -> None:
    with pytest.raises(ConfigError, match="1 \\(January\\) to 12"):
        mid_month(month)
