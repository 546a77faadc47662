"""Fits to made landscapes, for the benchmarks that ask them."""

import numpy as np
from numpy.typing import NDArray

from birdsat.observations.occurrence_grid import thin_to_grid
from birdsat.ranges.background import points_on_cells
from birdsat.ranges.effort import RelativeEffort
from birdsat.ranges.fit import Source, fit_ranges
from birdsat.ranges.learn import Embedded
from birdsat.ranges.model import RangeModel
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points
from birdsat.ranges.records import Records
from birdsat.virtual.landscape import GRID, Landscape


def embedded(features: NDArray[np.float32]) -> Embedded:
    """What a region would say of places."""
    return Embedded(chip=features, year=np.empty((len(features), 1, 0), np.float32))


def fit_points(points: Points, presences: Embedded, background: Embedded, settings: RangeNetworkConfig) -> RangeModel:
    """As `birdsat fit` does."""
    taxa = [str(label) for label in range(points.taxa)]
    return fit_ranges(points, presences, background, taxa, Source(run="made", model="none"), settings=settings)


def fit_landscape(
    landscape: Landscape, taxa: int, settings: RangeNetworkConfig, *, told: RelativeEffort | None = None
) -> NDArray[np.float32]:
    """(taxa, n) relative suitability of the first taxa over all cells, fitted to a landscape's records; NaN for a taxon
    that no visit found.

    told: where was looked; None: as the records tell it.
    """
    everything = landscape.records(settings.seed)
    asked = everything.only_taxa(everything.taxa[:taxa])
    records = Records(taxa=thin_to_grid(asked, GRID), everything=everything, effort=told)
    points = points_on_cells(records, GRID, np.arange(GRID.cells), seed=settings.seed)
    here, there = (GRID.cells_at(*cells.lon_lat.T) for cells in (points.presences, points.background))
    model = fit_points(points, embedded(landscape.features[here]), embedded(landscape.features[there]), settings)
    maps = model.year_mean(landscape.features, GRID.centres(np.arange(GRID.cells))).T
    return np.where(np.isin(np.arange(len(maps)), points.taxon)[:, None], maps, np.float32(np.nan))
