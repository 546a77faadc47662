"""What a report shows beside the map: the polygons of each season, how sure the values are, and how much was looked."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline

from birdsat.earth.cell_polygons import Geometry, rings_of
from birdsat.earth.grid import AnyGrid
from birdsat.earth.outline import Land
from birdsat.maps.description import MapDescription
from birdsat.maps.map_file import MapFile
from birdsat.maps.seasons import SEASONS
from birdsat.pictures.colours import INK
from birdsat.pictures.extra_panels import draw_extra_bar, extra_panels
from birdsat.pictures.map_picture import DPI
from birdsat.pictures.panel import Ground, finish_panel, panel_ratio

SEASON_COLOURS = dict(zip(SEASONS, ("#7a4f9e", "#d8573a", "#3f7fb5", "#e2b33c", "#8b8f94"), strict=True))
_LONGER_INCHES = 7.5
_LEAST_INCHES = 4.0  # width, with room for degrees
_LABEL_INCHES = 1.5  # of a season in the legend
_MOST_CELLS = 1300  # along a side, that are read for a picture


def draw_range(about: MapDescription, polygons: Sequence[tuple[str, Geometry]], land: Land | None) -> Figure:
    """Season and multipolygon (WGS84 degrees) of each range of a taxon, over the extent of its map."""
    grid = about.grid
    figure, axes = _one_panel(grid)
    Ground(grid, land).draw_range(axes, np.zeros((1, 1), dtype=bool))
    shown = [season for season in SEASONS if any(name == season for name, _ in polygons)]
    overlaps = len(polygons) > len(shown)  # months that are ranges by themselves
    for season, geometry in polygons:
        _fill(axes, grid, geometry, SEASON_COLOURS[season], 0.35 if overlaps else 0.85)
    finish_panel(axes, grid)
    handles = [Patch(facecolor=SEASON_COLOURS[season], label=season) for season in shown]
    if handles:
        columns = max(1, min(len(handles), int(figure.get_figwidth() / _LABEL_INCHES)))
        place = {"loc": "outside lower left", "ncols": columns, "frameon": False}
        figure.legend(handles=handles, fontsize=9, labelcolor=INK, **place)
    return figure


def draw_doubt(map_file: MapFile, land: Land | None) -> Figure | None:
    """The mean over the months of `MapLayers.doubt`; None where the map has none."""
    return _draw_extra(map_file, "uncertainty", land)


def draw_effort(map_file: MapFile, land: Land | None) -> Figure | None:
    """How much was looked where, as the map's panel of it; None where that is not known, or not beside the map."""
    return _draw_extra(map_file, "effort", land)


def _draw_extra(map_file: MapFile, name: str, land: Land | None) -> Figure | None:
    """The panel of a map by itself."""
    about = map_file.description
    found = extra_panels(map_file, (name,), _MOST_CELLS)
    if not found or not np.isfinite(found[0].value).any():
        return None
    figure, axes = _one_panel(about.grid)
    ground, value = Ground(about.grid, land, of_land=about.of_land), found[0].value
    (dry,) = ground.without_sea(value[None])
    image = ground.draw_values(axes, dry, found[0].norm, None, found[0].colours, cells=np.isfinite(value))
    finish_panel(axes, about.grid)
    draw_extra_bar(figure, image, axes, found[0], figure.get_figwidth())
    return figure


def _one_panel(grid: AnyGrid) -> tuple[Figure, Axes]:
    """A figure of one panel, in its aspect."""
    ratio = panel_ratio(grid)
    width, height = (_LONGER_INCHES, _LONGER_INCHES / ratio) if ratio >= 1 else (_LONGER_INCHES * ratio, _LONGER_INCHES)
    figure = Figure(figsize=(max(_LEAST_INCHES, width + 0.6), height + 0.9), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def _fill(axes: Axes, grid: AnyGrid, geometry: Geometry, colour: str, alpha: float) -> None:
    west = grid.box.west
    for rings in rings_of(geometry):
        # Of a map over the antimeridian, what lies past 180.
        turn = 360 if rings[0][:, 0].max() <= west else 0
        outlines = [np.column_stack(grid.plane(ring[:, 0] + turn, ring[:, 1])) for ring in rings]
        path = Outline.make_compound_path(*(Outline(outline, closed=True) for outline in outlines))
        axes.add_patch(PathPatch(path, facecolor=colour, alpha=alpha, linewidth=0, zorder=2.5))
