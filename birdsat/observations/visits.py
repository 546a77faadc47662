"""Visits that records tell of: how often cells were gone to, and what such a visit finds."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.observations.day_numbers import months
from birdsat.observations.occurrence_grid import Cells, thinning_squares
from birdsat.observations.occurrences import Occurrences


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitedCells:
    """How much was looked in k cells of a grid, as far as records tell."""

    cells: NDArray[np.int64]  # (k,) positions in the grid, ascending
    weight: NDArray[np.float64]  # (k,) above 0, in visits, of which those after the first of a month count less
    detection: float  # 0..1, how often a visit records what another one recorded in that cell and month


def visited_cells(
    occurrences: Occurrences, grid: Cells, km: float | None = None, taxa: Collection[str] = ()
) -> VisitedCells:
    """By records of all taxa, as they were made, and by visits of surveys that found nothing.

    taxa: those that the visits are to tell of; none: all.

    A visit is a day in a cell on which anything was recorded there, or where no day is known a place. Records are
    thinned to one of a taxon in a cell, or square of `km`, and month, and effort is counted alike: it is how many such
    records to expect of a taxon that lives there, 1 - (1 - q)^v of v visits that find it with probability q each
    (MacKenzie et al. 2002, Ecology 83(8), 2248-2255). So the hundredth visit of a month adds nothing, as it leaves no
    record; and a cell with many taxa does not count as much visited for having many records, or each of them would be
    mapped as less at home where others live as well. q is the same for all of `taxa`: of two visits of a cell and
    month, how often one recorded those of them that the other had.
    """
    empty, days = occurrences.empty_visits
    lon_lat = np.concatenate([occurrences.lon_lat, empty])
    day = np.concatenate([occurrences.day, days])
    label = np.concatenate([occurrences.label, np.full(len(days), -1, np.int32)])
    cell = grid.cells_at(*lon_lat.T)
    inside = cell >= 0
    cell, lon_lat, day, label = cell[inside], lon_lat[inside], day[inside], label[inside]
    month = months(day)
    place = np.where((month == 0)[:, None], lon_lat, 0.0)  # what tells two visits of unknown days apart
    unit = _numbered(*((cell,) if km is None else thinning_squares(lon_lat, km)), month)
    visit = _numbered(unit, cell, day, *place.T)
    _, first = np.unique(visit, return_index=True)
    visits = np.bincount(unit[first])  # of each unit
    # Each taxon at each visit once, and of these how many there are in each unit.
    recorded = np.flatnonzero(label >= 0)
    _, once = np.unique(_numbered(label[recorded], visit[recorded]), return_index=True)
    found = recorded[once]
    _, row, times = np.unique(_numbered(label[found], unit[found]), return_index=True, return_counts=True)
    asked = np.isin(occurrences.taxa, list(taxa))[label[found][row]]
    others = visits[unit[found][row]] - 1
    detection = _again(times[asked], others[asked]) or _again(times, others)
    counted = visits.astype(np.float64) if detection == 0 else -np.expm1(visits * np.log1p(-min(detection, 1 - 1e-9)))
    cells, at = np.unique(cell[first], return_inverse=True)
    weight = np.zeros(len(cells))
    np.add.at(weight, at, (counted / np.maximum(1, visits))[unit[first]])
    return VisitedCells(cells=cells, weight=weight, detection=detection)


def _again(times: NDArray[np.int64], others: NDArray[np.int64]) -> float:
    """How often a taxon recorded on one visit of a cell and month was on another: `times` (n,) on which each was, and
    how many `others` (n,) there were than one; 0 where there were none."""
    pairs = int((times * others).sum())
    return float((times * (times - 1)).sum() / pairs) if pairs else 0.0


def _numbered(*keys: NDArray[np.number]) -> NDArray[np.int64]:
    """(n,) 0, 1, ...: the same for rows that are alike in all keys (n,)."""
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), np.bool_)
    for key in keys:
        new[1:] |= key[order[1:]] != key[order[:-1]]
    number = np.empty(len(order), np.int64)
    number[order] = np.cumsum(new)
    return number
