"""Points for models that learn from records anywhere and are evaluated on known ranges: those that a fit would get."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.earth.land_cells import land_cells
from birdsat.errors import InputError
from birdsat.observations.occurrences import Occurrences
from birdsat.progress import QUIET, Progress
from birdsat.ranges.background import points_on_cells
from birdsat.ranges.evaluation.columns import Columns
from birdsat.ranges.evaluation.range_grid import RangeGrid
from birdsat.ranges.points import Points
from birdsat.ranges.records import Records, thin_records

_SOUTH, _NORTH = -60.0, 85.0  # beyond lies ice
_STEP_DEGREES = 0.25  # of cells around ranges of places that are not on a grid


def occurrence_points(
    everything: Occurrences,
    truth: RangeGrid,
    columns: Columns,
    *,
    min_records: int,
    most: int,
    thin_km: float | None = None,
    with_effort: Callable[[Records, AnyGrid, NDArray[np.int64]], Records] | None = None,
    seed: int = 0,
    progress: Progress = QUIET,
) -> tuple[Points, RangeGrid]:
    """Points of the taxa of the ranges with so many rows of the tables, and the ranges of these taxa, in order.

    As in a fit, on cells of the size of the ranges' own, all over the land of the planet: presences are thinned to one
    a cell and month, and background is drawn where records of all taxa lie and, in `most` cells at most, anywhere.
    thin_km: presences are thinned so, in place of one a cell. with_effort: what gives the records how much was looked
    in the cells of a grid and, of these, in those anywhere (c,), where that is not known from the records.

    Places without imagery are left out. Raises InputError when no taxon has so many records, or none with imagery.
    """
    rows = everything.taxon_rows
    taxa = [taxon for taxon in truth.species if rows.get(taxon, 0) >= min_records]
    if not taxa:
        raise InputError(f"no taxon of the ranges has {min_records} records; are the scientific names the same?")
    grid, land = cells_around(truth), columns.features.land
    thinned = thin_records(everything.only_taxa(taxa), grid, land, thin_km=thin_km, progress=progress)
    records = Records(taxa=thinned, everything=everything, thin_km=thin_km)
    anywhere = np.flatnonzero(land_cells(grid, land))
    if with_effort is not None:
        records = with_effort(records, grid, anywhere)
    points = points_on_cells(records, grid, anywhere, most=most, seed=seed)
    return _with_columns(points, columns), truth.of(thinned.taxa)


def cells_around(truth: RangeGrid) -> Grid:
    """Cells of the size of the ranges' own, which are among them, over the world without the ice of the poles."""
    step = truth.step_degrees or _STEP_DEGREES
    lon, lat = truth.lon_lat.T
    # East of 180 W by so much lies the first edge of a cell; 1e-9 forgives steps such as 0.1 that are not exact.
    west = max(0.0, (lon.min() - step / 2 + 180 + 1e-9) % step - 1e-9)
    columns = np.floor((360 - west) / step + 1e-9)
    top, bottom = lat.max() + step / 2, lat.min() - step / 2
    north = top + step * max(0.0, np.floor((_NORTH - top) / step))
    south = bottom - step * max(0.0, np.floor((bottom - _SOUTH) / step))
    edges = (-180 + west, max(-90.0, south), min(180.0, -180 + west + columns * step), min(90.0, north))
    return Grid(Box(*(round(float(edge), 9) for edge in edges)), step)


def _with_columns(points: Points, columns: Columns) -> Points:
    """With what is known of each place; those without imagery are gone."""
    places = np.concatenate([points.presences.lon_lat, points.background.lon_lat])
    different, row = np.unique(places, axis=0, return_inverse=True)
    cells, found = columns.of(different)
    row = row.reshape(-1)
    here, there = row[: len(points.presences)], row[len(points.presences) :]
    if not found[here].any():
        raise InputError("no record lies where there is imagery; give imagery that covers them.")
    kept = found[here]
    return replace(
        points.with_background(found[there]),
        presences=cells.take(here[kept]),
        taxon=points.taxon[kept],
        year_fraction=points.year_fraction[kept],
        background=cells.take(there[found[there]]),
    )
