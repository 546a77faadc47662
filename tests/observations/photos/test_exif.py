"""Place and time in EXIF, as cameras write them and as they get them wrong."""

import datetime
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from birdsat.earth.place import Place
from birdsat.observations.photos import exif as reading
from birdsat.observations.photos.exif import ExifFacts, exif_facts, read_zone

SEATTLE = {1: "N", 2: (47.0, 39.0, 15.34), 3: "W", 4: (122.0, 17.0, 42.87)}
TODAY = datetime.date(2024, 6, 1)


def facts(block: dict[int, Any] | None = None, gps: dict[int, Any] | None = None) -> ExifFacts:
    made = Image.Exif()
    made[0x0110] = "a camera"
    made.get_ifd(0x8769).update(block or {})
    made.get_ifd(0x8825).update(gps or {})
    return exif_facts(made, today=TODAY)


def test_place_time_and_zone_are_read() -> None:
    found = facts({0x9003: "2024:05:01 06:30:09", 0x9011: "-07:00"}, SEATTLE)
    assert found.place is not None
    assert (round(found.place.lon, 5), round(found.place.lat, 5)) == (-122.29524, 47.65426)
    assert found.taken == datetime.datetime(2024, 5, 1, 6, 30, 9)
    assert found.zone == -datetime.timedelta(hours=7) and found.remarks == ()


def test_a_photo_without_exif_is_legal() -> None:
    assert facts() == ExifFacts() == exif_facts(Image.Exif())


def test_a_block_written_to_bytes_and_read_again_says_the_same() -> None:
    made = Image.Exif()
    made[0x0110] = "a camera"
    made.get_ifd(0x8769).update({0x9003: "2024:05:01 06:30:09"})
    made.get_ifd(0x8825).update(SEATTLE)
    again = Image.Exif()
    again.load(made.tobytes())
    assert exif_facts(again) == exif_facts(made) and exif_facts(again).place is not None


@pytest.mark.parametrize(
    ("gps", "remark"),
    [
        (SEATTLE | {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, reading.AT_ZERO),
        (SEATTLE | {2: (95.0, 0.0, 0.0)}, reading.NOT_ON_EARTH),
        (SEATTLE | {4: (181.0, 0.0, 0.0)}, reading.NOT_ON_EARTH),
        (SEATTLE | {2: (IFDRational(0, 0), 0.0, 0.0)}, reading.UNREADABLE_PLACE),
        (SEATTLE | {2: "47 39 15"}, reading.UNREADABLE_PLACE),
        ({1: "N", 2: (47.0, 0.0, 0.0)}, reading.UNREADABLE_PLACE),
        (SEATTLE | {2: ()}, reading.UNREADABLE_PLACE),
    ],
)
def test_a_place_that_cannot_be_is_left_out_with_a_remark(gps: dict[int, Any], remark: str) -> None:
    found = facts({0x9003: "2024:05:01 06:30:09"}, gps)
    assert found.place is None and found.remarks == (remark,) and found.taken is not None


def test_south_and_east_and_bytes_and_degrees_alone() -> None:
    assert facts(gps={1: b"S\0", 2: (33.5,), 3: "E\0", 4: (151.25, 0.0, 0.0)}).place == Place(151.25, -33.5)


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("2024:06:04 00:00:00", reading.IN_FUTURE),
        ("2024:13:01 00:00:00", reading.UNREADABLE_TIME),
        ("yesterday", reading.UNREADABLE_TIME),
    ],
)
def test_a_time_that_cannot_be_is_left_out_with_a_remark(text: str, remark: str) -> None:
    found = facts({0x9003: text})
    assert found.taken is None and found.remarks == (remark,)


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "", "\0\0"])
def test_a_clock_that_was_never_set_says_nothing(text: str) -> None:
    assert facts({0x9003: text}) == ExifFacts()


def test_where_the_time_was_taken_is_not_known_that_of_digitising_counts() -> None:
    assert facts({0x9004: "2024:05:01 06:30:09"}).taken == datetime.datetime(2024, 5, 1, 6, 30, 9)


def test_tomorrow_is_not_the_future_as_it_may_be_tomorrow_there() -> None:
    assert facts({0x9003: "2024:06:02 00:10:00"}).taken is not None


def test_without_a_zone_the_time_of_the_satellites_tells_it_unless_it_is_of_another_moment() -> None:
    taken = {0x9003: "2024:05:01 06:30:09"}
    fix = {7: (13.0, 29.0, 50.0), 29: "2024:05:01"}
    assert facts(taken, SEATTLE | fix).zone == -datetime.timedelta(hours=7)
    assert facts(taken, SEATTLE | {7: (13.0, 22.0, 0.0), 29: "2024:05:01"}).zone is None
    assert facts(taken, SEATTLE | fix | {29: "2024:05:09"}).zone is None
    assert facts(taken, SEATTLE | fix | {29: "2024-5"}).zone is None
    assert facts({0x9003: "2024:05:01 00:30:09"}, {7: (20.0, 30.0, 0.0), 29: "2024:04:30"}).zone == (
        datetime.timedelta(hours=4)
    )


def test_zones() -> None:
    assert read_zone("+05:45") == datetime.timedelta(hours=5, minutes=45)
    assert read_zone("Z") == read_zone("+00:00") == datetime.timedelta(0)
    assert read_zone("   :  ") is None and read_zone("+99:00") is None and read_zone("") is None
    found = facts({0x9003: "2024:05:01 06:30:09", 0x9011: "+00:00", 0x9010: "+02:00"})
    assert found.zone == datetime.timedelta(0)
