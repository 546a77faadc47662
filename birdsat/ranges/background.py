"""Presences and background on the cells of a grid: one definition, for what is shipped and for what is evaluated."""

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.observations.occurrence_grid import effort, thin_to_grid
from birdsat.observations.occurrences import Occurrences
from birdsat.ranges.points import Cells, Points
from birdsat.ranges.records import Records

CELLS = 20_000  # at most, of those anywhere
# Of the background, where somebody looked; the rest is anywhere, or places where nobody did would be anybody's guess.
# Of .5, .9 and .97, chosen on records of all sorts in North America, evaluated by routes of the Breeding Bird Survey.
LOOKED_SHARE = 0.9
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
    everything = thin_to_grid(records.everything, grid)
    share = looked_share(records.taxa, everything)
    cells, weight = draw_background(grid, anywhere, everything, share=share, most=most, seed=seed)
    # Records of a single taxon do not say that somebody looked for it where it was not found.
    seen = np.isin(cells, grid.cells_at(*everything.lon_lat.T)) & (share > 0)
    centres = grid.centres(grid.cells_at(*records.taxa.lon_lat.T))
    return Points(
        taxa=len(records.taxa.taxa),
        presences=Cells(lon_lat=centres, columns={}),
        taxon=records.taxa.label.astype(np.int64),
        background=Cells(lon_lat=grid.centres(cells), columns={}),
        year_fraction=records.taxa.year_fraction,
        background_weight=weight,
        background_looked=seen,
        looked=dates_looked(everything, seed=seed),
    )


def looked_share(taxa: Occurrences, everything: Occurrences) -> float:
    """What part of the background is drawn where somebody looked, for a fit to `taxa`, thinned as `everything` is.

    LOOKED_SHARE, but for a taxon's own records, which say nothing of where it was missed: of two taxa half, of one
    alone all of it. The mean over the taxa.
    """
    own = len(taxa) / max(1, np.count_nonzero(taxa.counts))
    return LOOKED_SHARE * max(0.0, 1 - own / max(1, len(everything)))


def dates_looked(everything: Occurrences, *, seed: int = 0) -> NDArray[np.float64]:
    """(l,) year fractions on which somebody looked: of records of any taxon, some of them where there are many.

    None where one taxon is all there is, whose dates may be its season as well as theirs who looked; but a taxon with
    nearly all of its records in one or two months was looked for in these alone.
    """
    dates = everything.year_fraction
    dates = dates[np.isfinite(dates)]
    by_month = np.sort(np.bincount((dates * 12).astype(np.int64) % 12, minlength=12))
    if len(everything.taxa) == 1 and by_month[-_SURVEY_MONTHS:].sum() < _SURVEY_SHARE * len(dates):
        return np.empty(0)
    if len(dates) > _DATES:
        dates = np.random.default_rng(seed).choice(dates, _DATES, replace=False)
    return dates


def draw_background(
    grid: AnyGrid,
    anywhere: NDArray[np.int64],
    everything: Occurrences,
    *,
    share: float = LOOKED_SHARE,
    most: int = CELLS,
    seed: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cells (b,), and how often each is to be drawn: a share of the draws where somebody looked, others anywhere.

    Of either, `most` cells at most. Anywhere, by area; where somebody looked, by the records of all taxa there, thinned
    as presences are, so that places are not taken for good ones because observers go there (target-group background,
    Phillips et al. 2009, Ecological Applications 19(1), 181-197).
    """
    generator = np.random.default_rng(seed)
    anywhere = np.sort(generator.choice(anywhere, min(most, len(anywhere)), replace=False))
    area = grid.cell_area(anywhere)
    looked = effort(everything, grid)
    seen, records = looked.cells, looked.weight(looked.cells)
    if len(seen) == 0 or share == 0:
        return anywhere, area / area.sum()
    if len(seen) > most:  # as many draws by their records stand for all, so that memory does not grow with the table
        records = generator.multinomial(most, records / records.sum()).astype(np.float64)
        seen, records = seen[records > 0], records[records > 0]
    cells = np.union1d(anywhere, seen)
    weight = np.zeros(len(cells))
    weight[np.searchsorted(cells, anywhere)] = (1 - share) * area / area.sum()
    weight[np.searchsorted(cells, seen)] += share * records / records.sum()
    return cells, weight
