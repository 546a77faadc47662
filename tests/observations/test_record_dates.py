"""Of which dates records are taken."""

import datetime
from pathlib import Path

import numpy as np
import pytest

from birdsat.errors import InputError, UnknownTaxonError
from birdsat.observations.dates import read_period
from birdsat.observations.day_numbers import months
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.record_dates import AFTER, BEFORE, OTHER_MONTH, UNDATED, RecordDates

ROWS = ("2014-12-31", "2015-01-01", "2015-06-15", "2016-02-29", "2016-03-01", "", "2016")


def day(year: int, month: int, of_month: int) -> datetime.date:
    return datetime.date(year, month, of_month)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [f"Parus major,{i},{i},{date}" for i, date in enumerate(ROWS, start=1)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["taxon,lon,lat,date", *rows]))
    return path


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("2015", day(2015, 1, 1), day(2015, 12, 31)),
        ("2016-02", day(2016, 2, 1), day(2016, 2, 29)),
        ("2015-06-01", day(2015, 6, 1), day(2015, 6, 1)),
        ("1 June 2015", day(2015, 6, 1), day(2015, 6, 1)),
        ("June 2015", day(2015, 6, 1), day(2015, 6, 30)),
        ("2015-06-01/2015-08-31", day(2015, 6, 1), day(2015, 8, 31)),
    ],
)
def test_a_year_a_month_or_a_day_is_its_days(asked: str, first: datetime.date, last: datetime.date) -> None:
    assert read_period(asked) == (first, last)


@pytest.mark.parametrize("asked", ["", "june", "3/7/2010", "2015-13", "2015-02-30", "15", "42005", "0000", "x" * 200])
def test_what_has_no_reading_or_several_is_not_a_date(asked: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read as one; write a year, a month or a day"):
        read_period(asked)


def test_rows_of_other_dates_and_without_one_are_dropped_and_counted(table: Path) -> None:
    asked = RecordDates(first=day(2015, 1, 1), last=day(2016, 2, 29), months=(1, 2))
    found = read_occurrences(table, dates=asked)
    assert [str(date) for date in found.date] == ["2015-01-01", "2016-02-29"]
    assert found.dropped == {BEFORE: 1, AFTER: 1, OTHER_MONTH: 1, UNDATED: 2}
    assert len(read_occurrences(table)) == len(ROWS)  # where nothing is asked, they are all there
    assert read_occurrences(table, dates=RecordDates(months=(6,))).dropped == {UNDATED: 2, OTHER_MONTH: 4}


def test_where_none_is_left_the_dates_that_there_are_are_said(table: Path) -> None:
    with pytest.raises(InputError, match=r"dates asked for.*from 2014-12-31 to 2016-03-01, in months 1, 2, 3, 6, 12"):
        read_occurrences(table, dates=RecordDates(first=day(2020, 1, 1)))
    table.write_text("taxon,lon,lat\nParus major,1,2\n")
    with pytest.raises(InputError, match=r"No row has a date") as refused:
        read_occurrences(table, dates=RecordDates(first=day(2020, 1, 1)))
    assert set(refused.value.settings) == {"from_date", "to_date", "record_months"}


def test_months_of_days_before_and_after_1970() -> None:
    dates = [day(1815, 6, 18), day(1969, 12, 31), day(1970, 1, 1), day(2024, 2, 29)]
    assert months(np.array([date.toordinal() for date in dates], np.int32)).tolist() == [6, 12, 1, 2]


def test_a_taxon_of_other_dates_is_not_called_unknown(table: Path) -> None:
    rows = ["Pica pica,1,1,2010-05-01", "Pica pica,2,2,2009-07-01", "Pica pica,2,2,", "Corvus corax,1,1,"]
    table.write_text(table.read_text() + "\n" + "\n".join(rows))
    found = read_occurrences(table, dates=RecordDates(first=day(2015, 1, 1)))
    assert found.taxa == ("Parus major",) and found.named("parus major") == "Parus major"
    with pytest.raises(InputError, match=r"'pica pica' has no record of the dates.*from 2009-07-01 to 2010-05-01"):
        found.named("pica pica")
    with pytest.raises(InputError, match=r"'Corvus corax' has no record.*no record of it has a date"):
        found.of("Corvus corax")
    with pytest.raises(UnknownTaxonError):
        found.named("Corvus corix")
    other = read_occurrences(table, dates=RecordDates(last=day(2015, 1, 1)))
    with pytest.raises(InputError, match="has no record of the dates asked for"):
        found.joined(found).only_taxa(("Parus major",)).named("Corvus corax")
    assert other.named("Pica pica") == "Pica pica"
