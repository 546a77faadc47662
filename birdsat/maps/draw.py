"""Maps as pictures."""

import calendar
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.errors import InputError
from birdsat.files import write_whole

WATER, NO_DATA, LAND, RANGE = "#dbe6ec", "#bdbdba", "#f1eee6", "#a8327d"
# Bare land where the taxon is not expected, darker in even steps of lightness where it is.
SCORE_COLOURS = LinearSegmentedColormap.from_list(
    "score", ["#f6f3ea", "#f6dfb0", "#f2ad6e", "#dd6279", "#a8327d", "#5f1a80", "#21104c"]
)
INK, POINT, POINT_EDGE = "#33363b", "#38e8d0", "#06322c"
PANEL_INCHES = 4.4  # longer side of one panel
DPI = 150
TICK_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60)  # degrees


@dataclass(frozen=True, kw_only=True, slots=True)
class MapPoints:
    """Places to mark on a map, such as where the taxon was recorded."""

    lon: NDArray[np.float64]  # (n,) degrees east, WGS84
    lat: NDArray[np.float64]  # (n,) degrees north
    label: str  # for the legend
    count: NDArray[np.float64] | None = None  # (n,) sets the circles' areas; None: dots of one size
    month: NDArray[np.int64] | None = None  # (n,) 1..12; None: marked whatever the month


def draw_map(
    grid: AnyGrid,
    months: Sequence[int],
    score: NDArray[np.float32],
    *,
    taxon: str,
    subtitle: str = "",
    truth: NDArray[np.bool_] | None = None,
    land: NDArray[np.bool_] | None = None,
    points: Sequence[MapPoints] = (),
) -> Figure:
    """One taxon's maps, a panel for each month on one colour scale; the true range beside each when it is known.

    score, truth (months, rows, columns); land (rows, columns): where it is given, all else is drawn as water.
    Cells without a score are grey. points are drawn on the score panels. In texts, $ starts no formula.
    Raises InputError when the shapes differ.
    """
    expected = (len(months), *grid.shape)
    if score.shape != expected or (truth is not None and truth.shape != expected) or not months:
        raise InputError(f"the scores have shape {score.shape}; {expected} is needed: months, then the grid's cells.")
    columns = 2 if truth is not None else _columns(len(months))
    rows = math.ceil(len(months) * (1 if truth is None else 2) / columns)
    figure = Figure(figsize=_size(grid, rows, columns), dpi=DPI, layout=ConstrainedLayoutEngine(wspace=0.05))
    FigureCanvasAgg(figure)
    figure.suptitle(taxon, style="italic", fontsize=15, color=INK, parse_math=False)
    axes = np.atleast_1d(np.asarray(figure.subplots(rows, columns, sharex=True, sharey=True))).reshape(-1).tolist()
    low, high = _colour_range(score)
    image: AxesImage | None = None
    spare = list(axes)
    drawn: list[Axes] = []
    for i, month in enumerate(months):
        name = calendar.month_name[month]
        panel = spare.pop(0)
        image = _draw_score(panel, grid, score[i], land, low, high)
        _draw_points(panel, grid, points, month)
        panel.set_title(name if truth is None else f"{name}: score", fontsize=10.5, color=INK)
        drawn.append(panel)
        if truth is not None:
            panel = spare.pop(0)
            _draw_range(panel, grid, truth[i], land)
            panel.set_title(f"{name}: true range", fontsize=10.5, color=INK)
    for panel in axes:
        _finish(panel, grid)
    for panel in spare:
        panel.set_visible(False)
    assert image is not None
    shrink = 0.85 if rows == 1 else 0.6
    bar = figure.colorbar(image, ax=axes, extend="both", extendfrac=0.03, shrink=shrink, aspect=28, pad=0.015)
    bar.set_label("score (cosine)", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set(linewidth=0.5, edgecolor="#8a8d92")
    if points:
        handles, labels = drawn[0].get_legend_handles_labels()
        legend = figure.legend(
            handles, labels, loc="outside lower left", ncols=len(points), frameon=False, fontsize=9, labelcolor=INK
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    if subtitle:
        figure.supxlabel(subtitle, fontsize=8.5, color="#6b6f76", x=0.99, ha="right", parse_math=False)
    return figure


def save_png(figure: Figure, path: Path) -> None:
    """Write the picture, whole or not at all."""
    write_whole(path, png_bytes(figure))


def png_bytes(figure: Figure) -> bytes:
    """The picture as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _draw_score(
    axes: Axes, grid: AnyGrid, score: NDArray[np.float32], land: NDArray[np.bool_] | None, low: float, high: float
) -> AxesImage:
    axes.set_facecolor(NO_DATA)
    if land is not None:
        _fill(axes, grid, ~land, WATER)
        score = np.where(land, score, np.nan)
    return axes.imshow(
        np.ma.masked_invalid(score),
        extent=_extent(grid),
        cmap=SCORE_COLOURS,
        vmin=low,
        vmax=high,
        interpolation="nearest",
        zorder=2,
    )


def _draw_range(axes: Axes, grid: AnyGrid, present: NDArray[np.bool_], land: NDArray[np.bool_] | None) -> None:
    axes.set_facecolor(LAND)
    if land is not None:
        _fill(axes, grid, ~land, WATER)
    _fill(axes, grid, present, RANGE)


def _fill(axes: Axes, grid: AnyGrid, cells: NDArray[np.bool_], colour: str) -> None:
    axes.imshow(
        np.ma.masked_where(~cells, np.ones(grid.shape)),
        extent=_extent(grid),
        cmap=ListedColormap([colour]),
        interpolation="nearest",
    )


def _draw_points(axes: Axes, grid: AnyGrid, points: Sequence[MapPoints], month: int) -> None:
    for marks in points:
        lon = grid.box.west + np.mod(marks.lon - grid.box.west, 360)
        inside = grid.box.contains(marks.lon, marks.lat)
        if marks.month is not None:
            inside &= marks.month == month
        if marks.count is None:
            axes.scatter(
                lon[inside],
                marks.lat[inside],
                s=9,
                c=POINT,
                edgecolors=POINT_EDGE,
                linewidths=0.5,
                label=marks.label,
                zorder=4,
            )
        else:
            largest = max(float(marks.count.max(initial=0)), 1.0)
            axes.scatter(
                lon[inside],
                marks.lat[inside],
                s=4 + 120 * marks.count[inside] / largest,
                facecolors="none",
                edgecolors="white",
                linewidths=0.9,
                path_effects=[Stroke(linewidth=1.9, foreground=INK), Normal()],
                label=f"{marks.label} (largest circle: {largest:,.0f})",
                zorder=3,
            )


def _finish(axes: Axes, grid: AnyGrid) -> None:
    west, east, south, north = _extent(grid)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect(1 / _shrink(grid))
    axes.xaxis.set_major_locator(MultipleLocator(_tick_step(east - west)))
    axes.yaxis.set_major_locator(MultipleLocator(_tick_step(north - south)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda lon, _: _degrees((lon + 180) % 360 - 180, "E", "W")))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda lat, _: _degrees(lat, "N", "S")))
    axes.tick_params(labelsize=8, colors=INK, length=2.5, width=0.6)
    axes.label_outer()
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
        spine.set_color("#8a8d92")


def _tick_step(span: float) -> float:
    """Degrees between labels, so that there are at most six steps."""
    return next((step for step in TICK_STEPS if span / step <= 6), TICK_STEPS[-1])


def _degrees(value: float, positive: str, negative: str) -> str:
    side = "" if value == 0 or abs(value) == 180 else positive if value > 0 else negative
    return f"{abs(value):g}°{side}"


def _extent(grid: AnyGrid) -> tuple[float, float, float, float]:
    """West, east, south, north of the cells' outer edges."""
    return grid.extent


def _shrink(grid: AnyGrid) -> float:
    """Kilometres of a degree of longitude to one of latitude, at the middle of the grid."""
    middle = math.radians(float(grid.lat.mean()))
    return max(math.cos(middle), 0.2)  # beyond 78 degrees a true aspect would make a ribbon


def _columns(panels: int) -> int:
    return panels if panels <= 3 else 2 if panels == 4 else 3


def _size(grid: AnyGrid, rows: int, columns: int) -> tuple[float, float]:
    """Inches of the figure: panels in their true aspect, with room for title, labels and colour bar."""
    west, east, south, north = _extent(grid)
    ratio = (east - west) * _shrink(grid) / (north - south)
    width, height = (PANEL_INCHES, PANEL_INCHES / ratio) if ratio >= 1 else (PANEL_INCHES * ratio, PANEL_INCHES)
    return columns * (width + 0.25) + 1.5, rows * (height + 0.4) + 0.9


def _colour_range(score: NDArray[np.float32]) -> tuple[float, float]:
    known = score[np.isfinite(score)]
    if len(known) == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, (10, 99.5)))
    return (low, high) if high > low else (low - 0.5, high + 0.5)
