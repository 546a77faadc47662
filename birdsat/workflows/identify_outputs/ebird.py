"""What eBird imports: its "Record Format (Extended)", nineteen columns without a head, a row a species an outing.

The columns and their words are those of eBird's help on importing data (support.ebird.org, article 48000907878). The
names of taxa are eBird's own where the run's taxa have common names; eBird asks for those that it does not know.
"""

import csv
import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from birdsat.earth.place import distance_km
from birdsat.files import output_file
from birdsat.observations.scientific_names import parse_name
from birdsat.tables import harmless
from birdsat.workflows.identify_outputs.about import About
from birdsat.workflows.identify_outputs.rows import PhotoRow

COLUMNS = (
    "Common Name",
    "Genus",
    "Species",
    "Number",
    "Species Comments",
    "Location Name",
    "Latitude",
    "Longitude",
    "Date",
    "Start Time",
    "State/Province",
    "Country Code",
    "Protocol",
    "Number of Observers",
    "Duration",
    "All observations reported?",
    "Effort Distance Miles",
    "Effort area acres",
    "Submission Comments",
)
GAP = datetime.timedelta(hours=1)  # between two photos of one outing
REACH_KM = 5.0  # from its first photo
_MOST_PHOTOS = 5  # that are named in a comment
_COUNTED = "X"  # seen, and not counted


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What a photo adds to a checklist."""

    name: str
    common_name: str
    photo: str
    score: float
    unexpected: bool
    lon_lat: tuple[float, float] | None
    date: str
    moment: datetime.datetime | None


@dataclass(kw_only=True)
class Outing:
    """Photos that are one checklist: of one day, one behind the other, in one place."""

    seen: list[_Seen] = field(default_factory=list)

    def takes(self, one: _Seen) -> bool:
        """Whether another photo, later than these, belongs to it."""
        first, last = self.seen[0], self.seen[-1]
        if first.date != one.date or (first.lon_lat is None) != (one.lon_lat is None):
            return False
        if (last.moment is None) != (one.moment is None):
            return False
        if last.moment is not None and one.moment is not None and one.moment - last.moment > GAP:
            return False
        if first.lon_lat is None or one.lon_lat is None:
            return True
        (lon1, lat1), (lon2, lat2) = first.lon_lat, one.lon_lat
        return float(distance_km(np.array(lon1), np.array(lat1), np.array(lon2), np.array(lat2))) <= REACH_KM


def write_ebird(path: Path, photos: Iterable[PhotoRow], about: About) -> tuple[Path, ...]:
    """Species that were named on a known day. Others cannot be on a checklist, and are counted in a note."""
    seen: list[_Seen] = []
    left_out = 0
    for row in photos:
        if row.verdict not in ("named", "rolled up"):
            continue
        if row.verdict != "named" or row.rolled_up_rank not in ("", "species") or row.date is None or row.best is None:
            left_out += 1
            continue
        seen.append(_seen(row, row.date))
    with output_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")  # the format has no head
        for outing in outings(seen):
            writer.writerows([harmless(cell) for cell in line] for line in _lines(outing, about))
    if left_out:
        about.progress.note(
            f"{left_out:,} photos are not in {path.name}: without a date, or not named to the species, they cannot "
            "be on a checklist."
        )
    return (path,)


def _seen(row: PhotoRow, date: str) -> _Seen:
    answer = next((one for one in row.answers if one.taxon == row.name), None)
    return _Seen(
        name=row.scientific_name,
        common_name=row.common_name,
        photo=Path(row.photo).name,
        score=answer.score if answer is not None else (row.rolled_up_score or 0.0),
        unexpected=answer is not None and answer.unexpected,
        lon_lat=None if row.lon is None or row.lat is None else (row.lon, row.lat),
        date=date,
        moment=row.moment,
    )


def outings(seen: Sequence[_Seen]) -> list[Outing]:
    """Photos by outing, in the order of time."""
    ordered = sorted(seen, key=lambda one: (one.date, one.moment is None, one.moment or datetime.datetime.min))
    found: list[Outing] = []
    for one in ordered:
        # Two cameras may be out at the same time.
        open_ones = [outing for outing in found[-8:] if outing.takes(one)]
        if open_ones:
            open_ones[-1].seen.append(one)
        else:
            found.append(Outing(seen=[one]))
    return found


def _lines(outing: Outing, about: About) -> Iterator[list[str]]:
    first = outing.seen[0]
    year, month, day = first.date.split("-")
    where = "Place withheld" if about.hide_places else "Place not known"
    lat = lon = ""
    if first.lon_lat is not None:
        lon, lat = (f"{degrees:.6f}" for degrees in first.lon_lat)
        where = f"{first.lon_lat[1]:.4f}, {first.lon_lat[0]:.4f}"
    if first.moment is None:
        where = f"{where} (time not known)"
    by_species: dict[str, list[_Seen]] = {}
    for one in outing.seen:
        by_species.setdefault(one.name, []).append(one)
    for name, some in by_species.items():
        genus, _, epithet = name.partition(" ") if parse_name(name).is_scientific else ("", "", "")
        yield [
            some[0].common_name or ("" if genus else name),
            genus,
            epithet,
            _COUNTED,
            _comment(some),
            where,
            lat,
            lon,
            f"{month}/{day}/{year}",
            "" if first.moment is None else f"{first.moment:%H:%M}",
            "",
            "",
            "Incidental" if first.moment is not None else "Historical",
            "1",
            "",
            "N",
            "",
            "",
            f"Named from photos by {about.named_by}; check each before it is submitted.",
        ]


def _comment(some: Sequence[_Seen]) -> str:
    photos = ", ".join(one.photo for one in some[:_MOST_PHOTOS])
    more = f" and {len(some) - _MOST_PHOTOS} more" if len(some) > _MOST_PHOTOS else ""
    best = max(one.score for one in some)
    odd = "; unexpected here" if any(one.unexpected for one in some) else ""
    return f"Photo {photos}{more}; probability {best:.2f}{odd}"
