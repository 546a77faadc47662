"""Presences and background on the cells of a grid: one definition, for what is shipped and for what is evaluated."""

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.observations.day_numbers import year_fractions
from birdsat.observations.occurrence_grid import effort
from birdsat.observations.occurrences import Occurrences
from birdsat.ranges.points import Cells, Points
from birdsat.ranges.records import Records

CELLS = 20_000  # at most, of those anywhere
LOOKED_SHARE = 0.5  # of the background, where somebody looked
_DATES = 20_000  # at most, of records that say when somebody looked
_SURVEY_MONTHS, _SURVEY_SHARE = 2, 0.95  # so many months with so much of all dated records are a survey, not a season


def points_on_cells(
    records: Records, grid: AnyGrid, anywhere: NDArray[np.int64], *, most: int = CELLS, seed: int = 0
) -> Points:
    """What a fit learns from: presences and background at the centres of cells, of which nothing more is known yet.

    anywhere (c,): cells of the grid that background may lie in wherever nobody looked: all that a region has, or those
    with land. most, seed: as of `draw_background`.
    """
    cells, weight = draw_background(grid, anywhere, records.everything, most=most, seed=seed)
    centres = grid.centres(grid.cells_at(*records.taxa.lon_lat.T))
    return Points(
        taxa=len(records.taxa.taxa),
        presences=Cells(lon_lat=centres, columns={}),
        taxon=records.taxa.label.astype(np.int64),
        background=Cells(lon_lat=grid.centres(cells), columns={}),
        year_fraction=records.taxa.year_fraction,
        background_weight=weight,
        looked=dates_looked(records.everything, seed=seed),
    )


def dates_looked(everything: Occurrences, *, seed: int = 0) -> NDArray[np.float64]:
    """(l,) year fractions on which somebody looked: of records of any taxon, and of visits that found none; some of
    them where there are many.

    None where one taxon is all there is, whose dates may be its season as well as theirs who looked; but a taxon with
    nearly all of its records in one or two months was looked for in these alone.
    """
    dates = np.concatenate([everything.year_fraction, year_fractions(everything.empty_visits[1])])
    dates = dates[np.isfinite(dates)]
    by_month = np.sort(np.bincount((dates * 12).astype(np.int64) % 12, minlength=12))
    if len(everything.taxa) == 1 and by_month[-_SURVEY_MONTHS:].sum() < _SURVEY_SHARE * len(dates):
        return np.empty(0)
    if len(dates) > _DATES:
        dates = np.random.default_rng(seed).choice(dates, _DATES, replace=False)
    return dates


def draw_background(
    grid: AnyGrid, anywhere: NDArray[np.int64], everything: Occurrences, *, most: int = CELLS, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cells (b,), and how often each is to be drawn: LOOKED_SHARE of the draws where somebody looked, others anywhere.

    Of either, `most` cells at most. Anywhere, by area; where somebody looked, by the records of all taxa there, so
    that places are not taken for good ones because observers go there (target-group background, Phillips et al. 2009).
    Where one taxon is all there is, its own records say nothing of that, and every draw is anywhere.
    """
    generator = np.random.default_rng(seed)
    anywhere = np.sort(generator.choice(anywhere, min(most, len(anywhere)), replace=False))
    area = grid.cell_area(anywhere)
    if len(everything.taxa) == 1:
        return anywhere, area / area.sum()
    looked = effort(everything, grid)
    seen, records = looked.cells, looked.weight(looked.cells)
    if len(seen) > most:  # as many draws by their records stand for all, so that memory does not grow with the table
        records = generator.multinomial(most, records / records.sum()).astype(np.float64)
        seen, records = seen[records > 0], records[records > 0]
    cells = np.union1d(anywhere, seen)
    weight = np.zeros(len(cells))
    weight[np.searchsorted(cells, anywhere)] = (1 - LOOKED_SHARE) * area / area.sum()
    weight[np.searchsorted(cells, seen)] += LOOKED_SHARE * records / max(records.sum(), 1.0)
    return cells, weight
