"""Presences and background on the cells of a grid: one definition, for what is shipped and for what is evaluated."""

import math

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.months import month_of
from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.observations.day_numbers import year_fractions
from birdsat.observations.occurrences import Occurrences
from birdsat.ranges.effort import RelativeEffort
from birdsat.ranges.points import Cells, Points
from birdsat.ranges.records import Records

CELLS = 20_000  # at most, of those anywhere
_DATES = 20_000  # at most, of records that say when somebody looked
_SURVEY_MONTHS, _SURVEY_SHARE = 2, 0.95  # so many months with so much of all dated records are a survey, not a season


def points_on_cells(
    records: Records, grid: AnyGrid, anywhere: NDArray[np.int64], *, most: int = CELLS, seed: int = 0
) -> Points:
    """What a fit learns from: presences and background at the centres of cells, of which nothing more is known yet.

    anywhere (c,): cells of the grid that background may lie in wherever nobody looked: all that a region has, or those
    with land. most, seed: as of `draw_background`. What says where and when somebody looked is thinned as presences
    are: else the best surveyed part of a range has one presence for hundreds of draws of background.
    """
    effort = records.effort_on(grid, anywhere)
    cells, weight = draw_background(grid, anywhere, effort, most=most, seed=seed)
    recorded = grid.cells_at(*records.taxa.lon_lat.T)
    centres = grid.centres(recorded)
    return Points(
        taxa=len(records.taxa.taxa),
        presences=Cells(lon_lat=centres, columns={}),
        taxon=records.taxa.label.astype(np.int64),
        background=Cells(lon_lat=grid.centres(cells), columns={}),
        year_fraction=records.taxa.year_fraction,
        background_weight=weight,
        background_area=grid.cell_area(cells),
        # Records of a single taxon do not say that somebody looked for it where it was not found.
        background_looked=np.zeros(len(cells), np.bool_) if effort is None else np.isin(cells, effort.cells),
        looked=dates_looked(records.thinned_on(grid), seed=seed),
        cell_km=_shorter_side_km(grid, np.unique(recorded)),
    )


def _shorter_side_km(grid: AnyGrid, cells: NDArray[np.int64]) -> float:
    """Of cells (n,), the median; NaN of none.

    Of the grid, as background may be no more than a few sites, or a few of very many cells, far from each other.
    """
    centres = grid.centres(cells)
    east, north = grid.plane(*centres.T)
    next_ones = grid.degrees(east + grid.step, north), grid.degrees(east, north - np.copysign(grid.step, north))
    apart = [np.linalg.norm(unit_sphere(*one) - unit_sphere(*centres.T), axis=1) for one in next_ones]
    return EARTH_RADIUS_KM * float(np.median(apart, axis=1).min()) if len(cells) else math.nan


def dates_looked(everything: Occurrences, *, seed: int = 0) -> NDArray[np.float64]:
    """(l,) year fractions on which somebody looked: of records of any taxon, and of visits that found none; some of
    them where there are many.

    None where one taxon is all there is, whose dates may be its season as well as theirs who looked; but a taxon with
    nearly all of its records in one or two months was looked for in these alone.
    """
    dates = np.concatenate([everything.year_fraction, year_fractions(everything.empty_visits[1])])
    dates = dates[np.isfinite(dates)]
    by_month = np.sort(np.bincount(month_of(dates), minlength=13))
    if len(everything.taxa) == 1 and by_month[-_SURVEY_MONTHS:].sum() < _SURVEY_SHARE * len(dates):
        return np.empty(0)
    if len(dates) > _DATES:
        dates = np.random.default_rng(seed).choice(dates, _DATES, replace=False)
    return dates


def draw_background(
    grid: AnyGrid,
    anywhere: NDArray[np.int64],
    effort: RelativeEffort | None,
    *,
    most: int = CELLS,
    seed: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cells (b,), and how often each is to be drawn: a share of the draws where somebody looked, others anywhere.

    Of either, `most` cells at most. Anywhere, by area; where somebody looked, by how much. Where that is not known,
    every draw is anywhere.
    """
    generator = np.random.default_rng(seed)
    anywhere = np.sort(generator.choice(anywhere, min(most, len(anywhere)), replace=False))
    area = grid.cell_area(anywhere)
    if effort is None or len(effort.cells) == 0 or effort.share == 0:
        return anywhere, area / area.sum()
    seen, looked = effort.cells, effort.weight
    if len(seen) > most:  # as many draws by their effort stand for all, so that memory does not grow with the table
        looked = generator.multinomial(most, looked / looked.sum()).astype(np.float64)
        seen, looked = seen[looked > 0], looked[looked > 0]
    if effort.share == 1:
        return seen, looked / looked.sum()
    cells = np.union1d(anywhere, seen)
    weight = np.zeros(len(cells))
    weight[np.searchsorted(cells, anywhere)] = (1 - effort.share) * area / area.sum()
    weight[np.searchsorted(cells, seen)] += effort.share * looked / looked.sum()
    return cells, weight
