"""Where and when a photo was taken, from the first of those that know, and who that was."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from birdsat.earth.land import near_land
from birdsat.earth.place import Place
from birdsat.observations.photos.exif import EXIF_REMARKS, NULL_ISLAND, ExifFacts
from birdsat.observations.photos.place_table import SEVERAL_PHOTOS, PlaceTable
from birdsat.observations.photos.tracks import Track
from birdsat.progress import Progress

KnownBy = Literal["", "table", "EXIF", "track", "given"]

NO_ZONE = "time without a zone: not looked up in the track"
NO_TIME = "no time: not looked up in the track"
OFF_TRACK = "no point of the track near its time"
AT_SEA = "place in the sea, more than 20 km from a coast"
IN_FUTURE = "date of the table in the future: left out"
AT_ZERO = "place of the table at 0, 0: left out"
_REMARKS = frozenset(  # that a photo may have
    (*EXIF_REMARKS, NO_ZONE, NO_TIME, OFF_TRACK, AT_SEA, IN_FUTURE, AT_ZERO, SEVERAL_PHOTOS)
)
_SEA_KM = 20.0  # small islands are not on the map that tells sea from land
_HOURS_A_DEGREE = 1 / 15  # the Sun's time by longitude, where the zone is not known


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoFacts:
    """Where and when; None is not known."""

    place: Place | None = None
    place_from: KnownBy = ""
    date: datetime.date | None = None
    date_from: KnownBy = ""
    taken: datetime.datetime | None = None  # local time, where EXIF tells it
    remarks: tuple[str, ...] = ()  # short: photos are counted by them


@dataclass(kw_only=True)
class PhotoFinder:
    """Who is asked, in this order: the table, EXIF, the track, and what is given for all that know nothing."""

    table: PlaceTable | None = None
    track: Track | None = None
    clock_offset: datetime.timedelta | None = None  # of the camera's clock ahead of UTC, over what EXIF says of it
    place: Place | None = None
    date: datetime.date | None = None
    counted: Counter[str] = field(default_factory=Counter)  # photos by remark
    _seen: int = 0
    _on_track: int = 0
    _times: list[datetime.datetime] = field(default_factory=list)  # the first and the last that was looked up

    def facts(self, photos: Iterable[tuple[Path, ExifFacts]]) -> list[PhotoFacts]:
        """Of some photos, in their order."""
        found = [self._of(photo, exif) for photo, exif in photos]
        at_sea = self._at_sea(found)
        for number in at_sea:
            one = found[number]
            found[number] = replace(one, remarks=(*one.remarks, AT_SEA))
        for one in found:
            self.counted.update(one.remarks)
        self._seen += len(found)
        return found

    def recall(self, photo: Path, remarks: Iterable[str], by_track: bool) -> None:
        """Count a photo whose facts were found before."""
        self.counted.update(set(remarks) & _REMARKS)
        self._seen += 1
        self._on_track += by_track
        if self.table is not None:
            self.table.row(photo)

    def note(self, progress: Progress) -> None:
        """Say, once for all photos, what was odd about their places and dates."""
        for remark, photos in self.counted.most_common():
            progress.note(f"{photos:,} {'photo' if photos == 1 else 'photos'}: {remark}.")
        if self.table is not None:
            for remark, rows in self.table.remarks.most_common():
                progress.note(f"{rows:,} {'row' if rows == 1 else 'rows'} of the table of places: {remark}.")
            if self.table.unused:
                progress.note(f"{self.table.unused:,} rows of the table of places are of photos that were not given.")
        if self.track is not None and self._seen and not self._on_track:
            when = f"{self._times[0]:%Y-%m-%d %H:%M} to {self._times[1]:%Y-%m-%d %H:%M}" if self._times else "not known"
            progress.note(
                f"the track places none of the photos: it is of {self.track.first:%Y-%m-%d %H:%M} to "
                f"{self.track.last:%Y-%m-%d %H:%M} UTC, and the photos' own time in UTC is {when}. Say how far the "
                "camera's clock was ahead of UTC (clock_offset), or give the track of that day."
            )

    def _of(self, photo: Path, exif: ExifFacts) -> PhotoFacts:
        remarks = list(exif.remarks)
        place, place_from = exif.place, "EXIF" if exif.place is not None else ""
        zone = exif.zone if self.clock_offset is None else self.clock_offset
        utc = None if exif.taken is None or zone is None else exif.taken - zone
        if place is None and self.track is not None:
            place, place_from = self._tracked(exif, utc, remarks)
        if place is None and self.place is not None:
            place, place_from = self.place, "given"
        taken = exif.taken
        if self.clock_offset is not None and utc is not None:
            # What the clock shows is not the time there; the Sun's time is within an hour or two of it.
            hours = 0.0 if place is None else round(place.lon * _HOURS_A_DEGREE)
            taken = utc + datetime.timedelta(hours=hours)
        date, date_from = (None, "") if taken is None else (taken.date(), "EXIF")
        if date is None and self.date is not None:
            date, date_from = self.date, "given"
        if self.table is not None:
            row, remark = self.table.row(photo)
            remarks += [remark] if remark else []
            if row is not None and row.place is not None:
                if max(abs(row.place.lon), abs(row.place.lat)) < NULL_ISLAND:
                    remarks.append(AT_ZERO)
                else:
                    place, place_from = row.place, "table"
            if row is not None and row.date is not None:
                if row.date > datetime.date.today() + datetime.timedelta(days=1):
                    remarks.append(IN_FUTURE)
                else:
                    taken = taken if taken is not None and taken.date() == row.date else None
                    date, date_from = row.date, "table"
        return PhotoFacts(
            place=place,
            place_from=place_from,  # type: ignore[arg-type]
            date=date,
            date_from=date_from,  # type: ignore[arg-type]
            taken=taken,
            remarks=tuple(dict.fromkeys(remarks)),
        )

    def _tracked(
        self, exif: ExifFacts, utc: datetime.datetime | None, remarks: list[str]
    ) -> tuple[Place | None, KnownBy]:
        assert self.track is not None
        if utc is None:
            remarks.append(NO_TIME if exif.taken is None else NO_ZONE)
            return None, ""
        self._times = [min([utc, *self._times]), max([utc, *self._times])]
        place = self.track.at(utc)
        if place is None:
            remarks.append(OFF_TRACK)
            return None, ""
        self._on_track += 1
        return place, "track"

    @staticmethod
    def _at_sea(found: list[PhotoFacts]) -> list[int]:
        placed = [number for number, one in enumerate(found) if one.place is not None]
        if not placed:
            return []
        lon, lat = np.array([(one.place.lon, one.place.lat) for one in found if one.place is not None]).T
        dry = near_land(lon, lat, _SEA_KM)
        return [number for number, is_dry in zip(placed, dry.tolist(), strict=True) if not is_dry]
