"""Effort that is known from elsewhere: a raster of it, or a table of places that are the background."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.raster_cells import raster_bands, raster_samples
from birdsat.errors import InputError
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.place_rows import BELOW_ZERO, NO_WEIGHT, read_weighted_places
from birdsat.observations.readers.row_tally import RowTally
from birdsat.progress import QUIET, Progress
from birdsat.ranges.effort import RelativeEffort

FEW = 30  # cells of a background, below which it is said


def effort_of_raster(
    path: Path, grid: AnyGrid, anywhere: NDArray[np.int64], recorded: NDArray[np.int64], progress: Progress = QUIET
) -> RelativeEffort:
    """By a raster of effort, of which an area has so much; of cells `anywhere` (c,), ascending. Cells without a value
    count as if nobody had looked there, which is noted.

    All background is drawn by it, as by MaxEnt's bias file: then the ratio of presences to background is that of the
    taxon to the land, wherever anybody looked, while background anywhere leaves some of the bias in.

    recorded: (p,) cells in which records lie. Raises InputError for a raster that cannot be read, that has several
    bands, or that says of no cell, or of no cell with records, that anybody looked.
    """
    mean, below = _cell_means(path, grid, anywhere, progress)
    recorded = np.unique(recorded)
    there = mean[np.isin(anywhere, recorded)]
    lost = ""
    if not np.isfinite(mean).any():
        lost = f"has no value in any of the {len(anywhere):,} cells" + (" but such as are below 0" if below else "")
    elif not np.isfinite(there).any():
        lost = f"covers none of the {len(recorded):,} cells with records"
    elif not np.nansum(mean) > 0:
        lost = "is 0 in all cells that it covers, so nobody would have looked anywhere"
    elif not np.nansum(there) > 0:
        lost = f"says that nobody looked in any of the {len(recorded):,} cells with records"
    if lost:
        raise InputError(
            f"{path} {lost}; give a raster of relative effort of these cells, in {grid.box}, where more is more."
        )
    if below:
        progress.note(f"in {below:,} cells {path.name} has values below 0, which are taken for none.")
    if unknown := int(np.count_nonzero(np.isnan(mean))):
        progress.note(f"{path.name} has no value in {unknown:,} of {len(anywhere):,} cells: nobody looked there.")
    if unlooked := len(recorded) - int(np.count_nonzero(there > 0)):
        progress.note(f"in {unlooked:,} of {len(recorded):,} cells with records nobody looked, by {path.name}.")
    looked = np.nan_to_num(mean) > 0
    cells = anywhere[looked]
    return RelativeEffort(cells=cells, weight=mean[looked] * grid.cell_area(cells), source=path.name)


def check_bias(path: Path) -> None:
    """Raise InputError for a raster that cannot be read, and for one of several bands."""
    if (bands := len(raster_bands(path).numbers)) != 1:
        raise InputError(
            f"{path} has {bands} bands; a raster of relative effort has one. Take the one that is meant out of it."
        )


def _cell_means(
    path: Path, grid: AnyGrid, cells: NDArray[np.int64], progress: Progress
) -> tuple[NDArray[np.float64], int]:
    """(c,) means of the values from 0 on in each cell, NaN where there is none; in how many cells some are below."""
    check_bias(path)
    total, count, below = np.zeros(len(cells)), np.zeros(len(cells), np.int64), np.zeros(len(cells), np.bool_)
    for samples in raster_samples(path, grid, least=0.0, progress=progress):
        values = samples.values[:, 0].astype(np.float64)
        at = np.minimum(np.searchsorted(cells, samples.cells), len(cells) - 1)
        known = (cells[at] == samples.cells) & np.isfinite(values)
        below[at[known & (values < 0)]] = True
        known &= values >= 0
        np.add.at(total, at[known], values[known])
        np.add.at(count, at[known], 1)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan), int(np.count_nonzero(below))


def effort_of_places(
    path: Path,
    grid: AnyGrid,
    anywhere: NDArray[np.int64],
    *,
    within: str = "",
    columns: TableColumns | None = None,
    max_uncertainty_km: float | None = None,
    crs: str | None = None,
    progress: Progress = QUIET,
) -> RelativeEffort:
    """Places of a table that are the background, each in its cell, of cells `anywhere` (c,), ascending; those elsewhere
    are noted.

    within: where the cells lie, in messages; on the land of their box without. Raises what `read_weighted_places`
    raises, and InputError where no place lies in the cells, or none with a weight above 0.
    """
    weight, became, places, used = np.zeros(len(anywhere)), RowTally(), 0, 0
    for some in read_weighted_places(
        path, columns or TableColumns(), became, max_uncertainty_km=max_uncertainty_km, crs=crs
    ):
        cells = grid.cells_at(*some.lon_lat.T)
        at = np.minimum(np.searchsorted(anywhere, cells), len(anywhere) - 1)
        there = anywhere[at] == cells
        np.add.at(weight, at[there], some.weight[there])
        places, used = places + len(cells), used + int(np.count_nonzero(there))
    for remark in became.remarks():
        progress.note(f"{path.name}: {remark}")
    within = within or f"on land of {grid.box}"
    if not weight.any():
        lost = f"none of its {places:,} places lies {within}"
        if used:
            lost = f"the weights of all {used:,} places {within} are 0"
        remedy = "give places there, longitude first"
        if not places:
            lost, weights = "no row of it has a place", became.dropped[NO_WEIGHT] + became.dropped[BELOW_ZERO]
            if weights:
                lost = f"no row of it has both a place and a weight of 0 or more, and {weights:,} have a place alone"
                remedy = "give numbers as weights, or name another column, columns weight=COLUMN"
        raise InputError(f"{path} cannot be the background: {lost}; {remedy}.")
    if used < places:
        progress.note(f"{path.name}: {used:,} of {places:,} places lie {within}; the others are left out.")
    looked = weight > 0
    if (few := np.count_nonzero(looked)) < FEW:
        how_many = f"{few:,} {'cell' if few == 1 else 'cells'}"
        progress.note(f"{path.name} is a background of {how_many} alone, which tells little of where the taxa are not.")
    return RelativeEffort(
        cells=anywhere[looked],
        weight=weight[looked],
        source=f"the background of {path.name}, {used:,} places",
    )
