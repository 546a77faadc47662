"""The map of how much was looked where, beside what was fitted by it, and beside its maps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.polygon import Polygons
from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError
from birdsat.maps.cell_rows import rows_of_cells
from birdsat.maps.description import MapDescription, Quantity
from birdsat.maps.map_file import MapFile, MapLayers, create_map, sidecar_path
from birdsat.observations.occurrence_grid import values_at
from birdsat.pictures.qgis_style import style_path, write_effort_style
from birdsat.progress import Progress
from birdsat.ranges.effort import NOT_KNOWN, RelativeEffort, effort_density

EFFORT_FILE = "effort.tif"  # in the folder of a range model
EFFORT = Quantity(
    "relative effort",
    "1",
    explanation="how much was looked in an area, by what the source of effort says: 1 is the mean over the cells that "
    "hold a value, 0 is nobody. Where the source is not known, all places are taken for alike",
)
_AT_ONCE = 1 << 20  # cells


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownEffort:
    """How much was looked in the cells of a map."""

    source: str  # what says so, for people
    cells: NDArray[np.int64]  # (c,) ascending
    density: NDArray[np.float32]  # (c,) NaN where nothing is known; 1 is the mean


def write_effort_map(
    path: Path, effort: RelativeEffort | None, region: Region, request: str = "", within: Polygons | None = None
) -> None:
    """Write the effort in all cells of a fit's region to `path` (.tif), its JSON and its style.

    request: fingerprint of what was asked for. within: cells elsewhere have no value. Raises what `create_map` raises.
    """
    source, cells = NOT_KNOWN if effort is None else effort.source, _cells(region, within)
    shown = ShownEffort(source=source, cells=cells, density=effort_density(effort, region.grid, cells))
    write_shown_effort(path, shown, region, request)


def forget_effort_map(folder: Path) -> None:
    """Remove what `write_effort_map` wrote for another model of the folder."""
    path = folder / EFFORT_FILE
    for file in (path, sidecar_path(path), style_path(path)):
        file.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelEffort:
    """What `write_effort_map` wrote for a model."""

    source: str
    grid: AnyGrid
    cells: NDArray[np.int64]  # (c,) ascending, that have a value
    density: NDArray[np.float64]  # (c,)


def known_effort(ranges: str | Path | None, progress: Progress) -> ModelEffort | None:
    """How much was looked, as a range model's fit took it; None where that is not known. Of a file that is damaged,
    that is noted."""
    if ranges is None or not (path := Path(ranges) / EFFORT_FILE).is_file():
        return None
    try:
        with MapFile(path) as found:
            grid, source = found.description.grid, found.description.sources.get("effort", NOT_KNOWN)
            if source == NOT_KNOWN:
                return None
            known = [_cells_with_value(grid, block) for block in found.blocks()]
    except InputError as error:
        progress.note(f"without the effort of the fit, as its map is damaged: {error}")
        return None
    cells = np.concatenate([np.empty(0, np.int64), *(cells for cells, _ in known)])
    density = np.concatenate([np.empty(0), *(values for _, values in known)])
    order = np.argsort(cells)
    return ModelEffort(source=source, grid=grid, cells=cells[order], density=density[order])


def effort_on(of_model: ModelEffort, region: Region, within: Polygons | None = None) -> ShownEffort:
    """The effort of a model in the cells of a map, whatever the model's own were; "not known" where it has none of
    them.

    A larger cell has the mean of those in it, a smaller one what the cell around it has, and one of which the model
    knows nothing has no value. 1 is the mean of the map's cells.
    """
    grid, seen, density = of_model.grid, of_model.cells, of_model.density
    cells = _cells(region, within)
    cell = region.grid.cells_at(*grid.centres(seen).T)
    inside, at = np.isin(cell, cells), np.searchsorted(cells, cell)
    weight = grid.cell_area(seen)[inside]
    total = np.bincount(at[inside], weights=weight, minlength=len(cells))
    looked = np.bincount(at[inside], weights=weight * density[inside], minlength=len(cells))
    around = grid.cells_at(*region.grid.centres(cells).T)
    shown = np.where(np.isin(around, seen), values_at(around, seen, density), np.nan)
    shown = np.divide(looked, total, out=shown, where=total > 0)
    area = region.grid.cell_area(cells)
    mean = np.nansum(shown * area) / max(1e-12, area[np.isfinite(shown)].sum())
    source = of_model.source if np.isfinite(shown).any() else NOT_KNOWN
    return ShownEffort(source=source, cells=cells, density=(shown / (mean if mean > 0 else 1.0)).astype(np.float32))


def write_shown_effort(path: Path, shown: ShownEffort, region: Region, request: str = "") -> None:
    """Write the effort in the cells of a region to `path` (.tif), its JSON and its style; see `write_effort_map`."""
    about = MapDescription(
        title="Relative effort",
        is_taxon=False,
        grid=region.grid,
        months=(),
        quantity=EFFORT,
        model=shown.source,
        sources={"effort": shown.source, "imagery": region.imagery.text},
        request=request,
    )
    with create_map(path, about) as sink:
        for first, rows in rows_of_cells(region.grid, 1, _blocks(shown.cells, shown.density)):
            sink.write(first, rows)
    write_effort_style(path, EFFORT, float(np.nanmax(shown.density, initial=1.0)))


def _cells(region: Region, within: Polygons | None) -> NDArray[np.int64]:
    """(c,) of a region, ascending, that lie within polygons; all without any."""
    cells = region.cells()
    return cells if within is None else cells[within.mask(region.grid).reshape(-1)[cells]]


def _cells_with_value(grid: AnyGrid, block: MapLayers) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cells of a window that have a value, and the values."""
    row, column = np.nonzero(np.isfinite(block.value[0]))
    cells = (row + block.first_row) * grid.columns + column + block.first_column
    return cells, block.value[0, row, column].astype(np.float64)


def _blocks(
    cells: NDArray[np.int64], values: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    for start in range(0, len(cells), _AT_ONCE):
        yield cells[start : start + _AT_ONCE], values[None, start : start + _AT_ONCE]
