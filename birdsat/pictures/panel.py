"""One panel of a map: cells, water, coasts, points and degrees, on the plane of its grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy.typing import NDArray
from scipy import ndimage

from birdsat.earth.grid import AnyGrid, Grid
from birdsat.earth.outline import Land
from birdsat.pictures.cell_shapes import cells_path, signed_area, small_islands
from birdsat.pictures.colours import COAST, FRAME, INK, LAND, NO_DATA, POINT, POINT_EDGE, RANGE, SCORE_COLOURS, WATER

TICK_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 90)  # degrees

HATCH = "/////"
_VEIL = 0.6  # how white it gets where the model may not be asked
_SMALL_INCHES = 0.035  # islands that are no longer on paper are marked
_SEEN_INCHES = 0.06  # side of a square of land from which it is seen by itself
_SAMPLES = 4  # places across a cell and down it, in which land is looked for
_ISLAND_POINTS = 1.6  # side of their marks
_FULL_INCHES = 4.0  # width of a panel from which marks have that size; half of it on small ones
_FULL_CIRCLES_INCHES = 7.5  # width of a panel from which circles of counts are whole
_LEAST_CIRCLES = 0.4  # of that size, on the smallest
_LABEL_INCHES = (0.62, 0.4)  # that a label of longitude, and of latitude, has to itself
_WORTH_A_WORD = 0.005  # share of the land
_MOST_RATIO = 15.0  # of a panel's sides: of a row of cells around the Earth nothing would be seen


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

    def __init__(
        self, grid: AnyGrid, land: Land | None, inches: tuple[float, float] = (7.5, 7.5), *, of_land: bool = False
    ) -> None:
        """inches: width and height of a panel, by which islands are told that would not be seen. of_land: nothing is
        drawn at sea but whole cells of islands."""
        self._grid, self._land, self._inches, self._of_land = grid, land, inches, of_land and land is not None
        self._mask = None if land is None else land.mask(grid)
        self._coasts = [] if land is None or self._mask is None else land.lines(grid, self._mask)
        areas = None if land is None else land.areas(grid)
        self._areas = None if not areas else Path.make_compound_path(*(Path(ring, closed=True) for ring in areas))
        self._turn = 1 if areas and max(map(signed_area, areas), key=abs) > 0 else -1  # of coasts: left or right

    def draw_values(
        self,
        axes: Axes,
        value: NDArray[np.float32],
        norm: Normalize,
        outside: NDArray[np.bool_] | None = None,
        colours: Colormap = SCORE_COLOURS,
        *,
        cells: NDArray[np.bool_] | None = None,
    ) -> AxesImage:
        """Values (h, w) over the grid's extent, from the north; where there is none, water or grey.

        cells (h, w): that had values before `without_sea`, by which narrow land is told; those with one without.
        outside (h, w): cells where the model may not be asked, each of which is faded and hatched. Islands of a few
        cells that would not be seen are marked by squares of their mean's colour.
        """
        self._draw_ground(axes, NO_DATA)
        extent, clip = self._grid.extent, self._clip(np.isfinite(value) if cells is None else cells)
        drawn: dict[str, Any] = {"extent": extent, "cmap": colours, "norm": norm, "interpolation": "nearest"}
        image = axes.imshow(np.ma.masked_invalid(value), zorder=2, **drawn)
        clipped: list[Artist] = [image]
        if outside is not None and outside.any():
            clipped += self._draw_outside(axes, outside)
        if clip is not None:
            for artist in clipped:
                artist.set_clip_path(clip, axes.transData)
        if self._areas is not None:
            slivers = axes.imshow(np.ma.masked_invalid(self._slivers(value)), zorder=1.5, **drawn)
            slivers.set_clip_path(self._areas, axes.transData)
        self._draw_coasts(axes, value)
        self._draw_islands(axes, value, norm, outside, colours)
        return image

    def draw_range(self, axes: Axes, present: NDArray[np.bool_]) -> None:
        """Where the taxon truly is (h, w), over the grid's extent."""
        self._draw_ground(axes, LAND)
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
                size = min(1.0, max(_LEAST_CIRCLES, self._inches[0] / _FULL_CIRCLES_INCHES))  # or they hide the map
                axes.scatter(
                    east,
                    north,
                    s=(4 + 120 * marks.count[inside] / largest) * size**2,
                    facecolors="none",
                    edgecolors="white",
                    linewidths=0.9 * size,
                    path_effects=[Stroke(linewidth=1.9 * size, foreground=INK), Normal()],
                    label=f"{marks.label} (largest circle: {largest:,.0f})",
                    zorder=4,
                )

    def without_sea(self, value: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values (layers, h, w) without those of the open sea, which has values all around, where the map is of what
        lives on land. Cells by themselves are islands, however small."""
        if not self._of_land:
            return value
        cells = np.isfinite(value).any(axis=0)
        amid = cells & ndimage.binary_erosion(cells, np.ones((3, 3)), border_value=1)
        return np.where(amid & ~self._dry(amid, self._coasts), np.float32(np.nan), value)

    def _dry(self, cells: NDArray[np.bool_], coasts: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
        """(h, w) which of the cells have land: one of the coasts, or at their middle or one of eight places around."""
        assert self._land is not None
        height, width = cells.shape
        west, east, south, north = self._grid.extent
        across, down = (east - west) / width, (north - south) / height
        dry = np.zeros_like(cells)
        for line in coasts:
            column = np.floor((line[:, 0] - west) / across).astype(np.int64)
            row = np.floor((north - line[:, 1]) / down).astype(np.int64)
            within = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            dry[row[within], column[within]] = True
        dry &= cells
        for up, right in product((0, -1 / 3, 1 / 3), repeat=2):
            row, column = np.nonzero(cells & ~dry)
            lon = self._grid.degrees(west + (column + 0.5 + right) * across, 0.0)[0]
            lat = self._grid.degrees(0.0, north - (row + 0.5 - up) * down)[1]
            dry[row, column] = self._land.contains((lon + 180) % 360 - 180, np.clip(lat, -90, 90))
        return dry

    def _slivers(self, value: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w) the mean of its neighbours for each cell without a value that lies beside some and has its middle, and
        all places around it, at sea: the land in it is a sliver of theirs. NaN elsewhere."""
        assert self._land is not None
        known = np.isfinite(value)
        around = np.ones((3, 3))
        count = ndimage.convolve(known.astype(np.float32), around, mode="constant")
        total = ndimage.convolve(np.where(known, value, 0), around, mode="constant")
        beside = ~known & (count > 0.5)
        sliver = beside & ~self._dry(beside, coasts=())
        return np.where(sliver, total / np.maximum(count, 1), np.nan).astype(np.float32)

    def _clip(self, cells: NDArray[np.bool_]) -> Path | None:
        """Where values in cells (h, w) are drawn: on the land, and in whole cells of what is too narrow to be told by
        its coast."""
        if not self._of_land or self._areas is None:
            return None
        inner = ndimage.binary_erosion(cells, np.ones((3, 3)), border_value=1)
        narrow = cells & ~ndimage.binary_dilation(inner, np.ones((5, 5)))
        parts, count = ndimage.label(narrow, np.ones((3, 3)))
        seen = np.bincount(parts[narrow], self._land_area(narrow), minlength=count + 1) >= _SEEN_INCHES**2
        whole = narrow & ~seen[parts]
        return Path.make_compound_path(self._areas, cells_path(whole, self._grid.extent, self._turn))

    def _land_area(self, cells: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(n,) square inches of land on paper in each of the cells (h, w) that are True, row by row."""
        assert self._land is not None
        height, width = cells.shape
        west, east, south, north = self._grid.extent
        row, column = np.nonzero(cells)
        steps = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
        across, down = (column[:, None] + steps) / width, (row[:, None] + steps) / height
        lon = self._grid.degrees(west + across * (east - west), 0.0)[0][:, None, :]
        lat = self._grid.degrees(0.0, north - down * (north - south))[1][:, :, None]
        found = self._land.contains((lon + 180) % 360 - 180, np.clip(lat, -90, 90))
        size = self._inches[0] * self._inches[1] / (width * height)
        return np.asarray(found.mean(axis=(1, 2)) * size, dtype=np.float64)

    def lacks_values(self, value: NDArray[np.float32]) -> bool:
        """Whether land that is worth a word has no value in any layer (layers, h, w), and so is grey."""
        if self._mask is None:
            return bool(np.isnan(value).any())
        row, column = (np.arange(n) * side // n for n, side in zip(self._mask.shape, value.shape[1:], strict=True))
        empty = np.asarray(np.isnan(value).all(axis=0))
        bare = int(np.count_nonzero(self._mask & empty[row[:, None], column]))
        return bare > _WORTH_A_WORD * max(1, int(np.count_nonzero(self._mask)))

    def _draw_ground(self, axes: Axes, land: str) -> None:
        if self._mask is None:
            axes.set_facecolor(land)
            return
        axes.set_facecolor(WATER)
        if self._areas is None:
            self._fill(axes, self._mask, land)
        else:
            # As an artist: a patch has all its points looked through for the limits, half the time of a picture.
            axes.add_artist(PathPatch(self._areas, facecolor=land, linewidth=0, zorder=1))

    def _draw_coasts(self, axes: Axes, value: NDArray[np.float32] | None = None) -> None:
        """But for those of islands with values (h, w) that the lines would hide."""
        coasts = [line for line in self._coasts if value is None or not self._would_hide(line, value)]
        if coasts:
            axes.add_collection(LineCollection(coasts, colors=COAST, linewidths=0.45, zorder=3), autolim=False)

    def _would_hide(self, line: NDArray[np.float64], value: NDArray[np.float32]) -> bool:
        west, east, south, north = self._grid.extent
        (left, low), (right, high) = line.min(axis=0), line.max(axis=0)
        across, down = (
            (right - left) / (east - west) * self._inches[0],
            (high - low) / (north - south) * self._inches[1],
        )
        if max(across, down) > _SEEN_INCHES:
            return False
        height, width = value.shape
        column = int(np.floor(((left + right) / 2 - west) / (east - west) * width))
        row = int(np.floor((north - (low + high) / 2) / (north - south) * height))
        return 0 <= row < height and 0 <= column < width and bool(np.isfinite(value[row, column]))

    def _draw_outside(self, axes: Axes, outside: NDArray[np.bool_]) -> list[Artist]:
        veil = self._fill(axes, outside, "white", alpha=_VEIL, zorder=2.2)
        shape = cells_path(outside, self._grid.extent)
        hatching = PathPatch(shape, facecolor="none", edgecolor=FRAME, linewidth=0, hatch=HATCH, zorder=2.3)
        hatching.set_gid("outside")
        axes.add_artist(hatching)
        return [veil, hatching]

    def _draw_islands(
        self,
        axes: Axes,
        value: NDArray[np.float32],
        norm: Normalize,
        outside: NDArray[np.bool_] | None,
        colours: Colormap,
    ) -> None:
        if self._land is None:
            return
        height, width = value.shape
        west, east, south, north = self._grid.extent
        size = min(1.0, max(0.5, self._inches[0] / _FULL_INCHES))
        small = _SMALL_INCHES * size
        found = small_islands(np.isfinite(value), small * height / self._inches[1], small * width / self._inches[0])
        if not len(found):
            return
        colour = colours(norm(found.mean(value)))
        if outside is not None:
            faded = found.mean(outside.astype(np.float32)) >= 0.5
            colour[faded, :3] += _VEIL * (1 - colour[faded, :3])
        axes.scatter(
            west + found.column * (east - west) / width,
            north - found.row * (north - south) / height,
            s=(_ISLAND_POINTS * size) ** 2,
            c=colour,
            marker="s",
            edgecolors=COAST,
            linewidths=0.35 * size,
            zorder=3.5,
        ).set_gid("islands")

    def _fill(
        self, axes: Axes, cells: NDArray[np.bool_], colour: str, *, alpha: float = 1.0, zorder: float = 1
    ) -> AxesImage:
        return axes.imshow(
            np.ma.masked_where(~cells, np.ones(cells.shape)),
            extent=self._grid.extent,
            cmap=ListedColormap([colour]),
            alpha=alpha,
            interpolation="nearest",
            zorder=zorder,
        )


def finish_panel(axes: Axes, grid: AnyGrid, inches: tuple[float, float] = (7.5, 7.5)) -> None:
    """The frame of the grid's extent, in its aspect, with degrees beside it. inches: its width and height."""
    west, east, south, north = grid.extent
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect(_stretch(grid))
    (left, right), (low, high) = grid.degrees(np.array([west, east]), np.array([south, north]))
    most_lon, most_lat = (max(2, min(6, int(side / room))) for side, room in zip(inches, _LABEL_INCHES, strict=True))
    lon, lat = _ticks(left, right, most_lon), _ticks(max(low, -90), min(high, 90), most_lat)
    lat = lat[_apart(grid.plane(0.0, lat)[1], north - south)]
    axes.xaxis.set_major_locator(FixedLocator(grid.plane(lon, 0.0)[0].tolist()))
    axes.yaxis.set_major_locator(FixedLocator(grid.plane(0.0, lat)[1].tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter([_degrees((x + 180) % 360 - 180, "E", "W") for x in lon]))
    axes.yaxis.set_major_formatter(FixedFormatter([_degrees(y, "N", "S") for y in lat]))
    axes.tick_params(labelsize=8, colors=INK, length=2.5, width=0.6)
    axes.label_outer()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_label_coords(0.5, 0.0)  # nothing is written there, and to look for its place takes long
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
        spine.set_color(FRAME)
        spine.set_in_layout(False)  # it is where the panel ends


def panel_ratio(grid: AnyGrid) -> float:
    """Width of a panel for one of height."""
    west, east, south, north = grid.extent
    return (east - west) / ((north - south) * _stretch(grid))


def _stretch(grid: AnyGrid) -> float:
    """How much longer a unit of the plane is drawn northwards than eastwards."""
    west, east, south, north = grid.extent
    true = 1.0  # of an equal-area plane, which is a map, and shows areas as they are
    if isinstance(grid, Grid):
        # Beyond 78 degrees a true aspect would make a ribbon.
        true = 1 / max(math.cos(math.radians(float(grid.lat.mean()))), 0.2)
    square = (east - west) / (north - south)
    return min(max(true, square / _MOST_RATIO), square * _MOST_RATIO)


def _ticks(first: float, last: float, most: int) -> NDArray[np.float64]:
    """Degrees between two that are labelled: whole steps, at most so many or so."""
    step = next((step for step in TICK_STEPS if (last - first) / step <= most), TICK_STEPS[-1])
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
