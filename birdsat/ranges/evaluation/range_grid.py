"""Ranges over cells: which taxa live in which cell, as true as range maps are."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.table_rows import column_names, table_rows
from birdsat.ranges.evaluation.npz import MOST_BYTES, read_npz

_FIELDS = ("lat", "lon", "species", "presence")


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeGrid:
    """Presence and absence of taxa in cells.

    Raises InputError for shapes that do not fit together, places that are not on Earth, a cell or taxon that is there
    twice, and a presence other than 0 and 1.
    """

    lon_lat: NDArray[np.float64]  # (cells, 2) centres, degrees
    species: tuple[str, ...]
    presence: NDArray[np.bool_]  # (cells, species)

    def __post_init__(self) -> None:
        if self.lon_lat.ndim != 2 or self.lon_lat.shape[1:] != (2,) or len(self.lon_lat) == 0:
            raise InputError(f"places have shape {self.lon_lat.shape}; (cells, 2), one cell or more, is needed.")
        expected = (len(self.lon_lat), len(self.species))
        if self.presence.shape != expected or self.presence.dtype != np.bool_:
            raise InputError(
                f"presence is {self.presence.shape} of {self.presence.dtype}; {expected} of bool is needed: a row for "
                "each cell, a column for each species."
            )
        lon, lat = self.lon_lat.T
        wrong = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))  # NaN is wrong as well
        if wrong.any():
            first = int(wrong.argmax())
            raise InputError(
                f"cell {first} lies at lon {lon[first]}, lat {lat[first]}; longitudes from -180 to 180 and latitudes "
                "from -90 to 90 are needed. Were the two swapped?"
            )
        _refuse_twice("cell", [f"({x:g}, {y:g})" for x, y in self.lon_lat.tolist()])
        _refuse_twice("species", self.species)

    @property
    def step_degrees(self) -> float | None:
        """Side of the cells of a regular grid; None where places are not on a grid."""
        steps = np.diff(np.unique(self.lon_lat[:, 1].round(6)))
        if len(steps) == 0:
            return None
        times = steps / steps.min()  # in whole numbers on a grid, some rows of which may be missing
        return float(np.median(steps[times < 1.5])) if np.allclose(times, np.round(times), rtol=0, atol=1e-2) else None

    def usable(self, min_cells: int) -> "RangeGrid":
        """The species in at least so many cells and absent from as many. Raises InputError where there is none."""
        present = self.presence.sum(axis=0)
        keep = (present >= min_cells) & (len(self.lon_lat) - present >= min_cells)
        if not keep.any():
            raise InputError(
                f"none of {len(self.species):,} species is in {min_cells:,} cells and absent from as many; ask for "
                "fewer cells."
            )
        return self.of([name for name, kept in zip(self.species, keep, strict=True) if kept])

    def of(self, species: Sequence[str]) -> "RangeGrid":
        """Some of the species, in the order given."""
        columns = [self.species.index(name) for name in species]
        return RangeGrid(lon_lat=self.lon_lat, species=tuple(species), presence=self.presence[:, columns])

    def renamed(self, name_of: Callable[[str], str]) -> "RangeGrid":
        """With other names of its species. Raises InputError where two are one species by these."""
        names = tuple(map(name_of, self.species))
        if len(set(names)) < len(names):
            (twice, _), *_ = Counter(names).most_common(1)
            both = " and ".join(old for old, new in zip(self.species, names, strict=True) if new == twice)
            raise InputError(f"{both} of the ranges are both {twice} in the taxonomy; leave all but one out.")
        return replace(self, species=names)

    def at(self, cells: NDArray[np.bool_]) -> "RangeGrid":
        """Some of the cells (cells,)."""
        return RangeGrid(lon_lat=self.lon_lat[cells], species=self.species, presence=self.presence[cells])


def read_range_grid(path: Path) -> RangeGrid:
    """A range grid from a file.

    .npz: arrays lat and lon (cells,), species (taxa,) and presence (cells, taxa), 0 or 1. Parquet and CSV: a row for
    each cell and species, with columns lat, lon, species and presence; a pair without a row is an absence. Cells and
    species keep the order of the file. Raises InputError for a file of another form.
    """
    if path.suffix.lower() == ".npz":
        return _from_arrays(path)
    return _from_rows(path)


def _from_arrays(path: Path) -> RangeGrid:
    arrays = read_npz(path, _FIELDS)
    lat, lon, species, presence = (arrays[name] for name in _FIELDS)
    if lat.ndim != 1 or lat.shape != lon.shape or species.ndim != 1 or presence.shape != (len(lat), len(species)):
        raise InputError(
            f"{path} has lat {lat.shape}, lon {lon.shape}, species {species.shape} and presence {presence.shape}; "
            "(cells,), (cells,), (species,) and (cells, species) are needed."
        )
    if species.dtype.kind != "U":
        raise InputError(f"{path} has species of type {species.dtype}; text is needed.")
    if any(array.dtype.kind not in "fiub" for array in (lat, lon, presence)):
        raise InputError(f"{path} has lat, lon or presence that are not numbers; save them as numbers.")
    if not np.isin(presence, (0, 1)).all():
        raise InputError(f"{path} has presences other than 0 and 1; 1 is present, 0 absent.")
    # Numbers that stand for no character, or for half of one: Python must not be asked for them as text.
    characters = np.ascontiguousarray(species).view(np.dtype(np.uint32).newbyteorder(species.dtype.byteorder))
    if ((characters > 0x10FFFF) | ((characters >= 0xD800) & (characters < 0xE000))).any():
        raise InputError(f"{path} has species that are not text; save their names again.")
    return _made(path, np.stack([lon, lat], axis=1).astype(np.float64), species.tolist(), presence.astype(bool))


def _from_rows(path: Path) -> RangeGrid:
    columns = set(column_names(path))
    absent = sorted(set(_FIELDS) - columns)
    if absent == ["presence"] and {"year", "count"} <= columns:
        raise InputError(
            f"{path} is a table of counts; give the year before which they are learned from.",
            settings=("surveys_before",),
        )
    if absent:
        raise InputError(f"{path} has no column {', '.join(absent)}; a range grid has {', '.join(_FIELDS)}.")
    cells: dict[tuple[float, float], int] = {}
    taxa: dict[str, int] = {}
    known: dict[tuple[int, int], bool] = {}
    for row in table_rows(path, _FIELDS):
        if isinstance(row, Remark):
            raise InputError(f"{path}, {row.row}: {row.reason} ({row.detail}); mend the row, or leave it out.")
        number, values = row
        where = f"{path}, row {number:,}"
        place = _number(values["lon"], "lon", where), _number(values["lat"], "lat", where)
        presence = _number(values["presence"], "presence", where)
        if presence not in (0, 1) or not values["species"]:
            raise InputError(
                f"{where}: species {values['species']!r} with presence {values['presence']!r}; a name, and 1 for "
                "present or 0 for absent, are needed."
            )
        pair = cells.setdefault(place, len(cells)), taxa.setdefault(str(values["species"]), len(taxa))
        if known.setdefault(pair, bool(presence)) != bool(presence):
            raise InputError(f"{where} says the opposite of an earlier row of the same cell and species; keep one.")
    if len(cells) * len(taxa) > MOST_BYTES:
        raise InputError(
            f"{path} has {len(cells):,} cells and {len(taxa):,} species, too many pairs of them to be held; allowed: "
            f"{MOST_BYTES:,}. Were columns mixed up?"
        )
    table = np.zeros((len(cells), len(taxa)), dtype=bool)
    table[tuple(np.array(list(known)).T)] = list(known.values())
    return _made(path, np.array(list(cells), dtype=np.float64), list(taxa), table)


def _number(value: Any, name: str, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise InputError(f"{where}: {name} is {value!r}; a number is needed.")
    return number


def _made(path: Path, lon_lat: NDArray[np.float64], species: Sequence[str], presence: NDArray[np.bool_]) -> RangeGrid:
    try:
        return RangeGrid(lon_lat=lon_lat, species=tuple(species), presence=presence)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{what} {name} is there twice; keep one row or column of it.")
        seen.add(name)
