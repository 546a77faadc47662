"""Places that are left out of outputs, or told coarsely."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from birdsat.errors import InputError
from birdsat.observations.scientific_names import species_name
from birdsat.reading import read_bytes
from birdsat.workflows.identify_outputs.rows import PhotoRow

_KM_A_DEGREE = 111.195  # of latitude, on a sphere
_MAY_BE = 0.01  # score from which on a photo may be of a taxon
_MOST_LIST_BYTES = 16 << 20
_HEADS = frozenset(("taxon", "species", "scientific_name", "scientificname", "name"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Privacy:
    """Which places are told, and how exactly."""

    hide: bool = False
    sensitive: frozenset[str] = frozenset()  # species, in small letters
    coarsen_km: float = 20.0

    def applied(self, rows: Iterator[PhotoRow]) -> Iterator[PhotoRow]:
        """The rows as they may be written."""
        for row in rows:
            if self.hide:
                yield replace(row, lon=None, lat=None)
            elif row.lon is not None and row.lat is not None and self._may_be_sensitive(row):
                lon, lat = coarse(row.lon, row.lat, self.coarsen_km)
                yield replace(row, lon=lon, lat=lat, uncertainty_km=self.coarsen_km * math.sqrt(0.5))
            else:
                yield row

    def _may_be_sensitive(self, row: PhotoRow) -> bool:
        """Whether a listed taxon is the first answer, may be right, or belongs to the genus that the answer is."""
        if not self.sensitive:
            return False
        likely = {
            species_name(one.taxon).casefold()
            for one in row.answers
            if one.rank == 1 or one.in_set or one.score >= _MAY_BE
        }
        genera = {taxon.split()[0] for taxon in self.sensitive if taxon}
        return bool(likely & self.sensitive) or row.rolled_up.casefold() in (self.sensitive | genera)


def coarse(lon: float, lat: float, km: float) -> tuple[float, float]:
    """The middle of the square of a fixed grid that a place lies in, so that many photos of one place tell no more."""
    step = km / _KM_A_DEGREE
    row = math.floor(lat / step)
    middle = (row + 0.5) * step
    columns = max(1, round(360 * math.cos(math.radians(min(89.0, abs(middle)))) / step))
    width = 360 / columns
    east = (math.floor((lon + 180) / width) + 0.5) * width - 180
    return round(min(180.0, east), 5), round(max(-90.0, min(90.0, middle)), 5)


def read_sensitive(path: Path) -> frozenset[str]:
    """Species of a list: a name a line, or the first column of a CSV; what follows # is passed over.

    Raises InputError for a file that cannot be read as text, or without names.
    """
    try:
        text = read_bytes(path, most_bytes=_MOST_LIST_BYTES).decode("utf-8-sig")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is not a list of names ({error}); give a text file with a scientific name a line.",
            settings=("sensitive",),
        ) from error
    cells = (line.partition("#")[0].replace("\t", ",").split(",")[0].strip().strip("'\"") for line in text.splitlines())
    names = [cell for cell in cells if cell]
    if names and names[0].casefold().replace(" ", "_") in _HEADS:
        names = names[1:]
    if not names:
        raise InputError(f"{path} has no names; give a scientific name a line.", settings=("sensitive",))
    return frozenset(species_name(name).casefold() for name in names)
