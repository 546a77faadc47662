"""The map of how much was looked where, beside what was fitted by it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.region import Region
from birdsat.maps.cell_rows import rows_of_cells
from birdsat.maps.description import MapDescription, Quantity
from birdsat.maps.map_file import create_map, sidecar_path
from birdsat.ranges.effort import NOT_KNOWN, RelativeEffort, effort_density

EFFORT_FILE = "effort.tif"  # in the folder of a range model
EFFORT = Quantity(
    "relative effort",
    "1",
    explanation="how much was looked in an area, by what the source of effort says: 1 is the mean over the cells that "
    "hold a value, 0 is nobody. Where the source is not known, all places are taken for alike",
)
_AT_ONCE = 1 << 20  # cells


def write_effort_map(path: Path, effort: RelativeEffort | None, region: Region, request: str = "") -> tuple[Path, Path]:
    """Write the effort in all cells of a fit's region to `path` (.tif), and its JSON; both files.

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
    return path, sidecar_path(path)


def _blocks(
    cells: NDArray[np.int64], values: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    for start in range(0, len(cells), _AT_ONCE):
        yield cells[start : start + _AT_ONCE], values[None, start : start + _AT_ONCE]
