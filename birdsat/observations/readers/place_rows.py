"""Tables of places, such as of sites that were visited: a place a row and, where they have one, a weight."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.errors import InputError, some_of
from birdsat.observations.coordinates import PlaceTally
from birdsat.observations.readers.cell_values import as_numbers
from birdsat.observations.readers.columns import TableColumns, find_column, of_their_table
from birdsat.observations.readers.places import read_places, table_crs, without_zeros
from birdsat.observations.readers.registry import open_table
from birdsat.observations.readers.row_rules import UNCERTAINTY, RowRules
from birdsat.observations.readers.row_tally import NO_PLACE, RowTally
from birdsat.observations.readers.sorting import Sorting

NO_WEIGHT, BELOW_ZERO = "weight missing or unreadable", "weight below 0"
_MOST_NAMED = 20  # columns, in a message


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightedPlaces:
    """n places."""

    lon_lat: NDArray[np.float64]  # (n, 2) degrees
    weight: NDArray[np.float64]  # (n,) 0 or more; 1 where the table has none


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
    source, named_crs = open_table(path), table_crs(crs)
    present = source.columns
    columns = replace(columns, **{what: None for what in ("lon", "lat") if getattr(columns, what) not in present})
    named = {
        what: column
        for what in ("lon", "lat", "lon_side", "lat_side", "datum", "weight", *UNCERTAINTY)
        if (column := find_column(present, what, getattr(columns, what), path)) is not None
    }
    named = of_their_table(source, named, columns)
    if not {"lon", "lat"} <= set(named):
        raise InputError(
            f"{path} has no columns of longitude and latitude; its columns are {some_of(present, _MOST_NAMED)}. Name "
            "them: columns lon=COLUMN lat=COLUMN.",
            settings=("columns",),
        )
    tally, rules = PlaceTally(named["lon"], named["lat"]), RowRules(max_uncertainty_km=max_uncertainty_km)
    for raw in source.cells(sorted(set(named.values()))):
        for _, remark in raw.remarks:
            became.count(remark.reason, 1, kept=remark.kept)
        cells = {what: raw.columns[name] for what, name in named.items()}
        rows = Sorting(len(raw))
        lon_lat = without_zeros(read_places(cells, rows, tally, named_crs), rows, dropped=True)
        rows.drop(np.isnan(lon_lat[:, 0]) | np.isnan(lon_lat[:, 1]), NO_PLACE, lambda i: "")
        rules.apply_uncertainty(rows, cells)
        weight = _weights(cells, rows)
        for finding in rows.findings():
            became.count(finding.reason, len(finding.rows), kept=finding.kept)
        yield WeightedPlaces(lon_lat=lon_lat[rows.kept], weight=weight[rows.kept])
    tally.check(path)


def _weights(cells: dict[str, pa.Array], rows: Sorting) -> NDArray[np.float64]:
    if "weight" not in cells:
        return np.ones(len(rows.kept))
    weight, _ = as_numbers(cells["weight"])
    rows.drop(~np.isfinite(weight), NO_WEIGHT, lambda i: "")
    rows.drop(weight < 0, BELOW_ZERO, lambda i: f"{weight[i]:g}")
    return weight
