"""Panels beside the map's own: what is known of the map that its values do not say. See `birdsat.maps.panels`."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, FuncNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from birdsat.maps.effort import read_effort
from birdsat.maps.map_file import MapFile
from birdsat.maps.panels import PANELS
from birdsat.pictures.colours import EFFORT_COLOURS, FRAME, INK, INSIDE, OUTSIDE, UNCERTAINTY_COLOURS
from birdsat.pictures.scale import colour_scale
from birdsat.ranges.effort import NOT_KNOWN

LETTER_INCHES = 0.072  # of words below


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtraPanel:
    """A panel to draw."""

    title: str
    value: NDArray[np.float32]  # (h, w) over the grid's extent; NaN where there is none
    norm: Normalize
    colours: Colormap
    label: str  # under its colours
    ticks: Sequence[float] | None = None
    tick_labels: Sequence[str] | None = None


def extra_panels(map_file: MapFile, names: Sequence[str], most: int) -> list[ExtraPanel]:
    """The panels of some names that the map has, with at most so many cells along a side."""
    return [panel for name in names if (panel := _make(map_file, name, most)) is not None]


def missing_panels(map_file: MapFile, names: Sequence[str]) -> list[str]:
    """Those of the names of which the map has nothing to draw."""
    return [name for name in names if _make(map_file, name, 2) is None]


def _make(map_file: MapFile, name: str, most: int) -> ExtraPanel | None:
    module, function = PANELS[name].function.split(":")
    make: Callable[[MapFile, int], ExtraPanel | None] = getattr(import_module(module), function)
    return make(map_file, most)


def uncertainty(map_file: MapFile, most: int) -> ExtraPanel | None:
    """The width of the interval, or else the standard deviation; its mean over the months."""
    about, found = map_file.description, map_file.decimated(most).doubt
    if found is None:
        return None
    known = np.isfinite(found)
    mean = np.where(known.any(axis=0), np.nansum(found, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
    ends = colour_scale(about.quantity, mean[None].astype(np.float32))
    over = ", mean over the months" if len(found) > 1 else ""
    return ExtraPanel(
        title="uncertainty",
        value=mean.astype(np.float32),
        norm=Normalize(0, ends[1]),
        colours=UNCERTAINTY_COLOURS,
        label=f"{about.doubt}{over}",
    )


def applicability(map_file: MapFile, most: int) -> ExtraPanel | None:
    """Where the model may be asked."""
    inside = map_file.decimated(most).applicability
    if inside is None:
        return None
    return ExtraPanel(
        title="area of applicability",
        value=np.where(np.isnan(inside), inside, (inside >= 0.5).astype(np.float32)),
        norm=Normalize(0, 1),
        colours=ListedColormap([OUTSIDE, INSIDE]),
        label="like places with records",
        ticks=(0.25, 0.75),
        tick_labels=("no", "yes"),
    )


def effort(map_file: MapFile, most: int) -> ExtraPanel | None:
    """How much was looked, by area and relative to the mean, on a logarithmic scale that begins at none."""
    found, source = read_effort(map_file, most) or (np.empty(0, np.float32), NOT_KNOWN)
    # Where it is not known, the file holds what the fit took for it: alike everywhere, as of well surveyed land.
    return effort_panel(found) if source != NOT_KNOWN and np.isfinite(found).any() else None


def effort_panel(effort: NDArray[np.float32]) -> ExtraPanel:
    """Of effort (h, w) over the grid's extent; NaN where it is not known."""
    top = float(np.nanmax(effort, initial=1.0))
    ticks = [0.0, *(float(10**power) for power in range(9) if 10**power <= top)]
    return ExtraPanel(
        title="effort",
        value=effort.astype(np.float32),
        norm=FuncNorm((np.log1p, np.expm1), vmin=0, vmax=top),
        colours=EFFORT_COLOURS,
        label="effort; 1: the mean of the cells",
        ticks=ticks,
        tick_labels=[f"{tick:,.0f}" for tick in ticks],
    )


def draw_extra_bar(figure: Figure, image: AxesImage, axes: Axes, panel: ExtraPanel, inches: float) -> None:
    """The colours of a panel and what they mean, under it."""
    bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.8, aspect=0.8 * inches / 0.12, pad=0.02)
    if panel.ticks is not None:
        bar.set_ticks(list(panel.ticks), labels=list(panel.tick_labels or map(str, panel.ticks)))
        bar.ax.minorticks_off()
    words = textwrap.wrap(panel.label, max(12, int(inches / LETTER_INCHES)))
    bar.set_label("\n".join(words), fontsize=9, color=INK, parse_math=False)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set(linewidth=0.5, edgecolor=FRAME)
