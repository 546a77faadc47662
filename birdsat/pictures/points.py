"""Where taxa were recorded, to be drawn on their maps."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from birdsat.earth.box import Box
from birdsat.errors import InputError, nearest
from birdsat.observations.curation import Remark
from birdsat.observations.readers.rows import TaxonNames
from birdsat.observations.readers.tables import read_table
from birdsat.observations.scientific_names import species_name
from birdsat.pictures.panel import MapPoints

_Counted = dict[tuple[float, float], tuple[float, int]]  # place -> sum and number of its counts
_MOST_NAMED = 10_000  # taxa of a table that a mistyped one is compared with


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonPlaces:
    """The places at which a table records some taxa, each once."""

    table: Path
    places: dict[str, _Counted]  # by taxon, as `_key` has it
    others: frozenset[str]  # names of taxa recorded there that were not asked for
    remarked: Counter[str]  # the table's rows with a remark, by reason

    def check(self, taxon: str, box: Box | None = None) -> None:
        """Raises InputError where the table has no place of the taxon, or none within the box."""
        places = self.places.get(_key(taxon))
        if not places:
            near = nearest(taxon, self.others)
            raise InputError(
                f"{self.table} has no place of {taxon!r} to draw{near}. Leave the table out, or name a taxon as it is "
                "written there.",
                settings=("points",),
            )
        if box is not None and not box.contains(*np.array(list(places)).T).any():
            raise InputError(
                f"{self.table} has no place of {taxon!r} within {box}; widen the box, or leave the table out.",
                settings=("points",),
            )

    def within(self, taxon: str, box: Box) -> MapPoints:
        """The places of a taxon in the box; where the table counts individuals, with the mean over a place's counts.

        Raises InputError as `check` does.
        """
        self.check(taxon, box)
        counted = self.places[_key(taxon)]
        lon, lat = np.array(list(counted), dtype=np.float64).T
        inside = box.contains(lon, lat)
        mean = np.array([total / number if number else np.nan for total, number in counted.values()])
        return MapPoints(
            lon=lon[inside],
            lat=lat[inside],
            label=f"{self.table.stem}: {np.count_nonzero(inside):,} places",
            count=None if np.isnan(mean).all() else np.nan_to_num(mean[inside], nan=1.0),
        )


def read_places(table: Path, taxa: Sequence[str], names: TaxonNames | None = None) -> TaxonPlaces:
    """The places at which a table records taxa, which are found as `read_occurrences` names them; names: the list that
    those of the table are brought to.

    Memory grows with the places of these taxa alone. Raises InputError for a table that cannot be read.
    """
    remarked: Counter[str] = Counter()
    places: dict[str, _Counted] = {_key(taxon): {} for taxon in taxa}
    others: set[str] = set()
    for row in read_table(table, with_photos=False, taxa=names):
        if isinstance(row, Remark):
            remarked[row.reason] += 1
            continue
        counted = places.get(_key(row.taxon))
        if counted is None:
            if len(others) < _MOST_NAMED:
                others.add(row.taxon)
        elif row.place is not None:
            place = row.place.lon, row.place.lat
            total, number = counted.get(place, (0.0, 0))
            counted[place] = (total, number) if row.count is None else (total + row.count, number + 1)
    return TaxonPlaces(table=table, places=places, others=frozenset(others), remarked=remarked)


def _key(taxon: str) -> str:
    return species_name(taxon).casefold()
