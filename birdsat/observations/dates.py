"""Dates as tables write them: a day, an interval, a month, a spreadsheet's number, or words for not known.

This is the one place that reads a date. A form with one reading is read; one with two, as 3/7/2010, never is guessed.
The day is the one written: neither a time nor a zone moves it.
"""

import calendar
import datetime
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from birdsat.errors import InputError
from birdsat.observations.month_names import MONTHS

MOST_DAYS = 31  # of an interval that is taken for its middle
EARLIEST_YEAR, LATEST_YEAR = 1500, 2100
_LONGEST = 120  # characters; no date is longer

NO_DAY = "no day in date: middle of the month taken"
NO_MONTH = "no month in date: left out"
SEVERAL_DAYS = f"several days, {MOST_DAYS} at most: the middle taken"
TOO_LONG = f"date of more than {MOST_DAYS} days: left out"
UNREADABLE = "date unreadable: left out"
NOT_IN_CALENDAR = "date not in the calendar: left out"
AMBIGUOUS = "day and month of the date cannot be told apart: left out"
SHORT_YEAR = "year of two digits in date: left out"
BACKWARDS = "date ends before it begins: left out"
OPEN = "date without an end: left out"
SERIAL = "date is a spreadsheet's number: read as the day it stands for"
UNIX_TIME = "date is a computer's count of seconds since 1970: read as the day it stands for"
IN_FUTURE = "date in the future: left out"
COUNT_OF_DAYS = "date is a number of days since 1900 or since 1970, which cannot be told apart: left out"
ZERO_DATE = "date is a database's or spreadsheet's zero, 30 December 1899: left out"
UNREAD = "no column is known for the date: left out; name it, columns date=COLUMN"
FROM_PARTS = "date not exact or unreadable: year, month and day taken"
PARTS_UNREADABLE = "year, month and day unreadable: left out"

NOT_KNOWN_WORDS = frozenset(
    {
        *("", "-", "--", "---", ".", "?", "??", "0", "na", "n/a", "n.a.", "#n/a", "nan", "nat", "none", "null", "nil"),
        *("void", "unknown", "unk", "unk.", "not known", "date unknown", "unknown date", "undated", "no date", "nd"),
        *("n.d.", "n d", "sd", "s.d.", "s/d", "s.f.", "sin fecha", "missing", "not recorded", "not available", "empty"),
        *("not given", "unspecified", "not applicable", "not provided", "blank", "#value!", "#ref!", "false", "tbd"),
        *("unbekannt", "inconnu", "inconnue", "desconocido", "desconocida", "desconhecido", "ukjent", "okänd"),
        *("onbekend", "sconosciuta", "\\n", "n.d", "s.d", "1900-01-00", "1/0/1900", "00/01/1900", "0/1/1900"),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DateReading:
    """What a date in a table means."""

    day: datetime.date | None  # None: not known
    remark: str = ""  # "" where a day was written, or nothing; else one of those above, the same for every such date
    first: datetime.date | None = None  # of the days that it may be, where `day` is one of several
    last: datetime.date | None = None

    @property
    def is_exact(self) -> bool:
        """Whether it names one day."""
        return self.day is not None and (self.remark in ("", SERIAL, UNIX_TIME))


_UNDATED = DateReading(day=None)


def read_date(text: str) -> DateReading:
    """The day that a text means; an interval of up to MOST_DAYS days is its middle, a month its 15th.

    A date that cannot be read, or has several readings, gives no day and the remark that says so; words for "not
    known" give no day and no remark.
    """
    return _read_date(text) if len(text) <= _LONGEST else DateReading(day=None, remark=UNREADABLE)


@lru_cache(maxsize=1 << 16)
def _read_date(text: str) -> DateReading:
    date = _tidy(text)
    if _is_unknown(date):
        return _UNDATED
    found = _span(date.rstrip("."))
    if isinstance(found, str):
        return DateReading(day=None, remark=found)
    return _of_span(found)


def read_date_parts(year: str = "", month: str = "", day: str = "") -> DateReading:
    """The day that a year, a month (its number or name) and a day in three cells mean. Blank ones are not known."""
    parts = [_tidy(part[:_LONGEST]).removesuffix(".0") for part in (year, month, day)]
    y, m, d = ("" if _is_unknown(part) else part for part in parts)
    if not (y or m or d):
        return _UNDATED
    if m and not m.isdigit():
        m = str(MONTHS.get(m.rstrip(".").lower(), "?"))
    if not y:
        return DateReading(day=None, remark=PARTS_UNREADABLE if m or d else "")
    if not m:
        return DateReading(day=None, remark=NO_MONTH if y.isdigit() else PARTS_UNREADABLE)
    if not (y + m + d).isascii() or not (y + m + d).isdigit() or len(y) != 4:
        return DateReading(day=None, remark=PARTS_UNREADABLE)
    found = _days(int(y), int(m), int(d) if d else None)
    return DateReading(day=None, remark=PARTS_UNREADABLE) if isinstance(found, str) else _of_span(found)


def read_date_cells(date: str, year: str = "", month: str = "", day: str = "") -> DateReading:
    """The day of a row with a date and with year, month and day, any of which may be blank.

    Where the date's own cell names no day, or no interval of days, the others are asked for a more exact one.
    """
    own = read_date(date)
    if own.is_exact or own.remark in (SEVERAL_DAYS, TOO_LONG) or not (year or month or day):
        return own
    parts = read_date_parts(year, month, day)
    if parts.is_exact:
        return DateReading(day=parts.day, remark=FROM_PARTS if own.remark else "")
    if own.day is not None:
        return own
    return parts if parts.day is not None or not own.remark else own


def parse_day(text: str) -> datetime.date | None:
    """The day that is asked for; None for blank text. Raises InputError where it cannot be read, or is not one day."""
    found = read_date(text)
    if not text.strip() or (found.day is not None and not found.remark):
        return found.day
    if found.remark == IN_FUTURE:
        raise InputError(
            f"date {text!r} is in the future; write it as 2010-07-14, or leave it empty where it is not known."
        )
    raise InputError(
        f"date {text!r} is not one day of the calendar; write it as 2010-07-14, or leave it empty when the day is not "
        "known."
    )


def read_period(text: str) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of the year, month, day or interval that is asked for.

    Raises InputError where it cannot be read, or has several readings.
    """
    date = _tidy(text)
    if re.fullmatch(r"\d{4}", date) and EARLIEST_YEAR <= int(date) <= LATEST_YEAR:
        return datetime.date(int(date), 1, 1), datetime.date(int(date), 12, 31)
    found = UNREADABLE if _is_unknown(date) or len(text) > _LONGEST else _span(date.rstrip("."))
    if isinstance(found, str) or found[2] not in ("", NO_DAY):
        raise InputError(
            f"date {text!r} cannot be read as one; write a year, a month or a day: 2015, 2015-06, 2015-06-01."
        )
    return found[0], found[1]


_Span = tuple[datetime.date, datetime.date, str]  # first and last day, and a remark where it is not one day

_TIME = (
    r"(?:T|[T ,:]+(?:at )?(?:\d{1,2}(?::?\d{2}(?::?\d{2}(?:[.,]\d+)?)?)?|\d{1,2}[hH.]\d{2})"
    r"(?: ?[AaPp]\.?[Mm]\.?| ?Uhr| ?hrs?)?"
    r"(?: ?(?:Z|z|[A-Z]{3,5}))?(?: ?[+-]\d{1,2}(?::?\d{2}){0,2})?(?: ?\([^)]*\))?(?:\[[\w/+-]+\]| [A-Z]\w+/\w+)?)?"
)
_ONLY_TIME = re.compile(r"T?\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?")
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/. _,:]|\. )(\d{{1,2}})\2(\d{{1,2}})(?:Z|[+-]\d{{2}}:\d{{2}})?{_TIME}")
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/. ]|\. )(\d{{1,2}})\2(\d{{4}}){_TIME}")
_YEAR_SHORT = re.compile(rf"\d{{1,2}}([-/. ])(?:\d{{1,2}}|[^\W\d_]+)\1'?\d{{2}}{_TIME}")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+|[T ]?\d{4}(?:\d{2})?(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_WEEK = re.compile(rf"(\d{{4}})-?W(\d{{2}})(?:-?(\d))?{_TIME}")
_DAY_OF_YEAR = re.compile(rf"(\d{{4}})-(\d{{3}}){_TIME}")
_MONTH_ONLY = re.compile(r"(\d{4})[-./](\d{1,2})|(\d{1,2})[-/.](\d{4})")
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
_NAME = r"([^\W\d_]+)\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?"
_DE = r"(?:de |of |del )?"
_DAY_NAME_YEAR = re.compile(rf"{_DAY}[-/., ]*{_DE}{_NAME}[-/., ]*{_DE}(\d{{4}}){_TIME}")
_NAME_DAY_YEAR = re.compile(rf"{_NAME}[-/., ]*{_DAY}[-/., ]+(\d{{4}}){_TIME}")
_YEAR_NAME_DAY = re.compile(rf"(\d{{4}})[-/., ]*{_NAME}[-/., ]*{_DAY}{_TIME}")
_NAME_YEAR = re.compile(rf"{_NAME}[-/., ]*{_DE}(\d{{4}})|(\d{{4}})[-/., ]*{_NAME}")
_NAME_DAY_TIME_YEAR = re.compile(
    rf"{_NAME} {_DAY} \d{{1,2}}:\d{{2}}:\d{{2}} (?:[A-Z]{{3,5}} )?(\d{{4}})"
)  # as C prints it
_DAYS_OF_MONTH = re.compile(r"(\d{1,2})\.? ?[-/] ?(\d{1,2})\.(\d{1,2})\.(\d{4})")
_DAYS_OF_MONTHS = re.compile(r"(\d{1,2}\.\d{1,2})\.? ?- ?(\d{1,2}\.\d{1,2}\.(\d{4}))")
_TWO_DAYS = re.compile(r"(\d{1,2}([./])\d{1,2}\2\d{4}) ?- ?(\d{1,2}\2\d{1,2}\2\d{4})")
_UNIX_TIME = re.compile(r"(-?\d{9,10})(?:\d{3})?(?:\.\d+)?")
_NAME_OF_DAYS = re.compile(rf"{_NAME} {_DAY} ?(?:-|/|to|and|&) ?{_DAY},? (\d{{4}})")
_NAME_DAYS_YEAR = re.compile(rf"{_DAY} ?(?:-|/|to|bis|au|al?|&|and) ?{_DAY} ?{_DE}{_NAME}[-/., ]*{_DE}(\d{{4}})")
_WEEKDAY = re.compile(
    r"^(?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|"
    r"mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|"
    r"martes|miércoles|jueves|viernes|sábado|domingo|mo|di|mi|do|fr|sa|so|lun|mer|jeu|ven|sam|dim|mié|jue|vie|sáb|dom|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag)"
    r"[., ]+(?=\S)",
    re.IGNORECASE,
)
# Between two dates; the first that stands there once.
_UNTIL = tuple(map(re.compile, (r"\s(?:-|/|to|until|till|bis|through|à|hasta)\s", r"\.\.|--|;|\|", r"/")))
_DURATION = re.compile(r"P(\d+)([DW])|PT[\dHMS.]+")
_FIRST_SERIAL = datetime.date(1899, 12, 30)  # day 0 of spreadsheets, from March 1900 on
_SERIALS_END = 60000  # of the year 2064


_PLAIN = str.maketrans("‐‑‒–—−’", "------'", "日일")
_UNKNOWN_DAY = re.compile(r"(?<=\d{4}-\d{2})-(?:XX|xx|\?\?)$")


def _tidy(text: str) -> str:
    plain = " ".join(unicodedata.normalize("NFC", text).translate(_PLAIN).split()).strip("\"' ,;")
    if "年" in plain or "년" in plain:
        plain = re.sub(r"[年월月년]\s*", "-", plain).rstrip("-")
    plain = _UNKNOWN_DAY.sub("", plain)
    return plain[1:-1].strip() if plain[:1] + plain[-1:] in ("[]", "()") else plain


def _is_unknown(text: str) -> bool:
    return text.lower() in NOT_KNOWN_WORDS or (text != "" and set(text) <= set("0-/.:T #") and "0000" in text)


def _of_span(span: _Span) -> DateReading:
    first, last, remark = span
    if first == _FIRST_SERIAL and first == last:
        return DateReading(day=None, remark=ZERO_DATE)
    if first.toordinal() > datetime.date.today().toordinal() + 1:
        return DateReading(day=None, remark=IN_FUTURE, first=first, last=last)
    if first == last:
        return DateReading(day=first, remark=remark)
    if remark:
        return DateReading(day=first.replace(day=15), remark=remark, first=first, last=last)
    if (last - first).days >= MOST_DAYS:
        return DateReading(day=None, remark=TOO_LONG, first=first, last=last)
    return DateReading(day=first + (last - first) // 2, remark=SEVERAL_DAYS, first=first, last=last)


def _span(date: str) -> _Span | str:
    """First and last day of a date, or the remark on why there is none."""
    date = _WEEKDAY.sub("", date)
    for read in (_numbers, _names):
        if (found := read(date)) is not None:
            return found
    if date.startswith("../") or date.endswith("/.."):
        return OPEN
    for until in _UNTIL:
        if len(parts := until.split(date)) == 2:
            return _interval(parts[0].strip(), parts[1].strip())
    return UNREADABLE


def _numbers(date: str) -> _Span | str | None:
    if found := _YEAR_FIRST.fullmatch(date):
        return _days_or_less(found[1], found[3], found[4])
    if found := _COMPACT.fullmatch(date):
        return _days(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAYS_OF_MONTH.fullmatch(date):
        year, month = int(found[4]), int(found[3])
        return _between(_days(year, month, int(found[1])), _days(year, month, int(found[2])))
    if found := _YEAR_LAST.fullmatch(date):
        return _either_way(int(found[1]), int(found[3]), int(found[4]))
    if found := _DAYS_OF_MONTHS.fullmatch(date):
        return _interval(f"{found[1]}.{found[3]}", found[2])
    if found := _TWO_DAYS.fullmatch(date):
        return _interval(found[1], found[3])
    if _SERIAL.fullmatch(date):
        number = int(date[:5])
        # Below, a day that R and Python count from 1970 may be meant as well.
        if not _latest_unix_day() < number < _SERIALS_END:
            return UNREADABLE if number >= _SERIALS_END else COUNT_OF_DAYS
        day = _FIRST_SERIAL + datetime.timedelta(days=number)
        return day, day, SERIAL
    if found := _UNIX_TIME.fullmatch(date):
        return _unix_day(date, int(found[1]))
    if found := _WEEK.fullmatch(date):
        return _week(int(found[1]), int(found[2]), found[3])
    if found := _DAY_OF_YEAR.fullmatch(date):
        first = _days(int(found[1]), 1, 1)
        if isinstance(first, str):
            return first
        day = first[0] + datetime.timedelta(days=int(found[2]) - 1)
        return (day, day, "") if day.year == int(found[1]) else NOT_IN_CALENDAR
    if (found := re.fullmatch(r"(\d{4})/(\d{1,2})", date)) and len(found[2]) == 2 and int(found[2]) > int(found[1][2:]):
        return UNREADABLE  # 2010/11: a month, or two years
    if found := _MONTH_ONLY.fullmatch(date):
        return _days_or_less(found[1] or found[4], found[2] or found[3], "0")
    if re.fullmatch(r"\d{4}(?:\.0)?", date):
        return NO_MONTH
    return SHORT_YEAR if _YEAR_SHORT.fullmatch(date) else None


def _names(date: str) -> _Span | str | None:
    date = _WEEKDAY.sub("", date)
    if found := _DAY_NAME_YEAR.fullmatch(date):
        return _named(found[3], found[2], found[1])
    if found := _NAME_DAY_YEAR.fullmatch(date):
        return _named(found[3], found[1], found[2])
    if found := _YEAR_NAME_DAY.fullmatch(date):
        return _named(found[1], found[2], found[3])
    if found := _NAME_YEAR.fullmatch(date):
        return _named(found[2] or found[3], found[1] or found[4], None)
    if found := _NAME_DAY_TIME_YEAR.fullmatch(date):
        return _named(found[3], found[1], found[2])
    if found := _NAME_DAYS_YEAR.fullmatch(date):
        return _between(_named(found[4], found[3], found[1]), _named(found[4], found[3], found[2]))
    if found := _NAME_OF_DAYS.fullmatch(date):
        return _between(_named(found[4], found[1], found[2]), _named(found[4], found[1], found[3]))
    return None


def _between(first: _Span | str, last: _Span | str) -> _Span | str:
    if isinstance(first, str) or isinstance(last, str):
        return first if isinstance(first, str) else last
    return (first[0], last[1], "") if first[0] <= last[1] else BACKWARDS


def _named(year: str, month: str, day: str | None) -> _Span | str:
    number = MONTHS.get(month.lower())
    return UNREADABLE if number is None else _days(int(year), number, None if day is None else int(day))


def _unix_day(date: str, seconds: int) -> _Span | str:
    """The day, in UTC, of a count of seconds or milliseconds, which must not be a date of ten digits as well."""
    if re.fullmatch(r"(?:1[5-9]|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[0-2]\d", date):
        return UNREADABLE  # 2020050114: a day and an hour
    if re.fullmatch(r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d", date):
        return UNREADABLE  # 2005011430: a day of a short year, and a time
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=seconds // 86_400)
    return day, day, UNIX_TIME


def _latest_unix_day() -> int:
    """Days since 1970, up to tomorrow: somewhere on Earth it has begun."""
    return datetime.date.today().toordinal() - datetime.date(1970, 1, 1).toordinal() + 1


def _days_or_less(year: str, month: str, day: str) -> _Span | str:
    """As `_days`, where databases write 00 for a day or a month that is not known."""
    if int(month) == 0:
        return NO_MONTH
    return _days(int(year), int(month), int(day) or None)


def _days(year: int, month: int, day: int | None) -> _Span | str:
    if not (EARLIEST_YEAR <= year <= LATEST_YEAR and 1 <= month <= 12):
        return NOT_IN_CALENDAR
    length = calendar.monthrange(year, month)[1]
    if day is None:
        return datetime.date(year, month, 1), datetime.date(year, month, length), NO_DAY
    if not 1 <= day <= length:
        return NOT_IN_CALENDAR
    only = datetime.date(year, month, day)
    return only, only, ""


def _either_way(one: int, two: int, year: int) -> _Span | str:
    """Of a day and a month in an order that is not known."""
    if one <= 12 and two <= 12 and one != two:
        return AMBIGUOUS
    return _days(year, two, one) if two <= 12 else _days(year, one, two)


def _week(year: int, week: int, day: str | None) -> _Span | str:
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return NOT_IN_CALENDAR
    try:
        if day is not None:
            only = datetime.date.fromisocalendar(year, week, int(day))
            return only, only, ""
        return datetime.date.fromisocalendar(year, week, 1), datetime.date.fromisocalendar(year, week, 7), ""
    except ValueError:
        return NOT_IN_CALENDAR


def _interval(start: str, end: str) -> _Span | str:
    if not start or not end or ".." in (start, end) or _is_unknown(start) or _is_unknown(end):
        return OPEN
    if re.fullmatch(r"\d{4}", start) and re.fullmatch(r"\d{4}", end):
        return TOO_LONG if start != end else NO_MONTH
    first = _piece(start)
    if first == UNREADABLE and (year := re.search(r"\d{4}$", end)):  # "28 July - 3 August 2010"
        first = _piece(f"{start} {year[0]}")
    if isinstance(first, str):
        return first
    if duration := _DURATION.fullmatch(end):
        length = int(duration[1] or 0) * (7 if duration[2] == "W" else 1)
        return first[0], first[1] + datetime.timedelta(days=min(length, 10_000)), ""
    if _ONLY_TIME.fullmatch(end):
        return first
    if re.match(r"\d{4}-\d{2}", start) and re.match(r"\d{1,2}(?:\D|$)", end):
        # ISO 8601 lets the end leave out what it shares with the start.
        days = re.match(r"\d{4}-\d{2}(?:-\d{2})?", start)
        assert days is not None
        date, _, time = end.partition("T")
        end = days[0][: len(days[0]) - len(date)] + date + (f"T{time}" if time else "")
    return _between(first, _piece(end))


def _piece(date: str) -> _Span | str:
    """One end of an interval."""
    found = _numbers(date) or _names(date)
    if found is None or (not isinstance(found, str) and found[2] == SERIAL):
        return UNREADABLE
    return TOO_LONG if found == NO_MONTH else found
