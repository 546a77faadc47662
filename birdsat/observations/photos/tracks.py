"""Tracks of GPS loggers, phones and watches as GPX: where their owner was at a moment."""

import datetime
import re
from array import array
from collections.abc import Sequence
from pathlib import Path
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import Place, distance_km, unit_sphere
from birdsat.errors import InputError

MOST_POINTS = 5_000_000  # of all tracks together: two months of one a second, 120 MB
_LONGEST_TIME = 40  # letters of a point's time
_MOST_DEPTH = 64  # of elements within elements
_GAP_SECONDS = 1800.0  # between two points, within which the way between them is taken for straight
_STILL_KM = 0.1  # ... or that are so near to each other that nobody went anywhere, however long it took
_END_SECONDS = 120.0  # before the first point or behind the last
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)


class Track:
    """Where somebody was, by time: points of one or several files, sorted."""

    def __init__(self, seconds: NDArray[np.float64], lon_lat: NDArray[np.float64]) -> None:
        """seconds: (n,) since 1970 in UTC, in any order; lon_lat: (n, 2) degrees."""
        order = np.argsort(seconds, kind="stable")
        self._seconds, self._lon_lat = seconds[order], lon_lat[order]

    @property
    def first(self) -> datetime.datetime:
        """The time of the first point, UTC."""
        return datetime.datetime.fromtimestamp(float(self._seconds[0]), datetime.UTC)

    @property
    def last(self) -> datetime.datetime:
        """The time of the last point, UTC."""
        return datetime.datetime.fromtimestamp(float(self._seconds[-1]), datetime.UTC)

    def at(self, moment: datetime.datetime) -> Place | None:
        """Where at a moment (UTC, with or without saying so); None where no points are near it in time.

        Between two points on the straight way, if they are at most half an hour or 100 m apart.
        """
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        second = moment.timestamp()
        behind = int(np.searchsorted(self._seconds, second, side="right"))
        if behind == 0:
            return self._end(0, second)
        if behind == len(self._seconds):
            return self._end(-1, second)
        before = behind - 1
        (lon1, lat1), (lon2, lat2) = self._lon_lat[before], self._lon_lat[behind]
        gap = float(self._seconds[behind] - self._seconds[before])
        if gap > _GAP_SECONDS and float(distance_km(lon1, lat1, lon2, lat2)) > _STILL_KM:
            near = before if second - self._seconds[before] < self._seconds[behind] - second else behind
            return self._end(near, second)
        share = (second - float(self._seconds[before])) / gap if gap else 0.0
        # On the sphere, so that it is right over the antimeridian.
        x, y, z = (1 - share) * unit_sphere(lon1, lat1) + share * unit_sphere(lon2, lat2)
        return Place(float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y)))))

    def _end(self, point: int, second: float) -> Place | None:
        if abs(float(self._seconds[point]) - second) > _END_SECONDS:
            return None
        return Place(*self._lon_lat[point].tolist())


def read_tracks(paths: Sequence[Path]) -> Track:
    """The points with a time of tracks in GPX 1.0 or 1.1. A time without a zone is UTC, as the format has it.

    Streamed; points off Earth and without a time are passed over. Raises InputError for what is not GPX, declares
    entities or a document type, or has no point with a time, and for more than MOST_POINTS of them.
    """
    seconds, lon_lat = array("d"), array("d")
    for path in paths:
        before = len(seconds)
        _read(path, seconds, lon_lat)
        if len(seconds) == before:
            raise InputError(
                f"{path} has no point of a track with a time, by which photos are placed; export the track from the "
                "logger or the phone with times.",
                settings=("track",),
            )
    return Track(np.frombuffer(seconds), np.frombuffer(lon_lat).reshape(-1, 2))


def _read(path: Path, seconds: "array[float]", lon_lat: "array[float]") -> None:
    depth = 0
    point: tuple[float, float] | None = None
    words: list[str] | None = None
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, point, words
        depth += 1
        name = tag.rpartition(" ")[2]
        if depth == 1 and name != "gpx":
            raise InputError(f"{path} is XML of another kind ({name[:40]}); give a track as GPX.", settings=("track",))
        if depth > _MOST_DEPTH:
            raise InputError(f"{path} is nested too deeply to be a track; export it again.", settings=("track",))
        if name == "trkpt":
            point = _point(attributes)
        elif name == "time" and point is not None:
            words = []

    def characters(data: str) -> None:
        if words is not None and len(words) < _LONGEST_TIME:
            words.append(data[:_LONGEST_TIME])

    def end(tag: str) -> None:
        nonlocal depth, point, words
        depth -= 1
        name = tag.rpartition(" ")[2]
        if name == "time" and words is not None:
            second = read_moment("".join(words))
            if second is not None and point is not None:
                if len(seconds) >= MOST_POINTS:
                    raise InputError(
                        f"{path} has more than {MOST_POINTS:,} points; give the part of the track that the photos are "
                        "of.",
                        settings=("track",),
                    )
                seconds.append(second)
                lon_lat.extend(point)
            words = None
        elif name == "trkpt":
            point = None

    def refuse(*_: object) -> None:
        raise InputError(
            f"{path} declares a document type or entities, which no track needs; export it again.", settings=("track",)
        )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except (expat.ExpatError, OSError, LookupError, ValueError) as error:  # LookupError: of an encoding
        raise InputError(
            f"{path} is not GPX that can be read ({error}); export it again.", settings=("track",)
        ) from error


def _point(attributes: dict[str, str]) -> tuple[float, float] | None:
    try:
        lon, lat = float(attributes["lon"]), float(attributes["lat"])
    except (KeyError, ValueError):
        return None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None


def read_moment(text: str) -> float | None:
    """Seconds since 1970 in UTC of a time such as 2024-05-01T06:30:00Z; None where it is not one."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    zone = (found[3] or "Z").upper()
    try:
        whole = datetime.datetime.fromisoformat(found[1] + ("+00:00" if zone == "Z" else zone))
        return whole.timestamp() + (float(f"0.{found[2]}") if found[2] else 0.0)
    except (ValueError, OverflowError):
        return None
