"""What a date means, however it is written."""

import datetime

import pytest

from birdsat.errors import InputError
from birdsat.observations import dates
from birdsat.observations.dates import parse_day, read_date, read_date_cells, read_date_parts

DAY = datetime.date(2010, 7, 14)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2010-07-14",
            " 2010-07-14 ",
            "2010-7-14",
            "2010/07/14",
            "2010.07.14",
            "20100714",
            "2010 07 14",
            "2010-07-14.",
        ),
        *(
            "2010-07-14T10:15",
            "2010-07-14 20:19:00+00:00",
            "2010-07-14T23:59:59Z",
            "2010-07-14T23:30-08:00",
            "2010-07-14T",
        ),
        *(
            "2010-07-14 20:05:00 UTC",
            "2010-07-14 20:05:00 -0800",
            "2010-07-14 5:30 PM",
            "2010-07-14 10h15",
            "2010-07-14Z",
        ),
        *("2010-07-14T24:00:00", "20100714T101500Z", "2010-07-14 10:15:00 America/Los_Angeles", "2010-07-14 00:00"),
        *("7/14/2010", "14/7/2010", "14.07.2010", "14. 7. 2010", "14-07-2010", "07-14-2010 17:30", "7/14/2010 5:30 PM"),
        *(
            "14 July 2010",
            "14th July 2010",
            "July 14, 2010",
            "Jul 14 2010",
            "Jul. 14, 2010",
            "14-Jul-2010",
            "14JUL2010",
        ),
        *(
            "2010 Jul 14",
            "2010-Jul-14",
            "14.VII.2010",
            "14 vii 2010",
            "Wednesday 14 July 2010",
            "14 July 2010 at 10:15",
        ),
        *("Wed Jul 14 2010 20:05:00 GMT-0800 (PST)", "Wed, 14 Jul 2010 10:15:00 GMT", "Wed Jul 14 10:15:00 UTC 2010"),
        *(
            "14 juillet 2010",
            "14. Juli 2010",
            "14 de julio de 2010",
            "14 de julho de 2010",
            "14 luglio 2010",
            "14 juli 2010",
        ),
        *(
            "mercredi 14 juillet 2010",
            "2010年7月14日",
            "2010-W28-3",
            "2010W283",
            "2010-195",
            "[2010-07-14]",
            "'2010-07-14",
        ),
        *("2010-07-14T08:00:00Z/09:30:00Z", "2010-07-14T08:00/10:00", "2010-07-14/2010-07-14", "2010-07-14T08:00/PT3H"),
    ],
)
def test_a_form_with_one_reading_is_read_and_the_day_is_the_one_written(text):
    assert read_date(text) == dates.DateReading(day=DAY)
    assert read_date(text).is_exact


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-08-13T00:00Z/2023-08-16T00:00Z", "2023-08-14"),
        ("2018-05-19T00:00Z/2018-06-02T00:00Z", "2018-05-26"),
        ("1923-06-25/1923-06-27", "1923-06-26"),
        ("2021-05-30/2021-06-02", "2021-05-31"),
        ("1979-01-15/30", "1979-01-22"),
        ("2020-12-30/2021-01-02", "2020-12-31"),
        ("2012-07-01/2012-07-31", "2012-07-16"),
        ("2012-07/2012-07", "2012-07-16"),
        ("2012-02-01/2012-03-02", "2012-02-16"),
        ("2010-07-14/07-16", "2010-07-15"),
        ("2010-07-14 to 2010-07-16", "2010-07-15"),
        ("2010-07-14 – 2010-07-16", "2010-07-15"),
        ("2010-07-14..2010-07-16", "2010-07-15"),
        ("7/14/2010 - 7/16/2010", "2010-07-15"),
        ("14-16 July 2010", "2010-07-15"),
        ("July 14-16, 2010", "2010-07-15"),
        ("28 July - 3 August 2010", "2010-07-31"),
        ("3.-5.7.2010", "2010-07-04"),
        ("2010-07-14/P2D", "2010-07-15"),
        ("2010-W28", "2010-07-15"),
    ],
)
def test_an_interval_of_up_to_31_days_is_its_middle(text, day):
    found = read_date(text)
    assert (found.day, found.remark) == (datetime.date.fromisoformat(day), dates.SEVERAL_DAYS)
    assert found.first is not None and found.last is not None and found.first < found.last


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *(
            ("20100714.0", DAY),
            ("2010:07:14 08:30:00", DAY),
            ("2010_07_14", DAY),
            ("2010,7,14", DAY),
            ("2010. 7. 14.", DAY),
        ),
        *(
            ("14JUL2010:10:30:00", DAY),
            ("Mi, 14.07.2010", DAY),
            ("mer. 14 juillet 2010", DAY),
            ("2010년 7월 14일", DAY),
        ),
        *(("14.07.2010 10.30 Uhr", DAY), ("2010年07月14日", DAY)),
        *(("14 июля 2010", DAY), ("14 lipca 2010", DAY), ("14. července 2010", DAY), ("14 Temmuz 2010", DAY)),
        *(
            ("14. heinäkuuta 2010", DAY),
            ("2010. július 14.", DAY),
            ("14 de juliol de 2010", DAY),
            ("14 липня 2010", DAY),
        ),
    ],
)
def test_days_in_more_languages_and_with_other_marks_are_read(text, day):
    assert (read_date(text).day, read_date(text).remark) == (day, "")


@pytest.mark.parametrize("text", ["14.07.2010-16.07.2010", "14/07/2010-16/07/2010", "14/16.7.2010", "14.7.-16.7.2010"])
def test_intervals_with_a_hyphen_alone_between_are_read(text):
    assert read_date(text).day == (DAY + datetime.timedelta(days=1))


@pytest.mark.parametrize("text", ["2010-07-XX", "2010-07-??", "2010年7月", "Jul 2010"])
def test_a_day_that_is_marked_as_not_known_leaves_the_month(text):
    assert (read_date(text).day, read_date(text).remark) == (datetime.date(2010, 7, 15), dates.NO_DAY)


@pytest.mark.parametrize("text", ["1279100000", "1279100000.25", "1279100000000"])
def test_seconds_and_milliseconds_of_computers_are_the_day_they_stand_for(text):
    found = read_date(text)
    assert (found.day, found.remark, found.is_exact) == (DAY, dates.UNIX_TIME, True)


def test_a_date_in_the_future_is_left_out():
    today = datetime.date.today()
    assert read_date(str(today)).day == today
    for text in ("2099-01-01", str(today + datetime.timedelta(days=3)), "59000", "4000000000"):
        found = read_date(text)
        assert (found.day, found.remark) == (None, dates.IN_FUTURE)
    assert read_date_parts("2099", "1", "1").remark == dates.IN_FUTURE
    assert read_date_cells("2099-05-01", "2010", "7", "14").day == DAY


UNDATED = {
    dates.TOO_LONG: ("2015-04/2015-06", "2011/2012", "2010-07-01/2010-08-01", "2012-01/02"),
    dates.NO_MONTH: ("2010", "2010.0", "2010-00-00", "2010/2010"),
    dates.AMBIGUOUS: ("3/7/2010", "03.07.2010", "3-7-2010 10:00", "12/11/2010", "3/7/2010 - 5/7/2010"),
    dates.SHORT_YEAR: ("7/14/10", "14-Jul-10", "3/7/10", "14.07.'10"),
    dates.NOT_IN_CALENDAR: (
        *("2010-04-31", "2010-02-30", "2010-13-01", "2010-17-03", "31/4/2010", "14/14/2010"),
        *("0210-07-14", "9999-12-31", "2010-366", "2010-W60-1"),
    ),
    dates.BACKWARDS: ("2010-07-16/2010-07-14", "16-14 July 2010", "2010-07-14/13"),
    dates.OPEN: ("2010-07-14/", "/2010-07-14", "2010-07-14/..", "2010-07-14/unknown"),
    dates.COUNT_OF_DAYS: ("18262", "14000", "20000.5"),  # of R and Python since 1970, or a spreadsheet's since 1900
    dates.ZERO_DATE: ("1899-12-30", "1899-12-30 00:00:00", "30/12/1899"),
    dates.UNREADABLE: (
        *("14 July", "July", "1950s", "summer 2010", "ca. 2010-07-14", "2010-07-14?", "before 14 July 2010"),
        *("99999", "1005311430", "2010071408", "10:15", "2010/11", "x" * 10**6),
    ),
}


@pytest.mark.parametrize(("text", "remark"), [(text, remark) for remark, texts in UNDATED.items() for text in texts])
def test_what_is_not_a_day_or_has_two_readings_is_undated_and_says_why(text, remark):
    found = read_date(text)
    assert (found.day, found.remark) == (None, remark)


@pytest.mark.parametrize(
    "text", ["2010-07", "2010-7", "2010-07-00", "07/2010", "7.2010", "July 2010", "Jul-2010", "2010/07"]
)
def test_of_a_month_its_15th_is_taken(text):
    found = read_date(text)
    assert (found.day, found.remark) == (datetime.date(2010, 7, 15), dates.NO_DAY)
    assert (found.first, found.last) == (datetime.date(2010, 7, 1), datetime.date(2010, 7, 31))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "NA",
            "n/a",
            "NaN",
            "None",
            "null",
            "unknown",
            "Unknown date",
            "not recorded",
            "n.d.",
            "s.d.",
            "-",
            "?",
        ),
        *(
            "0000-00-00",
            "0000-00-00 00:00:00",
            "00/00/0000",
            "0",
            "#VALUE!",
            "unbekannt",
            "sin fecha",
            "1900-01-00",
            "\\N",
        ),
    ],
)
def test_words_for_not_known_are_no_date_and_need_no_remark(text):
    assert read_date(text) == dates.DateReading(day=None)


@pytest.mark.parametrize("text", ["40244", "40244.0", "40244.83", "40244,5"])
def test_the_number_of_a_spreadsheet_is_the_day_it_stands_for_and_said(text):
    assert read_date(text) == dates.DateReading(day=datetime.date(2010, 3, 7), remark=dates.SERIAL)


@pytest.mark.parametrize(
    ("parts", "day", "remark"),
    [
        (("2010", "7", "14"), "2010-07-14", ""),
        (("2010.0", "07", "14.0"), "2010-07-14", ""),
        (("2010", "July", "14"), "2010-07-14", ""),
        (("2010", "VII", "14"), "2010-07-14", ""),
        (("2010", "7", ""), "2010-07-15", dates.NO_DAY),
        (("2010", "7", "NA"), "2010-07-15", dates.NO_DAY),
        (("2010", "7", "0"), "2010-07-15", dates.NO_DAY),
        (("2010", "", ""), None, dates.NO_MONTH),
        (("2010", "0", "0"), None, dates.NO_MONTH),
        (("", "7", "14"), None, dates.PARTS_UNREADABLE),
        (("10", "7", "14"), None, dates.PARTS_UNREADABLE),
        (("2010", "13", "1"), None, dates.PARTS_UNREADABLE),
        (("2010", "2", "30"), None, dates.PARTS_UNREADABLE),
        (("2010", "7", "14-16"), None, dates.PARTS_UNREADABLE),
        (("", "", ""), None, ""),
        (("NA", "NA", "NA"), None, ""),
        (("0", "0", "0"), None, ""),
    ],
)
def test_year_month_and_day_in_three_cells_are_a_date(parts, day, remark):
    found = read_date_parts(*parts)
    assert (found.day, found.remark) == (day and datetime.date.fromisoformat(day), remark)


@pytest.mark.parametrize("written", ["3/7/2010", "2010-04-31", "x", "2010", "2010-07", "7/14/10"])
def test_a_date_that_names_no_day_gives_way_to_good_year_month_and_day(written):
    assert read_date_cells(written, "2010", "7", "14") == dates.DateReading(day=DAY, remark=dates.FROM_PARTS)


def test_a_date_that_says_more_than_year_month_and_day_is_kept():
    assert read_date_cells("2010-07-13", "2010", "7", "14").day == datetime.date(2010, 7, 13)
    assert read_date_cells("2010-07-14/2010-07-16", "2010", "7", "14").day == datetime.date(2010, 7, 15)
    assert read_date_cells("2004-05-01/2004-09-30", "2004", "5", "1").remark == dates.TOO_LONG  # where it began
    assert read_date_cells("2010-07", "2010", "", "").day == datetime.date(2010, 7, 15)
    assert read_date_cells("unknown", "2010", "7", "14") == dates.DateReading(day=DAY)
    assert read_date_cells("x", "2010", "7").remark == dates.NO_DAY
    assert read_date_cells("x", "", "", "").remark == dates.UNREADABLE


def test_a_day_that_is_asked_for_must_be_one():
    assert parse_day("2010-07-14 20:19:00+00:00") == DAY
    assert parse_day("") is None and parse_day("  ") is None


@pytest.mark.parametrize("text", ["2010-02-30", "3/7/2010", "July", "2010", "2010-07", "nan", "40244"])
def test_another_text_in_place_of_a_day_is_refused_with_the_form_to_use(text):
    with pytest.raises(InputError, match="2010-07-14"):
        parse_day(text)
