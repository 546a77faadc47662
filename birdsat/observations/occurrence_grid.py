"""Occurrences on a grid: thinned, and as a measure of how much was looked."""

from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.equal_area import METRES_A_DEGREE, northing
from birdsat.errors import InputError
from birdsat.observations.day_numbers import months
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.survey_records import SurveyRecords

Number = TypeVar("Number", bound=np.number)
THINNED = "another record of the same taxon in the same cell and month"
THINNED_KM = "another record of the same taxon in the same month and square of"  # so many kilometres


class Cells(Protocol):
    """What is needed of a grid, whatever its projection."""

    @property
    def rows(self) -> int: ...

    @property
    def columns(self) -> int: ...

    @property
    def lon(self) -> NDArray[np.float64]:
        """(columns,) longitudes of centres, degrees; may go on past 180."""
        ...

    @property
    def lat(self) -> NDArray[np.float64]:
        """(rows,) latitudes of centres, degrees, north first."""
        ...

    def cells_at(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,) positions, row by row from the north-west, of the cells in which places lie; -1 outside."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """How much was looked in k cells of a grid; in every other cell, not at all as far as is known."""

    cells: NDArray[np.int64]  # (k,) positions in the grid, row by row from the north-west, sorted
    # (k, 13) records of all taxa, and visits of surveys that recorded none: first those without a date, then by month
    records: NDArray[np.int64]

    def weight(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """(c,) for cells (c,): records of all taxa; 0 where there is none."""
        return values_at(cells, self.cells, self.records.sum(axis=1)).astype(np.float64)

    def by_month(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """(12, c) records of all taxa; those without a date count one twelfth in each month."""
        found = values_at(cells, self.cells, self.records).astype(np.float64)
        months: NDArray[np.float64] = (found[:, 1:] + found[:, :1] / 12).T
        return months


def values_at(cells: NDArray[np.int64], known: NDArray[np.int64], values: NDArray[Number]) -> NDArray[Number]:
    """(c, ...) of cells (c,), where known ones (k,), ascending, have values (k, ...); 0 of others."""
    if len(known) == 0:
        return np.zeros((len(cells), *values.shape[1:]), dtype=values.dtype)
    at = np.minimum(np.searchsorted(known, cells), len(known) - 1)
    found: NDArray[Number] = values[at]
    found[known[at] != cells] = 0
    return found


def thin(occurrences: Occurrences, grid: Cells, km: float | None = None) -> Occurrences:
    """As `thin_to_grid`, or where kilometres are given, as `thin_to_km`; and one visit a cell and month of those in the
    grid that found nothing."""
    thinned = thin_to_grid(occurrences, grid) if km is None else thin_to_km(occurrences, grid, km)
    if occurrences.surveys is None:
        return thinned
    places, days = occurrences.empty_visits  # of all records: beside the thinned ones, others would seem empty
    cells = grid.cells_at(*places.T)
    inside = np.flatnonzero(cells >= 0)
    first = inside[np.unique(cells[inside] * 13 + months(days[inside]), return_index=True)[1]]
    empty = SurveyRecords(
        taxa=occurrences.surveys.taxa[:1],
        label=np.zeros(len(first), np.int32),
        lon_lat=places[first],
        day=days[first],
        present=np.zeros(len(first), np.bool_),
    )
    return replace(thinned, surveys=empty)


def thin_to_grid(occurrences: Occurrences, grid: Cells) -> Occurrences:
    """One record of each taxon in each cell and month: the earliest; the others count as dropped.

    Records without a date are a month of their own. Those outside the grid count as dropped too.
    """
    occurrences = occurrences.where(grid.cells_at(*occurrences.lon_lat.T) >= 0, reason="outside the region")
    return occurrences.where(_first_of(occurrences, grid.cells_at(*occurrences.lon_lat.T)), reason=THINNED)


def thin_to_km(occurrences: Occurrences, grid: Cells, km: float) -> Occurrences:
    """As `thin_to_grid`, with squares of `km` in place of the grid's cells: of one area all over the Earth, and square
    at 30 degrees north and south. Records outside the grid count as dropped here, too."""
    occurrences = occurrences.where(grid.cells_at(*occurrences.lon_lat.T) >= 0, reason="outside the region")
    first = _first_of(occurrences, *thinning_squares(occurrences.lon_lat, km))
    return occurrences.where(first, reason=f"{THINNED_KM} {km:g} km")


def thinning_squares(lon_lat: NDArray[np.float64], km: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column (n,) of the squares of `km` in which places (n, 2) lie."""
    lon, lat = lon_lat.T
    column = np.floor((lon + 180) % 360 * METRES_A_DEGREE / (1000 * km)).astype(np.int64)
    row = np.floor(northing(lat) / (1000 * km)).astype(np.int64)
    return row, column


def _first_of(occurrences: Occurrences, *where: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) whether a record is the earliest of its taxon, month and place, each of which is told by numbers (n,)."""
    keys = np.stack([occurrences.label.astype(np.int64), *where, occurrences.month, occurrences.day.astype(np.int64)])
    order = np.lexsort((*occurrences.lon_lat.T[::-1], *keys[::-1]))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (keys[:-1, order[1:]] != keys[:-1, order[:-1]]).any(axis=0)
    kept = np.zeros(len(order), dtype=np.bool_)
    kept[order[first]] = True
    return kept


def effort(occurrences: Occurrences, grid: Cells) -> Effort:
    """How many records of all taxa fall in each cell; those outside the grid are left out.

    Where a survey looked and found nothing somebody looked as well, which counts as one record of a place and day.

    Give the records of every taxon that the same observers would have recorded, not those of one taxon.
    """
    places, days = occurrences.empty_visits
    month = np.concatenate([occurrences.month, months(days)])
    cell = grid.cells_at(*np.concatenate([occurrences.lon_lat, places]).T)
    inside = cell >= 0
    cells, index = np.unique(cell[inside], return_inverse=True)
    records = np.zeros((len(cells), 13), dtype=np.int64)
    np.add.at(records, (index, month[inside]), 1)
    return Effort(cells=cells, records=records)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedCells:
    """Cells and months in which taxa were recorded. A record without a date counts in every month."""

    keys: NDArray[np.int64]  # (r,) (label * 13 + month) * size + cell, sorted; month 0 where the date is not known
    size: int  # cells of the grid

    def contains(
        self, label: NDArray[np.int64], month: NDArray[np.int64], cells: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """(n,) whether the taxa with these indices (n,) were recorded in these months 1..12 (n,) and cells (n,)."""
        found: NDArray[np.bool_] = np.zeros(len(cells), dtype=np.bool_)
        for known in (np.zeros_like(month), month):
            found |= np.isin((label * 13 + known) * self.size + cells, self.keys)
        return found


def recorded_cells(occurrences: Occurrences, grid: Cells, taxa: tuple[str, ...]) -> RecordedCells:
    """In which cells and months each of `taxa` was recorded."""
    ours = {name: i for i, name in enumerate(taxa)}
    if len(ours) != len(taxa):
        raise InputError("a taxon is asked for twice; name each once.")
    relabel = np.array([ours.get(name, -1) for name in occurrences.taxa], dtype=np.int64)
    label, cell = relabel[occurrences.label], grid.cells_at(*occurrences.lon_lat.T)
    inside = (label >= 0) & (cell >= 0)
    size = grid.rows * grid.columns
    keys = (label[inside] * 13 + occurrences.month[inside]) * size + cell[inside]
    return RecordedCells(keys=np.unique(keys), size=size)
