"""The map of how much was looked where, beside what was fitted by it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.region import Region
from birdsat.maps.cell_rows import rows_of_cells
from birdsat.maps.description import MapDescription, Quantity
from birdsat.maps.map_file import MapFile, create_map
from birdsat.observations.occurrence_grid import values_at
from birdsat.pictures.qgis_style import write_effort_style
from birdsat.ranges.effort import NOT_KNOWN, RelativeEffort, effort_density

EFFORT_FILE = "effort.tif"  # in the folder of a range model
EFFORT = Quantity(
    "relative effort",
    "1",
    explanation="how much was looked in an area, by what the source of effort says: 1 is the mean over the cells that "
    "hold a value, 0 is nobody. Where the source is not known, all places are taken for alike",
)
_AT_ONCE = 1 << 20  # cells


def write_effort_map(path: Path, effort: RelativeEffort | None, region: Region, request: str = "") -> None:
    """Write the effort in all cells of a fit's region to `path` (.tif), its JSON and its style.

    request: fingerprint of what was asked for. Raises what `create_map` raises.
    """
    source = NOT_KNOWN if effort is None else effort.source
    about = MapDescription(
        title="Relative effort",
        is_taxon=False,
        grid=region.grid,
        months=(),
        quantity=EFFORT,
        model=source,
        sources={"effort": source, "imagery": region.imagery.text},
        request=request,
    )
    cells = region.cells()
    density = effort_density(effort, region.grid, cells)
    with create_map(path, about) as sink:
        for first, rows in rows_of_cells(region.grid, 1, _blocks(cells, density)):
            sink.write(first, rows)
    write_effort_style(path, EFFORT, float(density.max(initial=1.0)))


def read_effort_map(path: Path, region: Region) -> RelativeEffort | None:
    """What `write_effort_map` wrote, in the cells of a region whatever the map's own were; None where it is not known.

    Memory grows with the cells in which anybody looked. Raises InputError for a file that is not a map.
    """
    seen, density = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    with MapFile(path) as found:
        grid, source = found.description.grid, found.description.sources.get("effort", NOT_KNOWN)
        for block in found.blocks():
            row, column = np.nonzero(block.value[0] > 0)
            seen.append((row + block.first_row) * grid.columns + column + block.first_column)
            density.append(block.value[0, row, column])
    if source == NOT_KNOWN:
        return None
    order = np.argsort(np.concatenate(seen))
    cells = region.cells()
    there = grid.cells_at(*region.grid.centres(cells).T)
    by_area = values_at(there, np.concatenate(seen)[order], np.concatenate(density)[order])
    cells, by_area = cells[by_area > 0], by_area[by_area > 0]
    return RelativeEffort(cells=cells, weight=by_area * region.grid.cell_area(cells), source=source)


def _blocks(
    cells: NDArray[np.int64], values: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    for start in range(0, len(cells), _AT_ONCE):
        yield cells[start : start + _AT_ONCE], values[None, start : start + _AT_ONCE]
