"""How much was looked where: what background is drawn by.

So that a place is not taken for a good one because observers go there (target-group background, Phillips et al. 2009,
Ecological Applications 19(1), 181-197).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.observations.occurrence_grid import values_at
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.visits import visited_cells

NOT_KNOWN = "not known"
# Of the background, at most where somebody looked; the rest is anywhere, or places where nobody did would be anybody's
# guess. Chosen of .5 to .99 on made landscapes of uneven effort (benchmarks/effort.py, docs/maps.md).
LOOKED_SHARE = 0.97
_LITTLE_EFFORT = 0.2  # of the background: where less is drawn by effort, hardly any bias is corrected
_PRIOR = 20.0  # cells' worth of what all taxa's records say, beside those of the taxa to fit; no other number was tried


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RelativeEffort:
    """How much was looked in k cells of a grid; in every other cell, not at all as far as is known."""

    cells: NDArray[np.int64]  # (k,) positions in the grid, ascending
    weight: NDArray[np.float64]  # (k,) above 0, relative to each other, of whole cells whatever their area
    source: str  # for people: "the records of 27 taxa"
    share: float = 1.0  # of the background that is drawn by it; the rest is drawn anywhere


def effort_of_records(
    everything: Occurrences,
    taxa: Occurrences,
    grid: AnyGrid,
    anywhere: NDArray[np.int64],
    *,
    thin_km: float | None = None,
    of: str = "",
) -> RelativeEffort | None:
    """By the visits that the records of all taxa tell of, for a fit to some; None where in the cells of the grid the
    one taxon to fit is all that is recorded, or taxa are recorded apart from each other, which says nothing of that.

    everything: as they were recorded; taxa: thinned, with `thin_km` or to cells. anywhere (c,): cells of the grid in
    which a taxon may be. of: what was asked for where everything is not all taxa of the tables, such as a family.
    """
    there = taxa_on(everything, grid)
    if not there or (len(there) == 1 and there[0] in taxa.taxa):
        return None
    share = looked_share(everything, taxa, grid, anywhere)
    if share == 0:
        return None
    visited = visited_cells(everything, grid, thin_km, taxa.taxa)
    number = "1 taxon" if len(there) == 1 else f"{len(there):,} taxa"
    return RelativeEffort(
        cells=visited.cells,
        weight=visited.weight,
        source=f"the records of {number}{f' ({of})' if of else ''}",
        share=share,
    )


def hardly_corrected(source: str, share: float) -> str | None:
    """For people: that effort tells little; None where it tells enough. source and share: of a `RelativeEffort`."""
    if not 0 < share < _LITTLE_EFFORT:
        return None
    return (
        f"observer bias hardly corrected: {source} tell little of where else the taxa would have been recorded, and "
        f"{share:.0%} of the background is drawn by them"
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


def looked_share(everything: Occurrences, taxa: Occurrences, grid: AnyGrid, anywhere: NDArray[np.int64]) -> float:
    """What part of the background is drawn where somebody looked, for a fit to `taxa`; anywhere (c,) as above.

    Records are of two kinds: from places that are visited for all taxa alike, which say where a taxon was missed, and
    from places gone to for one alone, or that anybody may pass. Those of the second kind lie anywhere in a range, and
    so, in the part of the land where no other taxon is recorded, as often as that part is large. How many of a taxon's
    cells are recorded for it alone, beside how much of the land that would be by chance, is thus the share of the
    second kind. Of the first there are at most LOOKED_SHARE. A taxon whose records are all there is has none, as they
    do not say where it was missed.
    """
    cells, label = _recorded(everything, grid)
    empty = np.unique(grid.cells_at(*everything.empty_visits[0].T))  # where somebody looked, if in vain
    visited, taxa_there = np.unique(np.concatenate([cells, empty[empty >= 0]]), return_counts=True)
    own_cells, own = _recorded(taxa, grid)
    others = values_at(own_cells, visited, taxa_there) - np.isin(taxa.taxa, everything.taxa)[own]
    alone = own_cells[others == 0]
    prior = _PRIOR if len(np.unique(label)) > 1 else 0.0  # one taxon is recorded for itself alone in any case
    by_all = float((values_at(cells, visited, taxa_there) == 1).mean()) if len(cells) else 0.0
    part = (len(alone) + prior * by_all) / max(1.0, len(own_cells) + prior)
    area = grid.cell_area(anywhere)
    nobody = area[~np.isin(anywhere, visited)].sum() + grid.cell_area(alone).sum() / max(1, len(np.unique(own)))
    by_chance = min(1.0, float(nobody / area.sum()))
    return float(LOOKED_SHARE if by_chance == 0 else min(LOOKED_SHARE, max(0.0, 1 - part / by_chance)))


def _recorded(occurrences: Occurrences, grid: AnyGrid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells (p,) and the labels (p,) of taxa recorded in them, each pair once."""
    cells = grid.cells_at(*occurrences.lon_lat.T)
    inside, taxa = cells >= 0, max(1, len(occurrences.taxa))
    pairs = np.unique(cells[inside] * taxa + occurrences.label[inside])
    return pairs // taxa, pairs % taxa


def effort_density(effort: RelativeEffort | None, grid: AnyGrid, cells: NDArray[np.int64]) -> NDArray[np.float32]:
    """(c,) how much was looked in cells (c,), ascending, by area: 1 is their mean. None: taken for alike everywhere."""
    area = grid.cell_area(cells)
    if effort is None:
        return np.ones(len(cells), np.float32)
    weight = values_at(cells, effort.cells, effort.weight)
    mean = weight.sum() / area.sum()
    return np.asarray(weight / area / (mean if mean > 0 else 1.0), dtype=np.float32)
