"""One panel of a map: cells, water, coasts, points and degrees, on the plane of its grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.image import AxesImage
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid, Grid
from birdsat.earth.outline import Land
from birdsat.pictures.colours import COAST, FRAME, INK, LAND, NO_DATA, POINT, POINT_EDGE, RANGE, SCORE_COLOURS, WATER

TICK_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60)  # degrees


@dataclass(frozen=True, kw_only=True, slots=True)
class MapPoints:
    """Places to mark on a map, such as where the taxon was recorded."""

    lon: NDArray[np.float64]  # (n,) degrees east, WGS84
    lat: NDArray[np.float64]  # (n,) degrees north
    label: str  # for the legend
    count: NDArray[np.float64] | None = None  # (n,) sets the circles' areas; None: dots of one size
    month: NDArray[np.int64] | None = None  # (n,) 1..12; None: marked whatever the month


class Ground:
    """The land and water under every panel of one figure, found once; without `land`, there is neither."""

    def __init__(self, grid: AnyGrid, land: Land | None) -> None:
        self._grid = grid
        mask = None if land is None else land.mask(grid)
        self._water = None if mask is None else ~mask
        self._coasts = [] if land is None or mask is None else land.lines(grid, mask)

    def draw_values(
        self, axes: Axes, value: NDArray[np.float32], scale: tuple[float, float], outside: NDArray[np.bool_] | None
    ) -> AxesImage:
        """Values (h, w) over the grid's extent, from the north; where there is none, water or grey.

        outside (h, w): where the model may not be asked, which is faded and hatched.
        """
        axes.set_facecolor(NO_DATA)
        self._draw_water(axes)
        low, high = scale
        image = axes.imshow(
            np.ma.masked_invalid(value),
            extent=self._grid.extent,
            cmap=SCORE_COLOURS,
            vmin=low,
            vmax=high,
            interpolation="nearest",
            zorder=2,
        )
        if outside is not None and outside.any():
            self._draw_outside(axes, outside)
        self._draw_coasts(axes)
        return image

    def draw_range(self, axes: Axes, present: NDArray[np.bool_]) -> None:
        """Where the taxon truly is (h, w), over the grid's extent."""
        axes.set_facecolor(LAND)
        self._draw_water(axes)
        self._fill(axes, present, RANGE)
        self._draw_coasts(axes)

    def draw_points(self, axes: Axes, points: Sequence[MapPoints], month: int | None) -> None:
        """What was recorded in the month (or in any, when None), within the grid's box."""
        for marks in points:
            inside = self._grid.box.contains(marks.lon, marks.lat)
            if marks.month is not None and month is not None:
                inside &= marks.month == month
            west = self._grid.box.west
            east, north = self._grid.plane(west + np.mod(marks.lon[inside] - west, 360), marks.lat[inside])
            if marks.count is None:
                axes.scatter(
                    east, north, s=9, c=POINT, edgecolors=POINT_EDGE, linewidths=0.5, label=marks.label, zorder=5
                )
            else:
                largest = max(float(marks.count.max(initial=0)), 1.0)
                axes.scatter(
                    east,
                    north,
                    s=4 + 120 * marks.count[inside] / largest,
                    facecolors="none",
                    edgecolors="white",
                    linewidths=0.9,
                    path_effects=[Stroke(linewidth=1.9, foreground=INK), Normal()],
                    label=f"{marks.label} (largest circle: {largest:,.0f})",
                    zorder=4,
                )

    def _draw_water(self, axes: Axes) -> None:
        if self._water is not None:
            self._fill(axes, self._water, WATER)

    def _draw_coasts(self, axes: Axes) -> None:
        if self._coasts:
            axes.add_collection(LineCollection(self._coasts, colors=COAST, linewidths=0.45, zorder=3), autolim=False)

    def _draw_outside(self, axes: Axes, outside: NDArray[np.bool_]) -> None:
        extent = self._grid.extent
        veil = ListedColormap(["white"])
        cells = np.ma.masked_where(~outside, np.ones(outside.shape))
        axes.imshow(cells, extent=extent, cmap=veil, alpha=0.6, interpolation="nearest", zorder=2.2)
        # Rims of False let the hatching end at the picture's edge.
        hatched = np.pad(outside, 1).astype(np.float32)
        height, width = outside.shape
        west, east, south, north = extent
        across, down = (east - west) / width, (north - south) / height
        hatching = axes.contourf(
            west + (np.arange(width + 2) - 0.5) * across,
            north - (np.arange(height + 2) - 0.5) * down,
            hatched,
            levels=[0.5, 2],
            colors="none",
            hatches=["/////"],
            zorder=2.3,
        )
        hatching.set_edgecolor(FRAME)
        hatching.set_linewidth(0)

    def _fill(self, axes: Axes, cells: NDArray[np.bool_], colour: str) -> None:
        axes.imshow(
            np.ma.masked_where(~cells, np.ones(cells.shape)),
            extent=self._grid.extent,
            cmap=ListedColormap([colour]),
            interpolation="nearest",
        )


def finish_panel(axes: Axes, grid: AnyGrid) -> None:
    """The frame of the grid's extent, in its aspect, with degrees beside it."""
    west, east, south, north = grid.extent
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect(_stretch(grid))
    (left, right), (low, high) = grid.degrees(np.array([west, east]), np.array([south, north]))
    lon, lat = _ticks(left, right), _ticks(max(low, -90), min(high, 90))
    lat = lat[_apart(grid.plane(0.0, lat)[1], north - south)]
    axes.xaxis.set_major_locator(FixedLocator(grid.plane(lon, 0.0)[0].tolist()))
    axes.yaxis.set_major_locator(FixedLocator(grid.plane(0.0, lat)[1].tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter([_degrees((x + 180) % 360 - 180, "E", "W") for x in lon]))
    axes.yaxis.set_major_formatter(FixedFormatter([_degrees(y, "N", "S") for y in lat]))
    axes.tick_params(labelsize=8, colors=INK, length=2.5, width=0.6)
    axes.label_outer()
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
        spine.set_color(FRAME)


def panel_ratio(grid: AnyGrid) -> float:
    """Width of a panel for one of height."""
    west, east, south, north = grid.extent
    return (east - west) / ((north - south) * _stretch(grid))


def _stretch(grid: AnyGrid) -> float:
    """How much longer a unit of the plane is drawn northwards than eastwards."""
    if not isinstance(grid, Grid):
        return 1.0  # its own plane is a map, and shows areas as they are
    middle = math.radians(float(grid.lat.mean()))
    return 1 / max(math.cos(middle), 0.2)  # beyond 78 degrees a true aspect would make a ribbon


def _ticks(first: float, last: float) -> NDArray[np.float64]:
    """Degrees between two that are labelled: whole steps, at most six."""
    step = next((step for step in TICK_STEPS if (last - first) / step <= 6), TICK_STEPS[-1])
    whole = np.arange(math.ceil(first / step - 1e-9), math.floor(last / step + 1e-9) + 1, dtype=np.float64)
    return whole * step


def _apart(position: NDArray[np.float64], span: float) -> list[int]:
    """Which of ascending positions have room for a label: near the poles of equal areas, degrees crowd."""
    kept: list[int] = []
    for i in sorted(range(len(position)), key=lambda i: abs(position[i])):
        if all(abs(position[i] - position[j]) > 0.07 * span for j in kept):
            kept.append(i)
    return sorted(kept)


def _degrees(value: float, positive: str, negative: str) -> str:
    value = round(value, 6)
    side = "" if value == 0 or abs(value) == 180 else positive if value > 0 else negative
    return f"{abs(value):g}°{side}"
