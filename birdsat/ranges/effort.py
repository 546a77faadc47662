"""How much was looked where: what background is drawn by.

So that a place is not taken for a good one because observers go there (target-group background, Phillips et al. 2009,
Ecological Applications 19(1), 181-197).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.observations.occurrence_grid import effort
from birdsat.observations.occurrences import Occurrences

NOT_KNOWN = "not known"
# Of the background, where somebody looked; the rest is anywhere, or places where nobody did would be anybody's guess.
# Chosen of .5 to .99 on made landscapes of uneven effort (benchmarks/effort.py); .5 is worse on real records as well,
# .9 and .97 are alike (docs/maps.md).
LOOKED_SHARE = 0.97


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RelativeEffort:
    """How much was looked in k cells of a grid; in every other cell, not at all as far as is known."""

    cells: NDArray[np.int64]  # (k,) positions in the grid, ascending
    weight: NDArray[np.float64]  # (k,) above 0, relative to each other, of whole cells whatever their area
    source: str  # for people: "the records of 27 taxa"
    share: float = 1.0  # of the background that is drawn by it; the rest is drawn anywhere


def effort_of_records(
    everything: Occurrences, taxa: Occurrences, grid: AnyGrid, *, of: str = ""
) -> RelativeEffort | None:
    """By the records of all taxa, for a fit to some, both thinned alike; None where in the cells of the grid the one
    taxon to fit is all that is recorded, which says nothing of that, or nothing is. of: what was asked for where these
    are not all taxa of the tables, such as a family."""
    there = taxa_on(everything, grid)
    if not there or (len(there) == 1 and there[0] in taxa.taxa):
        return None
    looked = effort(everything, grid)
    number = "1 taxon" if len(there) == 1 else f"{len(there):,} taxa"
    return RelativeEffort(
        cells=looked.cells,
        weight=looked.weight(looked.cells),
        source=f"the records of {number}{f' ({of})' if of else ''}",
        share=looked_share(taxa, everything),
    )


def taxa_on(everything: Occurrences, grid: AnyGrid) -> tuple[str, ...]:
    """The taxa with any record in the cells of a grid: those of another continent do not say where was looked here."""
    labels = np.unique(everything.label[grid.cells_at(*everything.lon_lat.T) >= 0])
    return tuple(everything.taxa[label] for label in labels.tolist())


def effort_within(effort: RelativeEffort | None, grid: AnyGrid, part: AnyGrid) -> RelativeEffort | None:
    """Of cells of a grid, on another that has some of the same cells, such as those of a smaller box."""
    if effort is None:
        return None
    cells = part.cells_at(*grid.centres(effort.cells).T)
    order = np.argsort(cells)
    order = order[cells[order] >= 0]
    return replace(effort, cells=cells[order], weight=effort.weight[order])


def looked_share(taxa: Occurrences, everything: Occurrences) -> float:
    """What part of the background is drawn where somebody looked, for a fit to `taxa`, thinned as `everything` is.

    LOOKED_SHARE, but for a taxon's own records, which say nothing of where it was missed: of two taxa half, of one
    alone all of it. The mean over the taxa.
    """
    own = taxa.counts[np.isin(taxa.taxa, everything.taxa)].sum() / max(1, int((taxa.counts > 0).sum()))
    return float(LOOKED_SHARE * max(0.0, 1 - own / max(1, len(everything))))


def effort_density(effort: RelativeEffort | None, grid: AnyGrid, cells: NDArray[np.int64]) -> NDArray[np.float32]:
    """(c,) how much was looked in cells (c,), ascending, by area: 1 is their mean. None: taken for alike everywhere."""
    area = grid.cell_area(cells)
    if effort is None:
        return np.ones(len(cells), np.float32)
    weight = np.zeros(len(cells))
    at = np.minimum(np.searchsorted(cells, effort.cells), len(cells) - 1)
    there = cells[at] == effort.cells
    weight[at[there]] = effort.weight[there]
    mean = weight.sum() / area.sum()
    return np.asarray(weight / area / (mean if mean > 0 else 1.0), dtype=np.float32)
