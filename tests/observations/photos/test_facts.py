"""Where and when a photo was taken, and who says so."""

import datetime
from pathlib import Path

import numpy as np
import pytest
from recorded import RecordedProgress

from birdsat.earth.place import Place
from birdsat.errors import InputError
from birdsat.observations.photos import facts as facts_module
from birdsat.observations.photos.exif import ExifFacts
from birdsat.observations.photos.facts import PhotoFacts, PhotoFinder
from birdsat.observations.photos.place_table import SEVERAL_PHOTOS, TWICE, read_place_table
from birdsat.observations.photos.tracks import Track

PARIS, LONDON, ROME = Place(2.35, 48.86), Place(-0.13, 51.51), Place(12.5, 41.9)
NOON = datetime.datetime(2024, 5, 1, 12, 0)
PHOTO = Path("trip/a/bird.jpg")


def in_london() -> Track:
    """From 9 to 11 UTC."""
    start = NOON.replace(tzinfo=datetime.UTC).timestamp()
    return Track(np.array([start - 10_800, start - 3_600]), np.array([[LONDON.lon, LONDON.lat]] * 2))


def one(finder: PhotoFinder, exif: ExifFacts, photo: Path = PHOTO) -> PhotoFacts:
    (found,) = finder.facts([(photo, exif)])
    return found


def table(tmp_path: Path, text: str, **named: frozenset[str]) -> PhotoFinder:
    (tmp_path / "places.csv").write_text(text)
    return PhotoFinder(table=read_place_table(tmp_path / "places.csv", **named))


def test_what_is_given_stands_for_photos_that_know_nothing() -> None:
    finder = PhotoFinder(place=ROME, date=datetime.date(2020, 1, 2))
    known = one(finder, ExifFacts(place=PARIS, taken=NOON))
    assert (known.place, known.place_from, known.date, known.date_from) == (PARIS, "EXIF", NOON.date(), "EXIF")
    unknown = one(finder, ExifFacts())
    assert (unknown.place, unknown.place_from, unknown.date, unknown.date_from) == (
        ROME,
        "given",
        datetime.date(2020, 1, 2),
        "given",
    )
    assert one(PhotoFinder(), ExifFacts()) == PhotoFacts()


def test_a_track_is_asked_by_the_time_in_utc() -> None:
    two = datetime.timedelta(hours=2)
    found = one(PhotoFinder(track=in_london()), ExifFacts(taken=NOON, zone=two))
    assert found.place == pytest.approx(LONDON) or found.place is not None
    assert found.place_from == "track" and found.date == NOON.date() and found.remarks == ()
    late = one(PhotoFinder(track=in_london(), place=ROME), ExifFacts(taken=NOON, zone=-two))
    assert (late.place, late.place_from, late.remarks) == (ROME, "given", (facts_module.OFF_TRACK,))
    no_zone = one(PhotoFinder(track=in_london()), ExifFacts(taken=NOON))
    assert no_zone.place is None and no_zone.remarks == (facts_module.NO_ZONE,)
    assert one(PhotoFinder(track=in_london()), ExifFacts()).remarks == (facts_module.NO_TIME,)


def test_the_clock_s_offset_counts_more_than_the_zone_of_exif_and_moves_the_day() -> None:
    offset = datetime.timedelta(hours=14, minutes=20)
    late = NOON + datetime.timedelta(hours=12)  # the clock says 2 May, 00:00; it is 1 May, 09:40 UTC
    finder = PhotoFinder(track=in_london(), clock_offset=offset)
    found = one(finder, ExifFacts(taken=late, zone=datetime.timedelta(0)))
    assert found.place_from == "track" and found.date == NOON.date()
    assert found.taken == datetime.datetime(2024, 5, 1, 9, 40)


def test_a_table_counts_more_than_exif_and_says_a_part_alone(tmp_path: Path) -> None:
    finder = table(tmp_path, "photo,lon,lat,date\nbird.jpg,12.5,41.9,\nother.jpg,,,2024-04-03\n./b/c.jpg,1,2,\n")
    found = one(finder, ExifFacts(place=PARIS, taken=NOON))
    assert (found.place, found.place_from, found.date, found.date_from) == (ROME, "table", NOON.date(), "EXIF")
    other = one(finder, ExifFacts(place=PARIS, taken=NOON), Path("/abs/other.jpg"))
    assert (other.place, other.date, other.date_from) == (PARIS, datetime.date(2024, 4, 3), "table")
    assert other.taken is None  # the hour of another day says nothing
    assert one(finder, ExifFacts(), Path("/x/b/c.jpg")).place_from == "table"
    assert one(finder, ExifFacts(), Path("/x/d/c.jpg")).place_from == ""


def test_a_name_that_several_photos_have_needs_its_folder(tmp_path: Path) -> None:
    text = "photo,lon,lat\nbird.jpg,12.5,41.9\nb/bird.jpg,2.35,48.86\n"
    finder = table(tmp_path, text, same_names=frozenset(["bird.jpg"]))
    assert one(finder, ExifFacts(), Path("trip/b/bird.jpg")).place == PARIS
    left = one(finder, ExifFacts(), Path("trip/a/bird.jpg"))
    assert left.place is None and left.remarks == (SEVERAL_PHOTOS,)


def test_rows_of_no_use_are_counted(tmp_path: Path) -> None:
    rows = [
        "bird.jpg,12.5,41.9,2024-05-01",
        "bird.jpg,1,1,",
        "x.jpg,200,95,",
        "y.jpg,0,0,2099-01-01",
        "z.jpg,1,1,3/7/2010",
    ]
    finder = table(tmp_path, "\n".join(["photo,lon,lat,date", *rows]))
    assert finder.table is not None and finder.table.remarks[TWICE] == 1
    assert one(finder, ExifFacts()).place == ROME
    y = one(finder, ExifFacts(), Path("y.jpg"))
    assert y == PhotoFacts(remarks=(facts_module.AT_ZERO, facts_module.IN_FUTURE))
    progress = RecordedProgress()
    finder.note(progress)
    said = " ".join(progress.notes)
    assert "1 photo: place of the table at 0, 0" in said and "2 rows of the table of places are of photos that" in said
    assert "coordinates not on Earth" in said and "day and month of the date cannot be told apart" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,lon,lat\na.jpg,1,2\n", "needs a column photo"),
        ("photo,lon\na.jpg,1\n", "needs a column photo"),
        ("photo,lon,lat\n" + 'a.jpg,"1,5","2,5"\n' * 3, "decimal points"),
        ("", "empty"),
    ],
)
def test_a_table_that_says_nothing_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        table(tmp_path, text)


def test_a_place_far_out_at_sea_is_remarked_and_kept() -> None:
    found = one(PhotoFinder(), ExifFacts(place=Place(-40, 45)))
    assert found.place is not None and found.remarks == (facts_module.AT_SEA,)


def test_a_track_without_overlap_is_told_once_with_both_times() -> None:
    finder, progress = PhotoFinder(track=in_london()), RecordedProgress()
    zone = datetime.timedelta(hours=0)
    finder.facts([(PHOTO, ExifFacts(taken=NOON, zone=zone)), (PHOTO, ExifFacts(taken=NOON, zone=zone))])
    finder.note(progress)
    (counted, told) = progress.notes
    assert counted == "2 photos: no point of the track near its time."
    assert "places none of the photos" in told and "2024-05-01 09:00 to 2024-05-01 11:00 UTC" in told
    assert "2024-05-01 12:00 to 2024-05-01 12:00" in told
