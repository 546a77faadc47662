"""Maps as pictures."""

import calendar
import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
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
from birdsat.maps.map_file import MapFile, MapLayers
from birdsat.pictures.colours import FRAME, INK, NO_DATA, QUIET
from birdsat.pictures.extra_panels import LETTER_INCHES, ExtraPanel, draw_extra_bar, extra_panels
from birdsat.pictures.heading import draw_heading, draw_name_in_italics
from birdsat.pictures.panel import HATCH, Ground, MapPoints, finish_panel, panel_ratio
from birdsat.pictures.scale import Scale, colour_scale, value_span

_PANEL_INCHES = {1: 7.5, 2: 5.5}  # longer side of a panel, by how many stand in a row
_INCHES_OF_MANY = 4.4
DPI = 150
_CELLS = {1: 1100, 2: 800}  # most along a side that are read, by panels in a row: no more than pixels
_CELLS_OF_MANY = 600
_PARTS = 10  # of an inch, in which pictures grow, so that those of a series are alike
_FITTINGS = 6  # times that the height is found anew, at most
_NAME_POINTS = 10.5
_BAR_INCHES = 5.5  # longest that a colour bar gets
_SIDE_INCHES, _ABOVE_INCHES = 0.75, 1.5  # of the picture that are not panels: degrees; title, colours and words
_LEAST_INCHES = 4.0  # width of a picture whose panels are narrow


def draw_map(
    grid: AnyGrid,
    months: Sequence[int],
    value: NDArray[np.float32],
    *,
    title: str,
    quantity: Quantity,
    is_taxon: bool = True,
    common_name: str = "",
    subtitle: str = "",
    truth: NDArray[np.bool_] | None = None,
    applicability: NDArray[np.float32] | None = None,
    land: Land | None = None,
    points: Sequence[MapPoints] = (),
    scale: tuple[float, float] | None = None,
    among: NDArray[np.float32] | None = None,
    whole_year: bool = False,
    of_land: bool = False,
    extra: Sequence[ExtraPanel] = (),
    width_px: int | None = None,
) -> Figure:
    """Maps of one quantity, a panel for each month on one colour scale; the true range beside each when it is known.

    value, truth (layers, h, w): a layer for each month, or one when there are none; h x w cells, the grid's own or
    fewer and larger ones over all its extent. applicability (h, w): cells below a half are faded and hatched. Cells
    without a value are grey, or water where `land` has none. points are drawn on the panels of values. scale: what the
    ends of the colour scale are; None: as `colour_scale` has them. among (all, h, w): the layers of which these are
    some, so that pictures of each have one colour bar and one legend. whole_year: every layer is of all months.
    of_land: values of cells without land are not drawn. extra: panels behind those of the months. width_px: of the
    picture; None: as its panels need. In texts, $ starts no formula. Raises InputError when the shapes differ.
    """
    _check_shapes(grid, months, value, truth, applicability)
    among = value if among is None else among
    scale = scale or colour_scale(quantity, among, applicability)
    frame = _framed(grid, len(value) * (1 if truth is None else 2), len(extra), truth is not None, width_px)
    figure = Figure(figsize=frame.size, dpi=DPI, layout=ConstrainedLayoutEngine(wspace=0.03, hspace=0.03))
    FigureCanvasAgg(figure)
    heading = draw_heading(figure, title, is_taxon=is_taxon, common_name=common_name)
    grid_of_axes = figure.subplots(frame.rows, frame.columns, sharex=True, sharey=True, squeeze=False)
    axes: list[Axes] = np.asarray(grid_of_axes).reshape(-1).tolist()
    outside = None if applicability is None else np.nan_to_num(applicability, nan=1) < 0.5
    ground = Ground(grid, land, frame.panel, of_land=of_land)
    cells = np.asarray(np.isfinite(value).any(axis=0), dtype=np.bool_)
    value = ground.without_sea(value)
    norm = Normalize(*scale)
    short = quantity.name.partition(" (")[0]
    image: AxesImage | None = None
    spare, drawn = list(axes), []
    for i in range(len(value)):
        month = months[i] if months else None
        name = calendar.month_name[month] if month is not None else "all months" if whole_year else ""
        if whole_year and month is not None:
            name = f"{name}\n(all alike)"  # short, as there may be twelve narrow ones
        panel = spare.pop(0)
        image = ground.draw_values(panel, value[i], norm, outside, cells=cells)
        ground.draw_points(panel, points, month)
        _name_panel(panel, name if truth is None else f"{name}: {short}".removeprefix(": "))
        drawn.append(panel)
        if truth is not None:
            panel = spare.pop(0)
            ground.draw_range(panel, truth[i])
            _name_panel(panel, f"{name}: true range".removeprefix(": "))
            drawn.append(panel)
    for panel, more in zip(axes[frame.first_extra :], extra, strict=False):
        (dry,) = ground.without_sea(more.value[None])
        picture = ground.draw_values(panel, dry, more.norm, None, more.colours, cells=np.isfinite(more.value))
        _name_panel(panel, more.title)
        draw_extra_bar(figure, picture, panel, more, frame.panel[0])
    shown = [*drawn, *axes[frame.first_extra : frame.first_extra + len(extra)]]
    for place, panel in enumerate(axes):
        finish_panel(panel, grid, frame.panel)
        panel.set_visible(panel in shown)
        is_lowest = not any(below in shown for below in axes[place + frame.columns :: frame.columns])
        panel.tick_params(labelbottom=is_lowest)
        panel.xaxis.set_in_layout(is_lowest)  # the layout takes long over degrees that are not written
        panel.yaxis.set_in_layout(place % frame.columns == 0)
    assert image is not None
    _draw_colour_bar(figure, image, drawn, frame, quantity, value_span(among))
    _draw_legend(figure, drawn[0], _marks(outside, ground.lacks_values(ground.without_sea(among))), subtitle)
    _fit_height(figure, drawn[0], frame)
    if is_taxon and common_name:
        draw_name_in_italics(figure, heading, title, common_name)
    return figure


def draw_map_file(
    map_file: MapFile,
    *,
    land: Land = EARTH,
    points: Sequence[MapPoints] = (),
    scale: Scale = "data",
    panels: Sequence[str] = (),
    width_px: int | None = None,
) -> Figure:
    """The map as `draw_map` draws it, read no finer than the picture shows, so that a map of any size can be drawn.

    panels: of `birdsat.maps.panels`; those of which the map knows nothing are left out.
    """
    about = map_file.description
    layers, most = _read(map_file)
    return draw_map(
        about.grid,
        about.months,
        layers.value,
        title=about.title,
        quantity=about.quantity,
        is_taxon=about.is_taxon,
        common_name=about.common_name,
        subtitle=subtitle_of(about),
        applicability=layers.applicability,
        land=land,
        points=points,
        scale=_scale(about, layers, scale),
        whole_year=not about.dated,
        of_land=about.of_land,
        extra=extra_panels(map_file, panels, most),
        width_px=width_px,
    )


def picture_scale(map_file: MapFile, scale: Scale = "data") -> tuple[float, float]:
    """The ends of the colours in the picture of a map, and in all else that shows it."""
    return _scale(map_file.description, _read(map_file)[0], scale)


def subtitle_of(about: MapDescription) -> str:
    """The words below a map: what made it, and what to know of it."""
    return "; ".join((f"model {about.model}", *about.cautions))


def _read(map_file: MapFile) -> tuple[MapLayers, int]:
    most = _CELLS.get(_columns(len(map_file.description.layers)), _CELLS_OF_MANY)
    return map_file.decimated(most), most


def _scale(about: MapDescription, layers: MapLayers, scale: Scale) -> tuple[float, float]:
    return colour_scale(about.quantity, layers.value, layers.applicability, scale)


def save_png(figure: Figure, path: Path) -> None:
    """Write the picture, whole or not at all. Raises InputError when the disk refuses it."""
    with output_file(path) as partial:
        partial.write_bytes(png_bytes(figure))


def png_bytes(figure: Figure) -> bytes:
    """The picture as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """How panels stand in a picture."""

    rows: int
    columns: int
    first_extra: int  # place of the first panel behind the months'
    panel: tuple[float, float]  # inches, width and height
    size: tuple[float, float]  # inches of the picture


def _framed(grid: AnyGrid, panels: int, extra: int, in_pairs: bool, width_px: int | None) -> _Frame:
    """Panels in their true aspect, with room for title, degrees, colour bars and words."""
    columns = 2 if in_pairs else _columns(panels + extra if panels == 1 else panels)
    rows_of_months = math.ceil(panels / columns)
    # Behind several months, panels of something else begin a row of their own.
    first_extra = panels if panels == 1 or panels + extra <= columns else rows_of_months * columns
    rows = math.ceil((first_extra + extra) / columns)
    ratio, longer = panel_ratio(grid), _PANEL_INCHES.get(columns, _INCHES_OF_MANY)
    width, height = (longer, longer / ratio) if ratio >= 1 else (longer * ratio, longer)
    bars = 1 + rows - (rows_of_months if panels > 1 else 1)
    if width_px is not None:
        width = max(0.5, (width_px / DPI - _SIDE_INCHES) / columns - 0.1)
        height = width / ratio
    across = columns * (width + 0.1) + _SIDE_INCHES
    down = rows * (height + 0.4) + _ABOVE_INCHES + 0.55 * bars
    return _Frame(
        rows=rows,
        columns=columns,
        first_extra=first_extra,
        panel=(width, height),
        size=(round(max(across, _LEAST_INCHES), 1) if width_px is None else width_px / DPI, down),
    )


def _fit_height(figure: Figure, panel: Axes, frame: _Frame) -> None:
    """As high as the panels are at the width that is left to them beside all words, so that no paper is left bare.

    What is laid out is not drawn, and what is drawn once the height is known is not laid out again.
    """
    engine = figure.get_layout_engine()
    assert engine is not None
    tried: set[float] = set()  # heights; of two that ask for each other the one laid out last is kept
    while True:  # what stands around a panel moves with it
        engine.execute(figure)
        slot = panel.get_position(original=True)
        width, height = figure.get_size_inches()
        tried.add(height)
        panel_width = min(slot.width * width, frame.panel[0])
        missing = panel_width * frame.panel[1] / frame.panel[0] - slot.height * height
        height = max(1.0, math.ceil((height + frame.rows * missing) * _PARTS - 0.2) / _PARTS)
        if height in tried or len(tried) == _FITTINGS:
            break
        figure.set_figheight(height)
    figure.set_layout_engine("none")


def _name_panel(panel: Axes, name: str) -> None:
    """Above it, in as much room whatever its letters, so that the months of an animation do not jump."""
    panel.set_title(name, fontsize=_NAME_POINTS, color=INK).set_in_layout(False)
    if name:
        middle: dict[str, Any] = {"ha": "center", "va": "baseline", "alpha": 0, "fontsize": _NAME_POINTS}
        panel.annotate("Jplj", (0.5, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", **middle)


def _draw_colour_bar(
    figure: Figure,
    image: AxesImage,
    axes: Sequence[Axes],
    frame: _Frame,
    quantity: Quantity,
    span: tuple[float, float],
) -> None:
    """Under the months' panels, with what the numbers are and mean."""
    low, high = image.get_clim()
    assert low is not None and high is not None
    below, above = span[0] < low, span[1] > high
    extend = "both" if below and above else "min" if below else "max" if above else "neither"
    across = frame.panel[0] * min(len(axes), frame.columns)
    shrink = min(0.8, _BAR_INCHES / across)
    aspect = max(8.0, shrink * across / 0.13)
    bar = figure.colorbar(
        image, ax=axes, location="bottom", extend=extend, extendfrac=0.03, shrink=shrink, aspect=aspect, pad=0.02
    )
    units = "" if quantity.units == "1" else f" ({quantity.units})"
    words = [f"{quantity.name}{units}", *_wrapped(quantity.meaning, max(across, 2.5))]
    bar.set_label("\n".join(words), fontsize=9, color=INK, parse_math=False)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set(linewidth=0.5, edgecolor=FRAME)


def _marks(outside: NDArray[np.bool_] | None, lacks_values: bool) -> list[Patch]:
    """What the legend says of cells."""
    marks = []
    if outside is not None and outside.any():
        label = "outside the area of applicability"
        marks.append(Patch(facecolor="white", edgecolor=FRAME, hatch=HATCH, linewidth=0.5, label=label))
    if lacks_values:
        marks.append(Patch(facecolor=NO_DATA, edgecolor=FRAME, linewidth=0.5, label="no value"))
    return marks


def _draw_legend(figure: Figure, panel: Axes, marks: Sequence[Patch], subtitle: str) -> None:
    """What the marks mean, and the subtitle, which heads the legend where there is one so that they never overlap."""
    handles = [*panel.get_legend_handles_labels()[0], *marks]
    across = figure.get_figwidth()
    words = "\n".join(_wrapped(subtitle, across - 0.3))
    if handles:
        room = across / 0.085 - 4 * len(handles)
        beside = sum(len(str(handle.get_label())) for handle in handles) <= room
        legend = figure.legend(
            handles=handles,
            fontsize=9,
            labelcolor=INK,
            loc="outside lower left",
            ncols=len(handles) if beside else 1,
            frameon=False,
        )
        legend.set_title(words, prop=FontProperties(size=8.5))
        legend.get_title().set(color=QUIET, parse_math=False)
        legend.set_alignment("left")
        for text in legend.get_texts():
            text.set_parse_math(False)
    elif words:
        figure.supxlabel(words, fontsize=8.5, color=QUIET, x=0.01, ha="left", parse_math=False)


def _wrapped(text: str, inches: float) -> list[str]:
    return textwrap.wrap(text, max(20, int(inches / LETTER_INCHES)))


def _columns(panels: int) -> int:
    return panels if panels <= 3 else 2 if panels == 4 else 3
