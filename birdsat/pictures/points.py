"""Where taxa were recorded, to be drawn on their maps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from birdsat.earth.box import Box
from birdsat.errors import InputError, about, nearest
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.name_rows import TaxonNames
from birdsat.observations.readers.registry import open_table
from birdsat.observations.readers.tables import read_table_rows
from birdsat.observations.scientific_names import species_name
from birdsat.observations.taxonomies.spelling import folded
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


def read_places(
    table: Path,
    taxa: Sequence[str],
    names: TaxonNames | None = None,
    *,
    columns: TableColumns | None = None,
    crs: str | None = None,
    common_names: Mapping[str, str] | None = None,
) -> TaxonPlaces:
    """The places at which a table records taxa, which are found as `read_occurrences` names them.

    names: the list that those of the table are brought to. columns: asked for of other tables; this one is read by
    those that it has. crs: in which the coordinates are, see `read_table`. common_names: of the taxa that have one, by
    which a table may name them. Memory grows with the places of these taxa alone. Raises InputError for a table that
    cannot be read.
    """
    remarked: Counter[str] = Counter()
    places: dict[str, _Counted] = {_key(taxon): {} for taxon in taxa}
    keys = {folded(common): _key(taxon) for taxon, common in (common_names or {}).items() if _key(taxon) in places}
    others: set[str] = set()
    for rows in read_table_rows(table, _present(table, columns), taxa=names, crs=crs):
        remarked.update(remark.reason for _, remark in rows.said())
        used = np.flatnonzero(np.bincount(rows.name[rows.kept], minlength=len(rows.names)))
        of_name: dict[int, _Counted] = {}
        for name in used.tolist():
            species = rows.names[name].species
            assert species is not None  # its rows are kept
            counted = places.get(_key(species), places.get(keys.get(folded(species), "")))
            if counted is not None:
                of_name[name] = counted
            elif len(others) < _MOST_NAMED:
                others.add(species)
        wanted = rows.kept & ~np.isnan(rows.lon_lat[:, 0]) & np.isin(rows.name, list(of_name))
        for name, (lon, lat), count in zip(
            rows.name[wanted].tolist(), rows.lon_lat[wanted].tolist(), rows.count[wanted].tolist(), strict=True
        ):
            total, number = of_name[name].get((lon, lat), (0.0, 0))
            of_name[name][lon, lat] = (total, number) if np.isnan(count) else (total + count, number + 1)
    return TaxonPlaces(table=table, places=places, others=frozenset(others), remarked=remarked)


def check_places(table: Path) -> None:
    """Raises InputError for what is not a table; none of its rows is read."""
    with about("points"):
        open_table(table)


def _present(table: Path, columns: TableColumns | None) -> TableColumns | None:
    """Those of the columns asked for that a table has."""
    if columns is None:
        return None
    present = open_table(table).columns
    named = {field.name: getattr(columns, field.name) for field in fields(columns)}
    return TableColumns(**{what: column for what, column in named.items() if column in present})


def _key(taxon: str) -> str:
    return species_name(taxon).casefold()
