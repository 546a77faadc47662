"""The names and ids that a table uses, each once, with how many rows have it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.observations.name_columns import choose_name_column, name_of_parts
from birdsat.observations.readers.cell_values import as_numbers, as_text, by_distinct
from birdsat.observations.readers.column_names import plain
from birdsat.observations.readers.columns import find_column, without_names
from birdsat.observations.readers.registry import open_table
from birdsat.observations.taxonomies.languages import language_of_column
from birdsat.observations.taxonomies.layout import IDS, NAMES, id_of

_PARTS = ("genus", "epithet", "below")  # columns of names in parts
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
            asked.get(what) or find_column(self._source.columns, what, None, path) for what in ("lon", "lat")
        )
        usual = [present[name] for name in NAMES if name in present]
        parts = {what: find_column(self._source.columns, what, None, path) for what in _PARTS}
        self._parts = {what: column for what, column in parts.items() if column is not None}
        if asked.get("taxon"):
            self._parts = {"taxon": asked["taxon"]}
        elif usual and (chosen := self._chosen(usual)):
            self._parts["taxon"] = chosen
        if "taxon" not in self._parts and not {"genus", "epithet"} <= set(self._parts):
            self._parts = {}
        self._name = self._parts.get("taxon")
        missing = [column for column in (self._name, self._lon, self._lat) if column not in (None, *present.values())]
        if missing:
            raise InputError(
                f"{path} has no column {missing[0]!r}; its columns are {', '.join(present.values())}.",
                settings=("columns",),
            )
        if not self._parts and not self._ids and not self._common:
            raise InputError(
                f"{path} has no column of names; its columns are {', '.join(present.values())}. Name the one that "
                f"holds them, columns taxon=COLUMN{without_names(self._source.columns)}.",
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
        named = [*self._parts.values(), *(column for _, column in self._ids), *self._common]
        for cells in self._source.cells(list(dict.fromkeys([*named, *more]))):
            codes, names = by_distinct(self._written, *(cells.columns[column] for column in named))
            yield codes, names, [cells.columns[column] for column in more]

    def _written(self, *texts: str) -> WrittenName:
        left = list(texts[len(self._parts) :])
        name = name_of_parts(**dict(zip(self._parts, texts, strict=False)))
        ids = (f"{kind}:{id}" for (kind, _), cell in zip(self._ids, left, strict=False) if (id := id_of(kind, cell)))
        common = (cell for cell in left[len(self._ids) :] if cell)
        return WrittenName(name=name, ids=tuple(dict.fromkeys(ids)), common_names=tuple(dict.fromkeys(common)))

    def _chosen(self, usual: Sequence[str]) -> str:
        """The column of names; "" where those of their parts are the names."""
        if len(usual) == 1 and not {"genus", "epithet"} <= set(self._parts):
            return usual[0]
        beside = {what: column for what, column in self._parts.items() if what in ("genus", "epithet")}
        cells = next(iter(self._source.cells([*usual, *beside.values()])))
        head = {name: as_text(column.slice(0, _LOOKED_AT)).to_pylist() for name, column in cells.columns.items()}
        genera = head[beside["genus"]] if "genus" in beside else [""] * _LOOKED_AT
        names = {column: list(map(name_of_parts, head[column], genera)) for column in usual}
        if len(beside) == 2:
            epithets = head[beside["epithet"]]
            names[""] = [name_of_parts("", *both) for both in zip(genera, epithets, strict=True)]
        return choose_name_column(names)
