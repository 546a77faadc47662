"""The request to name photos."""

import datetime
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from birdsat.errors import ConfigError, about
from birdsat.observations.dates import parse_day
from birdsat.workflows.requests.identify_options import IdentifyOptions
from birdsat.workflows.requests.request import AnyPath, Degrees, Positional

# How the name of an output ends, the longest first, and what does it: "module:function".
OUTPUTS: dict[str, str] = {
    ".ebird.csv": "birdsat.workflows.identify_outputs.ebird:write_ebird",
    ".dwc.csv": "birdsat.workflows.identify_outputs.darwin_core:write_occurrences",
    ".zip": "birdsat.workflows.identify_outputs.darwin_core:write_archive",
    ".csv": "birdsat.workflows.identify_outputs.tables:write_csv",
    ".jsonl": "birdsat.workflows.identify_outputs.tables:write_json_lines",
    ".parquet": "birdsat.workflows.identify_outputs.tables:write_parquet",
    ".png": "birdsat.workflows.identify_outputs.sheets:write_png",
    ".html": "birdsat.workflows.identify_outputs.sheets:write_html",
}
_OFFSET = re.compile(r"([+-]?)(\d{1,3}):(\d\d)(?::(\d\d))?")


@dataclass(frozen=True, kw_only=True)
class IdentifyRequest(IdentifyOptions):
    """Say which bird is in each photo, how sure that is, and what else it may be.

    Place and date are read from the photos themselves, or given here. Photos that cannot be read are rows with the
    reason. What was named before a run was stopped is kept: the same command goes on behind it.
    """

    run: Positional[AnyPath]
    """Folder of the run, a classifier's or any other that knows taxa."""
    photos: Positional[Sequence[AnyPath]]
    """Image files, folders with all that is in them, and globs: JPEG, PNG, WebP, TIFF; HEIC and the previews in RAW
    files with the extra birdsat[photos]."""
    out: Sequence[AnyPath] = (Path("identified.csv"),)
    """Files to write, one or several, by their endings: .csv, .jsonl and .parquet are tables; .png and .html contact
    sheets; .zip a Darwin Core Archive, .dwc.csv its occurrences alone; .ebird.csv what eBird imports."""
    top: int = 5
    """How many answers are given of each photo."""
    wide: bool = False
    """Tables with a row a photo, its answers side by side, in place of a row an answer."""
    place: Degrees | None = None
    """Longitude,latitude in degrees of photos of which neither the places, EXIF nor the track say it. Write
    --place=LON,LAT."""
    date: str | datetime.date | None = None
    """Day of photos of which neither the places nor EXIF say it, such as 2024-05-01."""
    track: Sequence[AnyPath] = ()
    """GPX files that say where the camera was at the time of photos whose EXIF has no place."""
    places: AnyPath | None = None
    """Table with the columns photo, and lon and lat, date, or all three; it counts more than EXIF."""
    clock_offset: str | None = None
    """How far the camera's clock was ahead of UTC, such as +02:00, -08:00 or +01:59:20, where EXIF does not say it, or
    says it wrongly."""
    sidecars: bool = False
    """Write the names into XMP files beside the photos as keywords; what is in them already stays."""
    hide_places: bool = False
    """Leave the places out of all that is written."""
    sensitive: AnyPath | None = None
    """File of taxa, a name a line, whose places are written coarsely."""
    coarsen_km: float = 20.0
    """How coarsely: side of the square that is told in place of the place."""
    license: str = ""
    """Of the records in Darwin Core, such as CC-BY-4.0 or CC0-1.0."""
    overwrite: bool = False
    """Replace files that are there already."""
    workers: int | None = None
    """Threads that decode photos; by default as many as there are processors, four at most."""
    batch_size: int = 64
    """Photos that are named at once."""

    @property
    def clock_ahead(self) -> datetime.timedelta | None:
        """How far the camera's clock was ahead of UTC."""
        if self.clock_offset is None:
            return None
        found = _OFFSET.fullmatch(self.clock_offset.strip())
        assert found is not None  # it was checked
        ahead = datetime.timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=int(found[4] or 0))
        return -ahead if found[1] == "-" else ahead

    @property
    def day(self) -> datetime.date | None:
        """The date that is given."""
        return None if self.date is None else parse_day(str(self.date))

    def check(self) -> None:
        """Raise ConfigError for no photos or outputs, what cannot be written, and values that are impossible."""
        super().check()
        if not self.photos:
            raise ConfigError("no photo is named; give files, folders or globs.", settings=("photos",))
        if not self.out:
            raise ConfigError("no file to write is named; name one, such as names.csv.", settings=("out",))
        names = [str(path) for path in self.out]
        for name in names:
            if output_of(name) is None:
                raise ConfigError(
                    f"{name} does not end in what can be written; allowed: {', '.join(OUTPUTS)}.", settings=("out",)
                )
        if len(set(names)) < len(names):
            raise ConfigError("a file to write is named twice; name each once.", settings=("out",))
        self._check_numbers()
        self._check_times()

    def _check_numbers(self) -> None:
        for name in ("top", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 1 or more.", settings=(name,))
        if self.workers is not None and self.workers < 0:
            raise ConfigError(
                f"workers is {self.workers}; allowed: 0 (decode in the main thread) or more.", settings=("workers",)
            )
        if not (math.isfinite(self.coarsen_km) and 1 <= self.coarsen_km <= 1000):
            raise ConfigError(f"coarsen_km is {self.coarsen_km:g}; allowed: 1 to 1,000.", settings=("coarsen_km",))
        if self.sensitive is None:
            self.reject_unused(("coarsen_km",), "a list of sensitive taxa (sensitive)")

    def _check_times(self) -> None:
        if self.clock_offset is not None:
            found = _OFFSET.fullmatch(str(self.clock_offset).strip())
            if found is None or int(found[3]) > 59 or int(found[4] or 0) > 59:
                raise ConfigError(
                    f"clock_offset {self.clock_offset!r} is not a time such as +02:00, -08:00 or +01:59:20.",
                    settings=("clock_offset",),
                )
        if self.date is not None:
            object.__setattr__(self, "date", str(self.date))
            with about("date"):
                day = self.day
            if day is not None and day > datetime.date.today() + datetime.timedelta(days=1):
                raise ConfigError(
                    f"date {day} is in the future; give the day the photos were taken.", settings=("date",)
                )


def output_of(name: str) -> str | None:
    """The ending, of those in OUTPUTS, that the name of a file has; None where it has none of them."""
    return next((ending for ending in OUTPUTS if name.lower().endswith(ending)), None)
