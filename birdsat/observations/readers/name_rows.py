"""The names of rows: put together from their columns, read once for each way to write them, and told apart by place."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.observations.name_columns import name_of_parts
from birdsat.observations.readers.cell_values import by_distinct, is_true
from birdsat.observations.scientific_names import ABOVE_SPECIES, NO_TAXON, NameReading, parse_name

NAME_PARTS = ("taxon", "genus", "epithet", "below")  # of `name_of_parts`
_WHOLE = ("whole", "whole_above")  # the name of whatever rank; the latter of rows that are of no species


class TaxonNames(Protocol):
    """What the names of tables mean in a list of taxa."""

    def read_name(
        self, text: str, rank: str = "", *, ids: Sequence[str] = (), common_names: Sequence[str] = ()
    ) -> NameReading:
        """As `parse_name`; ids: as "ebird:norcar", and common names of the row."""
        ...

    def tell_apart(self, species: str, lon_lat: NDArray[np.float64]) -> list[NameReading | None]:
        """What records at places (n, 2) mean by a name that was read as `species`; None where it cannot be told."""
        ...

    def is_several(self, species: str) -> bool:
        """Whether a name that was read as `species` means one thing here and another there, which can be told."""
        ...

    def id_columns(self, columns: Sequence[str]) -> Mapping[str, str]:
        """Those of a table's columns that hold ids: kind of id -> column."""
        ...


def present_of(cells: Mapping[str, pa.Array], *names: str) -> dict[str, pa.Array]:
    """Those of some columns that a table has."""
    return {name: cells[name] for name in names if name in cells}


def names_of(
    cells: Mapping[str, pa.Array], taxa: TaxonNames | None
) -> tuple[NDArray[np.int64], list[str], list[NameReading]]:
    """Which name each row has, the names as they are written, and what they mean.

    The one place where a name of a table becomes a taxon.
    """
    ids = [] if taxa is None else [what for what in cells if what.endswith(" id")]
    beside = ("rank", *ids, *(() if taxa is None else ("common_name",)))
    found: list[tuple[str, NameReading]] = []

    def read(columns: Sequence[str], which: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """(n,) positions in `found` of what some columns tell, of the rows at some positions."""
        known = present_of(cells, *columns, *beside)

        def name(*texts: str) -> tuple[str, NameReading]:
            told = dict(zip(known, texts, strict=True))
            told = {("taxon" if what in _WHOLE else what): text for what, text in told.items()}
            rank, common = told.pop("rank", ""), told.pop("common_name", "")
            given = [f"{what.removesuffix(' id')}:{id}" for what in ids if (id := told.pop(what))]
            written = name_of_parts(**told)
            if taxa is None:
                return written, parse_name(written, rank)
            return written, taxa.read_name(written, rank, ids=given, common_names=[common] if common else [])

        some = known.values() if which is None else [column.take(pa.array(which)) for column in known.values()]
        codes, more = by_distinct(name, *some)
        found.extend(more)
        return codes + (len(found) - len(more))

    if not present_of(cells, *NAME_PARTS):
        rows = len(next(iter(cells.values())))
        return np.zeros(rows, np.int64), [""], [NameReading(species="", is_scientific=True)]
    if "taxon" not in cells:
        codes = read(NAME_PARTS)
    else:
        codes = read(("taxon",))
        if present_of(cells, *_WHOLE):  # where there is no species, the whole name says why
            left = np.flatnonzero(is_true(codes, (not written for written, _ in found)))
            if len(left):
                before = len(found)
                codes[left] = read(_WHOLE, left)
                found[before:] = [_beside_blank(*one, "whole_above" in cells) for one in found[before:]]
        if len(present_of(cells, *NAME_PARTS)) > 1:
            # Parts are asked only where the cell of the whole name holds less than a genus and an epithet.
            is_part = (not written or name_of_parts(written, "Genus") != written for written, _ in found)
            left = np.flatnonzero(is_true(codes, is_part))
            if len(left):
                codes[left] = read(NAME_PARTS, left)
    return codes, [written for written, _ in found], [name for _, name in found]


def _beside_blank(written: str, name: NameReading, is_above: bool) -> tuple[str, NameReading]:
    """What a whole name means beside a blank cell for the species. is_above: that it is of no species."""
    if not name.is_scientific:
        return "", NameReading(species=None, dropped=name.dropped or NO_TAXON)
    return written, NameReading(species=None, dropped=ABOVE_SPECIES) if is_above and name.species else name


def by_place(
    read: tuple[NDArray[np.int64], list[str], list[NameReading]], lon_lat: NDArray[np.float64], taxa: TaxonNames
) -> tuple[NDArray[np.int64], list[str], list[NameReading]]:
    """As `names_of`, with further names for the rows whose name means one thing here and another there."""
    name, written, names = read[0].copy(), list(read[1]), list(read[2])
    placed = ~np.isnan(lon_lat[:, 0])
    for code, reading in enumerate(read[2]):
        if reading.species is None or not taxa.is_several(reading.species):
            continue
        which = np.flatnonzero(placed & (read[0] == code))
        for row, told in zip(which.tolist(), taxa.tell_apart(reading.species, lon_lat[which]), strict=True):
            if told is not None:
                if told not in names:
                    written.append(written[code])
                    names.append(told)
                name[row] = names.index(told)
    return name, written, names
