"""The names and ids that a table uses, each once, with how many rows have it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.observations.name_columns import choose_name_column
from birdsat.observations.readers.cell_values import as_numbers, as_text, by_distinct
from birdsat.observations.readers.registry import open_table
from birdsat.observations.taxonomies.languages import language_of_column
from birdsat.observations.taxonomies.layout import IDS, NAMES, id_of
from birdsat.observations.taxonomies.taxon_rows import plain

_LON, _LAT = ("lon", "longitude", "decimallongitude", "lng", "long"), ("lat", "latitude", "decimallatitude")
_ASKED = ("taxon", "lon", "lat")  # columns that can be named
_LOOKED_AT = 200  # rows that tell which of several columns holds scientific names


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenName:
    """What a row calls its taxon."""

    name: str  # as it is written; "" where only an id or a common name is given
    ids: tuple[str, ...] = ()
    common_names: tuple[str, ...] = ()


class NamesTable:
    """A table of records, or of anything with names in a column."""

    def __init__(self, path: Path, named: Sequence[str] = ()) -> None:
        """named: words such as taxon=NAME for columns that are not found by themselves. Raises InputError where the
        table cannot be read or has no names."""
        self.path = path
        self._source = open_table(path)
        asked = dict(word.partition("=")[::2] for word in named)
        for what, column in asked.items():
            if what not in _ASKED or not column:
                raise InputError(
                    f"column {what}={column} cannot be used; write NAME=COLUMN, NAME one of {', '.join(_ASKED)}.",
                    settings=("columns",),
                )
        present = {plain(column): column for column in reversed(self._source.columns)}
        self._ids = [(kind, present[name]) for kind, names in IDS.items() for name in names if name in present]
        self._common = [column for column in self._source.columns if language_of_column(column) is not None]
        self._lon, self._lat = (
            asked.get(what) or next((present[name] for name in names if name in present), None)
            for what, names in (("lon", _LON), ("lat", _LAT))
        )
        usual = [present[name] for name in NAMES if name in present]
        self._name = asked.get("taxon") or (self._chosen(usual) if usual else None)
        missing = [column for column in (self._name, self._lon, self._lat) if column not in (None, *present.values())]
        if missing:
            raise InputError(
                f"{path} has no column {missing[0]!r}; its columns are {', '.join(present.values())}.",
                settings=("columns",),
            )
        if self._name is None and not self._ids and not self._common:
            raise InputError(
                f"{path} has no column of names; its columns are {', '.join(present.values())}. Name the one that "
                "holds them, columns taxon=COLUMN.",
                settings=("columns",),
            )

    @property
    def has_places(self) -> bool:
        """Whether its rows have coordinates."""
        return self._lon is not None and self._lat is not None

    def names(self) -> Counter[WrittenName]:
        """Each name with its rows, in the order they came."""
        found: Counter[WrittenName] = Counter()
        for codes, names, _ in self._coded([]):
            for name, rows in zip(names, np.bincount(codes, minlength=len(names)).tolist(), strict=True):
                found[name] += rows
        return found

    def places(self) -> Iterator[tuple[WrittenName, NDArray[np.float64]]]:
        """Names, each with places (n, 2) of rows that have both, in degrees east and north."""
        if self._lon is None or self._lat is None:
            return
        for codes, names, (lon, lat) in self._coded([self._lon, self._lat]):
            lon_lat = np.stack([as_numbers(lon)[0], as_numbers(lat)[0]], axis=1)
            on_earth = (np.abs(lon_lat) <= (180, 90)).all(axis=1)
            for code in np.unique(codes[on_earth]).tolist():
                yield names[code], lon_lat[on_earth & (codes == code)]

    def _coded(self, more: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], list[WrittenName], list[pa.Array]]]:
        """For some rows at a time: which (n,) of the names each has, the names, and the cells of more columns."""
        named = [*([self._name] if self._name else []), *(column for _, column in self._ids), *self._common]
        for cells in self._source.cells(list(dict.fromkeys([*named, *more]))):
            codes, names = by_distinct(self._written, *(cells.columns[column] for column in named))
            yield codes, names, [cells.columns[column] for column in more]

    def _written(self, *texts: str) -> WrittenName:
        left = list(texts)
        name = left.pop(0) if self._name else ""
        ids = (f"{kind}:{id}" for (kind, _), cell in zip(self._ids, left, strict=False) if (id := id_of(kind, cell)))
        common = (cell for cell in left[len(self._ids) :] if cell)
        return WrittenName(name=name, ids=tuple(dict.fromkeys(ids)), common_names=tuple(dict.fromkeys(common)))

    def _chosen(self, usual: Sequence[str]) -> str:
        if len(usual) == 1:
            return usual[0]
        cells = next(iter(self._source.cells(list(usual))))
        return choose_name_column(
            {column: as_text(cells.columns[column].slice(0, _LOOKED_AT)).to_pylist() for column in usual}
        )
