"""Places that are left out of outputs, or told coarsely."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from birdsat.earth.place import KM_PER_DEGREE
from birdsat.tasks.identify.taxon_groups import meant_species
from birdsat.workflows.identify_outputs.rows import MAY_BE, PhotoRow
from birdsat.workflows.listed_names import listed_names


@dataclass(frozen=True, kw_only=True, slots=True)
class Privacy:
    """Which places are told, and how exactly."""

    hide: bool = False
    sensitive: frozenset[str] = frozenset()  # scientific names of species, in small letters
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
        likely = {species_of(one.taxon) for one in row.answers if one.rank == 1 or one.score >= MAY_BE}
        genera = {taxon.split()[0] for taxon in self.sensitive if taxon}
        return bool(likely & self.sensitive) or row.rolled_up.casefold() in genera


@lru_cache(maxsize=1 << 16)
def species_of(taxon: str) -> str:
    """The species that a name means, in small letters, as `read_sensitive` gives it."""
    return meant_species(taxon).casefold()


def coarse(lon: float, lat: float, km: float) -> tuple[float, float]:
    """The middle of the square of a fixed grid that a place lies in, so that many photos of one place tell no more."""
    step = km / KM_PER_DEGREE
    row = math.floor(lat / step)
    middle = (row + 0.5) * step
    columns = max(1, round(360 * math.cos(math.radians(min(89.0, abs(middle)))) / step))
    width = 360 / columns
    east = (math.floor((lon + 180) / width) + 0.5) * width - 180
    return round(min(180.0, east), 5), round(max(-90.0, min(90.0, middle)), 5)


def read_sensitive(path: Path) -> frozenset[str]:
    """Species of a list of names, scientific or English, as `listed_names` reads it, and as `Privacy` takes them.

    Raises InputError for a file that cannot be read as text, or without names.
    """
    return frozenset(species_of(name) for name in listed_names(path, "sensitive"))
