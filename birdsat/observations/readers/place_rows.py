"""Tables of places, such as of sites that were visited: a place a row and, beside it, a weight or other columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.earth.crs import CRS
from birdsat.errors import InputError, some_of
from birdsat.observations.coordinates import PlaceTally
from birdsat.observations.readers.cell_values import as_numbers
from birdsat.observations.readers.columns import TableColumns, columns_of_plane, find_column, of_their_table
from birdsat.observations.readers.places import read_places, table_crs, without_zeros
from birdsat.observations.readers.point_columns import crs_of_places, with_points
from birdsat.observations.readers.reader import TableSource
from birdsat.observations.readers.registry import open_table
from birdsat.observations.readers.row_rules import UNCERTAINTY, RowRules
from birdsat.observations.readers.row_tally import NO_PLACE, RowTally
from birdsat.observations.readers.sorting import Sorting

NO_WEIGHT, BELOW_ZERO = "weight missing or unreadable", "weight below 0"
_MOST_NAMED = 20  # columns, in a message
_OF_PLACE = ("lon", "lat", "lon_side", "lat_side", "datum")


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightedPlaces:
    """n places."""

    lon_lat: NDArray[np.float64]  # (n, 2) degrees
    weight: NDArray[np.float64]  # (n,) 0 or more; 1 where the table has none


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldPlaces:
    """n places, and what columns of their table say of each."""

    lon_lat: NDArray[np.float64]  # (n, 2) degrees
    columns: dict[str, pa.Array]  # (n,) each


def read_weighted_places(
    path: Path,
    columns: TableColumns,
    became: RowTally,
    *,
    max_uncertainty_km: float | None = None,
    crs: str | None = None,
) -> Iterator[WeightedPlaces]:
    """The places of a table of any format, some thousands of rows at a time; `became` counts the others by reason, and
    what is to be said of those that are kept.

    Of the columns asked for, those that the table has not are found by their usual names, as it is read beside tables
    of records. crs: in which the coordinates are, see `read_table`. Raises InputError for a table that cannot be read,
    without places, or of which most are wrong.
    """
    rules = RowRules(max_uncertainty_km=max_uncertainty_km)
    table = _opened(path, columns, crs, (*_OF_PLACE, "weight", *UNCERTAINTY))
    for rows, cells, lon_lat in table.rows(became):
        rules.apply_uncertainty(rows, cells)
        weight = _weights(cells, rows)
        _count(rows, became)
        yield WeightedPlaces(lon_lat=lon_lat[rows.kept], weight=weight[rows.kept])


def read_told_places(
    path: Path, columns: TableColumns, told: Sequence[str], became: RowTally, *, crs: str | None = None
) -> Iterator[ToldPlaces]:
    """As `read_weighted_places`, with what the columns `told`, which the table has, say of each place."""
    for rows, cells, lon_lat in _opened(path, columns, crs, _OF_PLACE).rows(became, told):
        _count(rows, became)
        kept = pa.array(rows.kept)
        yield ToldPlaces(lon_lat=lon_lat[rows.kept], columns={name: cells[name].filter(kept) for name in told})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    """A table with places."""

    source: TableSource
    path: Path
    named: dict[str, str]  # which column holds what
    crs: CRS | None  # of places that name none

    def rows(
        self, became: RowTally, told: Sequence[str] = ()
    ) -> Iterator[tuple[Sorting, dict[str, pa.Array], NDArray[np.float64]]]:
        """Rows, of which those without a place are dropped; their cells, by what they hold, and those `told` by their
        own names; and their places (n, 2)."""
        tally = PlaceTally(self.named["lon"], self.named["lat"])
        for raw in self.source.cells(sorted({*self.named.values(), *told})):
            for _, remark in raw.remarks:
                became.count(remark.reason, 1, kept=remark.kept)
            cells = {what: raw.columns[name] for what, name in self.named.items()}
            rows = Sorting(len(raw))
            lon_lat = without_zeros(read_places(cells, rows, tally, self.crs), rows, dropped=True)
            rows.drop(np.isnan(lon_lat[:, 0]) | np.isnan(lon_lat[:, 1]), NO_PLACE, lambda i: "")
            yield rows, {**cells, **{name: raw.columns[name] for name in told}}, lon_lat
        tally.check(self.path)


def _opened(path: Path, columns: TableColumns, crs: str | None, wanted: Sequence[str]) -> _Opened:
    """Raises InputError where no columns hold places."""
    named, opened = table_crs(crs), open_table(path)
    columns = replace(
        columns, **{what: None for what in ("lon", "lat") if getattr(columns, what) not in opened.columns}
    )
    source = with_points(opened, columns, path)
    found = {
        what: column
        for what in wanted
        if (column := find_column(source.columns, what, getattr(columns, what), path)) is not None
    }
    found = of_their_table(source, found, columns) | columns_of_plane(source.columns, columns, named)
    if not {"lon", "lat"} <= set(found):
        raise InputError(
            f"{path} has no columns of longitude and latitude; its columns are {some_of(opened.columns, _MOST_NAMED)}. "
            "Name them: columns lon=COLUMN lat=COLUMN.",
            settings=("columns",),
        )
    return _Opened(source=source, path=path, named=found, crs=crs_of_places(source, found["lon"], named))


def _count(rows: Sorting, became: RowTally) -> None:
    for finding in rows.findings():
        became.count(finding.reason, len(finding.rows), kept=finding.kept)


def _weights(cells: dict[str, pa.Array], rows: Sorting) -> NDArray[np.float64]:
    if "weight" not in cells:
        return np.ones(len(rows.kept))
    weight, _ = as_numbers(cells["weight"])
    rows.drop(~np.isfinite(weight), NO_WEIGHT, lambda i: "")
    rows.drop(weight < 0, BELOW_ZERO, lambda i: f"{weight[i]:g}")
    return weight
