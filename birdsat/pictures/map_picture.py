"""Maps as pictures."""

import calendar
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.outline import EARTH, Land
from birdsat.errors import InputError
from birdsat.files import output_file
from birdsat.maps.description import MapDescription, Quantity
from birdsat.maps.map_file import MapFile
from birdsat.pictures.colours import FRAME, INK, QUIET
from birdsat.pictures.panel import Ground, MapPoints, finish_panel, panel_ratio

_PANEL_INCHES = {1: 7.5, 2: 5.5}  # longer side of a panel, by how many stand in a row
_INCHES_OF_MANY = 4.4
DPI = 150
_CELLS = {1: 1300, 2: 900, 4: 650}  # most along a side that are read, for up to so many panels; enough for their pixels
_CELLS_OF_MANY = 500


def draw_map(
    grid: AnyGrid,
    months: Sequence[int],
    value: NDArray[np.float32],
    *,
    title: str,
    quantity: Quantity,
    is_taxon: bool = True,
    subtitle: str = "",
    truth: NDArray[np.bool_] | None = None,
    applicability: NDArray[np.float32] | None = None,
    land: Land | None = None,
    points: Sequence[MapPoints] = (),
    scale: tuple[float, float] | None = None,
) -> Figure:
    """Maps of one quantity, a panel for each month on one colour scale; the true range beside each when it is known.

    value, truth (layers, h, w): a layer for each month, or one when there are none; h x w cells, the grid's own or
    fewer and larger ones over all its extent. applicability (h, w): below a half, a panel is faded and hatched. Cells
    without a value are grey, or water where `land` has none. points are drawn on the panels of values. scale: what the
    ends of the colour scale are; None: the quantity's bounds, or most of the values. In texts, $ starts no formula.
    Raises InputError when the shapes differ.
    """
    _check_shapes(grid, months, value, truth, applicability)
    panels = len(value)
    columns = 2 if truth is not None else _columns(panels)
    rows = math.ceil(panels * (1 if truth is None else 2) / columns)
    figure = Figure(figsize=_size(grid, rows, columns), dpi=DPI, layout=ConstrainedLayoutEngine(wspace=0.05))
    FigureCanvasAgg(figure)
    style = "italic" if is_taxon else "normal"
    figure.suptitle(title, style=style, fontsize=15, color=INK, parse_math=False)
    axes = np.atleast_1d(np.asarray(figure.subplots(rows, columns, sharex=True, sharey=True))).reshape(-1).tolist()
    scale = scale or quantity.bounds or colour_range(value)
    outside = None if applicability is None else np.nan_to_num(applicability, nan=1) < 0.5
    ground = Ground(grid, land)
    short = quantity.name.partition(" (")[0]
    image: AxesImage | None = None
    spare = list(axes)
    drawn: list[Axes] = []
    for i in range(panels):
        month = months[i] if months else None
        name = "" if month is None else calendar.month_name[month]
        panel = spare.pop(0)
        image = ground.draw_values(panel, value[i], scale, outside)
        ground.draw_points(panel, points, month)
        panel.set_title(name if truth is None else f"{name}: {short}".removeprefix(": "), fontsize=10.5, color=INK)
        drawn.append(panel)
        if truth is not None:
            panel = spare.pop(0)
            ground.draw_range(panel, truth[i])
            panel.set_title(f"{name}: true range".removeprefix(": "), fontsize=10.5, color=INK)
    for panel in axes:
        finish_panel(panel, grid)
    for panel in spare:
        panel.set_visible(False)
    assert image is not None
    _draw_colour_bar(figure, image, axes, rows, quantity, value, scale)
    _draw_legend(figure, drawn[0], outside, subtitle)
    return figure


def draw_map_file(map_file: MapFile, *, land: Land = EARTH, points: Sequence[MapPoints] = ()) -> Figure:
    """The map as `draw_map` draws it, read no finer than the picture shows, so that a map of any size can be drawn."""
    about = map_file.description
    most = next((cells for panels, cells in _CELLS.items() if len(about.layers) <= panels), _CELLS_OF_MANY)
    layers = map_file.decimated(most)
    return draw_map(
        about.grid,
        about.months,
        layers.value,
        title=about.heading,
        quantity=about.quantity,
        is_taxon=about.is_taxon and not about.common_name,
        subtitle=_subtitle(about),
        applicability=layers.applicability,
        land=land,
        points=points,
    )


def _subtitle(about: MapDescription) -> str:
    bias = about.sources.get("observer bias", "")
    return f"model {about.model}" + (f"; observer bias {bias}" if bias == "not corrected" else "")


def save_png(figure: Figure, path: Path) -> None:
    """Write the picture, whole or not at all. Raises InputError when the disk refuses it."""
    with output_file(path) as partial:
        partial.write_bytes(png_bytes(figure))


def png_bytes(figure: Figure) -> bytes:
    """The picture as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def colour_range(value: NDArray[np.float32]) -> tuple[float, float]:
    """The ends of a colour scale for values that have no bounds: most of them lie between."""
    known = value[np.isfinite(value)]
    if len(known) == 0:
        return 0.0, 1.0
    low, high = (float(end) for end in np.percentile(known, (10, 99.5)))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _check_shapes(
    grid: AnyGrid,
    months: Sequence[int],
    value: NDArray[np.float32],
    truth: NDArray[np.bool_] | None,
    applicability: NDArray[np.float32] | None,
) -> None:
    layers, (rows, columns) = max(1, len(months)), grid.shape
    fits = value.ndim == 3 and len(value) == layers and 0 < value.shape[1] <= rows and 0 < value.shape[2] <= columns
    if not fits or (truth is not None and truth.shape != value.shape):
        raise InputError(
            f"the values have shape {value.shape}{'' if truth is None else f', the truth {truth.shape}'}; "
            f"({layers}, {rows}, {columns}) is needed: a layer a month, then the grid's cells, or fewer over all of it."
        )
    if applicability is not None and applicability.shape != value.shape[1:]:
        raise InputError(
            f"the area of applicability has shape {applicability.shape}, a month's values {value.shape[1:]}; give both "
            "over the same cells."
        )


def _draw_colour_bar(
    figure: Figure,
    image: AxesImage,
    axes: Sequence[Axes],
    rows: int,
    quantity: Quantity,
    value: NDArray[np.float32],
    scale: tuple[float, float],
) -> None:
    below, above = (
        bool(np.nanmin(value, initial=scale[0]) < scale[0]),
        bool(np.nanmax(value, initial=scale[1]) > scale[1]),
    )
    extend = "both" if below and above else "min" if below else "max" if above else "neither"
    shrink = 0.85 if rows == 1 else 0.6
    bar = figure.colorbar(image, ax=axes, extend=extend, extendfrac=0.03, shrink=shrink, aspect=28, pad=0.015)
    units = "" if quantity.units == "1" else f" ({quantity.units})"
    bar.set_label(f"{quantity.name}{units}", fontsize=9, color=INK, parse_math=False)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set(linewidth=0.5, edgecolor=FRAME)


def _draw_legend(figure: Figure, panel: Axes, outside: NDArray[np.bool_] | None, subtitle: str) -> None:
    """What the marks mean, and the subtitle, which heads the legend where there is one so that they never overlap."""
    handles, labels = panel.get_legend_handles_labels()
    if outside is not None and outside.any():
        handles.append(Patch(facecolor="white", edgecolor=FRAME, hatch="/////", linewidth=0.5))
        labels.append("outside the area of applicability")
    if handles:
        place = {"loc": "outside lower left", "ncols": len(handles), "frameon": False}
        legend = figure.legend(handles, labels, fontsize=9, labelcolor=INK, **place)
        legend.set_title(subtitle, prop=FontProperties(size=8.5))
        legend.get_title().set(color=QUIET, parse_math=False)
        legend.set_alignment("left")
        for text in legend.get_texts():
            text.set_parse_math(False)
    elif subtitle:
        figure.supxlabel(subtitle, fontsize=8.5, color=QUIET, x=0.99, ha="right", parse_math=False)


def _columns(panels: int) -> int:
    return panels if panels <= 3 else 2 if panels == 4 else 3


def _size(grid: AnyGrid, rows: int, columns: int) -> tuple[float, float]:
    """Inches of the figure: panels in their true aspect, with room for title, labels and colour bar."""
    ratio, longer = panel_ratio(grid), _PANEL_INCHES.get(columns, _INCHES_OF_MANY)
    width, height = (longer, longer / ratio) if ratio >= 1 else (longer * ratio, longer)
    return columns * (width + 0.25) + 1.5, rows * (height + 0.4) + 0.9
