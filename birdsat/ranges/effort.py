"""How much was looked where: what background is drawn by.

So that a place is not taken for a good one because observers go there (target-group background, Phillips et al. 2009,
Ecological Applications 19(1), 181-197).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.observations.occurrence_grid import effort, thin_to_km
from birdsat.observations.occurrences import Occurrences

NOT_KNOWN = "not known"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RelativeEffort:
    """How much was looked in k cells of a grid; in every other cell, not at all as far as is known."""

    cells: NDArray[np.int64]  # (k,) positions in the grid, ascending
    weight: NDArray[np.float64]  # (k,) above 0, relative to each other, of whole cells whatever their area
    source: str  # for people: "the records of 27 taxa"
    is_background: bool = False  # whether all background lies there, and none elsewhere


def effort_of_records(
    everything: Occurrences, grid: AnyGrid, *, thin_km: float | None = None, of: str = ""
) -> RelativeEffort | None:
    """By the records of all taxa; None where one taxon is all there is, whose records say nothing of that.

    thin_km: as the presences are thinned. of: what was asked for where these are not all taxa of the tables, such as a
    family; then one taxon may say it, too.
    """
    if len(everything.taxa) == 1 and not of:
        return None
    thinned = everything if thin_km is None else thin_to_km(everything, grid, thin_km)
    looked = effort(thinned, grid)
    taxa = "1 taxon" if len(everything.taxa) == 1 else f"{len(everything.taxa):,} taxa"
    return RelativeEffort(
        cells=looked.cells,
        weight=looked.weight(looked.cells),
        source=f"the records of {taxa}{f' ({of})' if of else ''}",
    )


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
