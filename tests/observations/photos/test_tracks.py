"""Tracks of GPX files: where somebody was at a moment."""

import datetime
from pathlib import Path

import pytest

from birdsat.errors import InputError
from birdsat.observations.photos.tracks import Track, read_moment, read_tracks

START = datetime.datetime(2024, 5, 1, 6, 0, tzinfo=datetime.UTC)


def gpx(*points: tuple[float, float, str], head: str = "", space: str = "http://www.topografix.com/GPX/1/1") -> str:
    rows = "".join(f'<trkpt lat="{lat}" lon="{lon}"><ele>5</ele>{time}</trkpt>' for lon, lat, time in points)
    return f'<?xml version="1.0"?>{head}<gpx version="1.1" xmlns="{space}"><trk><trkseg>{rows}</trkseg></trk></gpx>'


def at(minutes: float) -> str:
    return f"<time>{(START + datetime.timedelta(minutes=minutes)).isoformat().replace('+00:00', 'Z')}</time>"


def track(tmp_path: Path, *points: tuple[float, float, str], **named: str) -> Track:
    path = tmp_path / "t.gpx"
    path.write_text(gpx(*points, **named))
    return read_tracks([path])


def place(found: Track, minutes: float) -> tuple[float, float] | None:
    where = found.at(START + datetime.timedelta(minutes=minutes))
    return None if where is None else (round(where.lon, 4), round(where.lat, 4))


def test_between_two_points_it_is_on_the_way_between_them(tmp_path: Path) -> None:
    found = track(tmp_path, (10, 50, at(0)), (10.2, 50, at(10)), (10.2, 50.1, at(20)))
    assert place(found, 0) == (10, 50) and place(found, 20) == (10.2, 50.1)
    assert place(found, 5) == pytest.approx((10.1, 50), abs=1e-4)
    assert place(found, 15) == pytest.approx((10.2, 50.05), abs=1e-4)
    assert found.at(START.replace(tzinfo=None)) is not None  # UTC


def test_over_the_antimeridian_it_does_not_go_round_the_earth(tmp_path: Path) -> None:
    found = track(tmp_path, (179.9, 0, at(0)), (-179.9, 0, at(10)))
    lon, _ = place(found, 5) or (0, 0)
    assert abs(abs(lon) - 180) < 0.01


def test_where_there_is_no_point_near_in_time_nothing_is_known(tmp_path: Path) -> None:
    found = track(tmp_path, (10, 50, at(0)), (11, 50, at(60)), (11, 50.0001, at(300)))
    assert place(found, -1) == (10, 50) and place(found, -3) is None and place(found, 303) is None
    assert place(found, 30) is None and place(found, 1) == (10, 50) and place(found, 59) == (11, 50)
    assert place(found, 180) == pytest.approx((11, 50), abs=2e-4)  # nobody went anywhere for four hours


def test_files_are_one_track_whatever_their_order_and_points_of_no_use_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "b.gpx").write_text(gpx((10, 50, at(0)), (500, 50, at(1)), (10, 50, ""), (1, 1, "<time>noon</time>")))
    space = "http://www.topografix.com/GPX/1/0"
    (tmp_path / "a.gpx").write_text(gpx((10.2, 50, at(10)), space=space))
    found = read_tracks([tmp_path / "a.gpx", tmp_path / "b.gpx"])
    assert (found.first, found.last) == (START, START + datetime.timedelta(minutes=10))
    assert place(found, 5) == pytest.approx((10.1, 50), abs=1e-4)


def test_times_with_a_zone_and_parts_of_a_second() -> None:
    noon = datetime.datetime(2024, 5, 1, 12, 0, tzinfo=datetime.UTC).timestamp()
    for text in ("2024-05-01T12:00:00Z", "2024-05-01T14:00:00+02:00", "2024-05-01T12:00:00", " 2024-05-01T12:00:00Z "):
        assert read_moment(text) == noon
    assert read_moment("2024-05-01T12:00:00.250Z") == noon + 0.25
    for text in ("", "noon", "2024-05-01", "2024-02-30T00:00:00Z"):
        assert read_moment(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not GPX that can be read"),
        ("not xml", "not GPX that can be read"),
        (gpx((10, 50, at(0)))[:-30], "not GPX that can be read"),
        ("<kml/>", "another kind"),
        (gpx((10, 50, "")), "no point of a track with a time"),
        (gpx((10, 50, at(0)), head='<!DOCTYPE gpx [<!ENTITY a "aaaa">]>'), "declares a document type"),
        (gpx((10, 50, at(0)), head='<!DOCTYPE gpx SYSTEM "file:///etc/passwd">'), "declares a document type"),
        ("<gpx>" + "<a>" * 100 + "</a>" * 100 + "</gpx>", "nested too deeply"),
    ],
)
def test_what_is_not_a_track_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "t.gpx").write_text(text)
    with pytest.raises(InputError, match=reason) as error:
        read_tracks([tmp_path / "t.gpx"])
    assert error.value.settings == ("track",)


def test_a_time_of_endless_length_takes_no_memory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no point of a track with a time"):
        track(tmp_path, (10, 50, "<time>" + "2 " * 500_000 + "</time>"))
