"""Repeated counts along fixed routes, such as those of the North American Breeding Bird Survey."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.table_rows import column_names, table_rows
from birdsat.ranges.evaluation.range_grid import RangeGrid

_LATEST_YEAR = 9999
_FIELDS = ("species", "lon", "lat", "year", "count")


@dataclass(frozen=True, kw_only=True, slots=True)
class Surveys:
    """How many of a species were counted on a route in a year. A route was surveyed in a year when any species was
    counted."""

    lon_lat: NDArray[np.float64]  # (routes, 2) degrees
    species: tuple[str, ...]
    years: NDArray[np.int64]  # (y,) ascending: those in which anything was counted
    counts: NDArray[np.float32]  # (routes, species, y) individuals; 0 where none was counted, or the route not surveyed

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(routes, species, y) where any was."""
        return self.counts > 0

    def ranges(self, first: int | None = None, last: int | None = None) -> RangeGrid:
        """Where species were from year `first` to year `last`, both included; None has no end.

        Routes that were surveyed in none of these years are left out. A species is present on a route where it was
        counted in one year or more. Raises InputError for years without any survey.
        """
        counts, known = self._between(first, last)
        presence: NDArray[np.bool_] = np.asarray((counts[known] > 0).any(axis=2))
        return RangeGrid(lon_lat=self.lon_lat[known], species=self.species, presence=presence)

    def mean_counts(self, first: int | None = None, last: int | None = None) -> NDArray[np.float32]:
        """(routes of `ranges`, species) individuals counted, the mean over the years in which a route was surveyed."""
        counts, known = self._between(first, last)
        years = counts[known].any(axis=1).sum(axis=1)
        mean: NDArray[np.float32] = counts[known].sum(axis=2) / years[:, None].astype(np.float32)
        return mean

    def _between(self, first: int | None, last: int | None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Counts (routes, species, years) of some years, and which routes were surveyed in any of them."""
        low, high = self.years[0] if first is None else first, self.years[-1] if last is None else last
        counts = self.counts[:, :, (self.years >= low) & (self.years <= high)]
        known: NDArray[np.bool_] = np.asarray(counts.any(axis=(1, 2)))
        if not known.any():
            raise InputError(
                f"no route was surveyed from {low} to {high}; the surveys are of {self.years[0]} to {self.years[-1]}."
            )
        return counts, known


def read_surveys(path: Path) -> Surveys:
    """Surveys from a Parquet or CSV table with columns species, lon, lat, year and count; rows of count 0 are absences,
    and so is what has no row. Counts of one species, route and year add up.

    Routes are told apart by where they are. Raises InputError for a table of another form.
    """
    absent = sorted(set(_FIELDS) - set(column_names(path)))
    if absent:
        raise InputError(f"{path} has no column {', '.join(absent)}; surveys have {', '.join(_FIELDS)}.")
    routes: dict[tuple[float, float], int] = {}
    taxa: dict[str, int] = {}
    counts: list[tuple[int, int, int]] = []
    individuals: list[float] = []
    for row in table_rows(path, _FIELDS):
        if isinstance(row, Remark):
            raise InputError(f"{path}, {row.row}: {row.reason} ({row.detail}); mend the row, or leave it out.")
        number, values = row
        try:
            place = float(values["lon"]), float(values["lat"])
            year, count = int(values["year"]), float(values["count"])
            if abs(year) > _LATEST_YEAR:
                raise ValueError(f"year {year}")
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"{path}, row {number:,} ({values}) cannot be read: lon, lat, year and count are numbers."
            ) from error
        if not values["species"] or not count >= 0:
            raise InputError(f"{path}, row {number:,} ({values}): a species, and a count of 0 or more, are needed.")
        route = routes.setdefault(place, len(routes))
        label = taxa.setdefault(str(values["species"]), len(taxa))
        if count > 0:
            counts.append((route, label, year))
            individuals.append(count)
    if not counts:
        raise InputError(f"{path} has no count above 0; give surveys on which something was counted.")
    route_at, label_at, year_of = np.array(counts, dtype=np.int64).T
    years, year_at = np.unique(year_of, return_inverse=True)
    table = np.zeros((len(routes), len(taxa), len(years)), dtype=np.float32)
    np.add.at(table, (route_at, label_at, year_at), individuals)
    return Surveys(lon_lat=np.array(list(routes)), species=tuple(taxa), years=years, counts=table)
