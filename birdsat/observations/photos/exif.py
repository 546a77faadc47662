"""Place and time in a photo's EXIF, as cameras write them, and what is wrong with them (Exif 2.32, 4.6.6 to 4.6.8)."""

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from birdsat.earth.place import Place

_EXIF_BLOCK, _GPS_BLOCK = 0x8769, 0x8825
_TAKEN = ((0x9003, 0x9011), (0x9004, 0x9012))  # time and zone: DateTimeOriginal, DateTimeDigitized
_ANY_ZONE = 0x9010  # OffsetTime
_LAT_REF, _LAT, _LON_REF, _LON, _GPS_TIME, _GPS_DATE = 1, 2, 3, 4, 7, 29
_TIME = re.compile(r"(\d{4})[:/-](\d{1,2})[:/-](\d{1,2})[ T](\d{1,2}):(\d{2}):(\d{2})")
_ZONE = re.compile(r"([+-])(\d{1,2}):?(\d{2})")
NULL_ISLAND = 1e-3  # degrees around 0, 0, where receivers without a fix are
_QUARTER = datetime.timedelta(minutes=15)  # zones differ by quarters of an hour
_CLOCK_ERROR = datetime.timedelta(minutes=3)  # between a camera's clock and the satellites' that still tells the zone
_LARGEST_ZONE = datetime.timedelta(hours=14)

AT_ZERO = "EXIF place at 0, 0, as of a receiver without a fix: left out"
NOT_ON_EARTH = "EXIF place not on Earth: left out"
UNREADABLE_PLACE = "EXIF place unreadable: left out"
UNREADABLE_TIME = "EXIF time unreadable: left out"
IN_FUTURE = "EXIF date in the future: left out"
EXIF_REMARKS = (AT_ZERO, NOT_ON_EARTH, UNREADABLE_PLACE, UNREADABLE_TIME, IN_FUTURE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExifFacts:
    """What EXIF says of where and when; None is not known."""

    place: Place | None = None
    taken: datetime.datetime | None = None  # by the camera's clock, without a zone
    zone: datetime.timedelta | None = None  # of that clock, east of UTC
    remarks: tuple[str, ...] = ()  # short, the same for all photos of which it is true: photos are counted by them


def exif_facts(exif: Image.Exif, *, today: datetime.date | None = None) -> ExifFacts:
    """Read them. Never raises: what cannot be read is left out, with a remark."""
    if not len(exif):
        return ExifFacts()
    remarks: list[str] = []
    gps, block = _block(exif, _GPS_BLOCK), _block(exif, _EXIF_BLOCK)
    place = _place(gps, remarks)
    taken, zone = _taken(block, remarks)
    if taken is not None and zone is None:
        zone = _zone_by_satellites(taken, gps)
    # A day more, for it may be tomorrow where the photo was taken.
    if taken is not None and taken.date() > (today or datetime.date.today()) + datetime.timedelta(days=1):
        remarks.append(IN_FUTURE)
        taken = zone = None
    return ExifFacts(place=place, taken=taken, zone=zone, remarks=tuple(remarks))


def _block(exif: Image.Exif, tag: int) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(tag)
    except Exception:  # a damaged block
        return {}


def _place(gps: Mapping[int, Any], remarks: list[str]) -> Place | None:
    if _LAT not in gps and _LON not in gps:
        return None
    try:
        lat, lon = _degrees(gps[_LAT], gps.get(_LAT_REF), "S"), _degrees(gps[_LON], gps.get(_LON_REF), "W")
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        remarks.append(UNREADABLE_PLACE)
        return None
    if not (math.isfinite(lat) and math.isfinite(lon)):
        remarks.append(UNREADABLE_PLACE)
    elif abs(lat) > 90 or abs(lon) > 180:
        remarks.append(NOT_ON_EARTH)
    elif max(abs(lon), abs(lat)) < NULL_ISLAND:
        remarks.append(AT_ZERO)
    else:
        return Place(lon, lat)
    return None


def _degrees(value: Any, half: Any, negative: str) -> float:
    """Of degrees, minutes and seconds, or degrees alone."""
    parts = [float(part) for part in (value if isinstance(value, tuple | list) else (value,))]
    if not 1 <= len(parts) <= 3:
        raise ValueError("not an angle")
    degrees = sum(part / scale for part, scale in zip(parts, (1, 60, 3600), strict=False))
    letter = half.decode("ascii", "replace") if isinstance(half, bytes) else str(half or "")
    return -degrees if letter.strip("\0 ").upper() == negative else degrees


def _taken(block: Mapping[int, Any], remarks: list[str]) -> tuple[datetime.datetime | None, datetime.timedelta | None]:
    for time_tag, zone_tag in _TAKEN:
        text = _text(block.get(time_tag))
        if not text.strip(": 0-"):  # blank, or 0000:00:00, as of a clock that was never set
            continue
        found = _TIME.match(text)
        try:
            if found is None:
                raise ValueError(text)
            taken = datetime.datetime(*map(int, found.groups()))  # type: ignore[arg-type]
        except ValueError:
            remarks.append(UNREADABLE_TIME)
            continue
        zone = read_zone(_text(block.get(zone_tag)))
        return taken, read_zone(_text(block.get(_ANY_ZONE))) if zone is None else zone
    return None, None


def read_zone(text: str) -> datetime.timedelta | None:
    """How far a zone such as -07:00 is east of UTC; None where it is not one."""
    if text.strip().upper() == "Z":
        return datetime.timedelta(0)
    if (found := _ZONE.fullmatch(text.strip())) is None:
        return None
    zone = datetime.timedelta(hours=int(found[2]), minutes=int(found[3]))
    return None if zone > _LARGEST_ZONE else -zone if found[1] == "-" else zone


def _zone_by_satellites(taken: datetime.datetime, gps: Mapping[int, Any]) -> datetime.timedelta | None:
    """The zone that lies between the camera's clock and the time of the fix, which is UTC; None where the two are not a
    zone apart, as with a fix of another day."""
    try:
        hours, minutes, seconds = (float(part) for part in gps[_GPS_TIME])
        year, month, day = map(int, re.split(r"[:/-]", _text(gps[_GPS_DATE]).strip()))
        fix = datetime.datetime(year, month, day) + datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        quarters = round((taken - fix) / _QUARTER)
        zone = quarters * _QUARTER
        return zone if abs(taken - fix - zone) <= _CLOCK_ERROR and abs(zone) <= _LARGEST_ZONE else None
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _text(value: Any) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""
    return text.replace("\0", "").strip()
