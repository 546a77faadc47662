"""From a map of relative suitability to a range: which cells in which season, how large, with what polygons."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.cell_polygons import CellShapes, Geometry
from birdsat.earth.grid import AnyGrid
from birdsat.earth.occupied import SQUARE_KM, convex_hull_km2, occupied_squares
from birdsat.earth.place import unit_sphere
from birdsat.errors import ConfigError, InputError, nearest
from birdsat.maps.description import SCORE, UNDATED, MapDescription
from birdsat.maps.map_file import MapFile, MapLayers
from birdsat.maps.seasons import BREEDING, NON_BREEDING, RESIDENT, Seasons, given_seasons, told_seasons

THRESHOLDS = ("p10", "max_sss", "equal", "prevalence")  # in the order in which they are told
DEFAULT_THRESHOLD = "max_sss"
GIVEN = "given"  # the name of a threshold that is a number of the user's
# Of n records, all cells are wrong together by sqrt(_ALWAYS + _OF_A_RECORD / n) of the way to the bounds of their
# intervals; the rest of the way each is wrong by itself, which a sum evens out. Chosen on made worlds, so that areas
# hold the true one in four of five (docs/maps.md).
_ALWAYS, _OF_A_RECORD = 0.03, 3.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """From which value on a cell is in the range."""

    name: str
    value: float  # 0..1
    chosen_on: str  # for people


@dataclass(frozen=True, kw_only=True, slots=True)
class RangePart:
    """A season's cells."""

    season: str  # one of SEASONS
    months: tuple[int, ...]  # 1..12; of residents those of both seasons; empty: of no month
    cells: int
    area_km2: float
    # Those by what all cells may be at the least and at the most: see `wrong_together`; NaN where the map does not say.
    area_low_km2: float
    area_high_km2: float
    applicable: float  # share of the area in the area of applicability; NaN where the map does not say
    geometry: Geometry  # multipolygon in WGS84 degrees


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """EOO and AOO of some places, square kilometres."""

    of: str  # "records", "map", or with a season's name
    eoo_km2: float  # of a smaller one than the area of occupancy, that (IUCN 2022, section 4.9)
    aoo_km2: float  # NaN: not given, see `why`
    why: str = ""  # there is no area of occupancy


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonRange:
    """The range of a taxon."""

    about: MapDescription
    threshold: Threshold
    seasons: Seasons
    parts: tuple[RangePart, ...]  # those that have cells
    extents: tuple[Extent, ...]
    reaches_edge: bool  # whether cells of it lie along the edge of the map, beyond which nothing is counted
    highest: float  # value of the map in any cell and month
    map_created: str  # when the map was made, by which it is known again
    together: float  # how far of the way to their bounds areas have all cells, see `wrong_together`; NaN: no intervals

    @property
    def taxon(self) -> str:
        """Its scientific name."""
        return self.about.title

    def refuse_empty(self) -> None:
        """Raise InputError where no cell is in the range."""
        if not self.parts:
            raise InputError(
                f"no cell of the map of {self.taxon} is in its range at {self.threshold.value:.3g} "
                f"({self.threshold.name}): the highest value is {self.highest:.3g}. Take a lower threshold.",
                settings=("threshold",),
            )

    def with_extents(self, more: Sequence[Extent]) -> "TaxonRange":
        """With those of records before its own."""
        return replace(self, extents=(*more, *self.extents))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "taxon": self.taxon,
            **({"common_name": self.about.common_name} if self.about.common_name else {}),
            "threshold": {
                "name": self.threshold.name,
                "value": self.threshold.value,
                "chosen_on": self.threshold.chosen_on,
            },
            "seasons": self.seasons.to_dict(),
            "ranges": [
                {
                    "season": part.season,
                    "months": list(part.months),
                    "cells": part.cells,
                    "area_km2": _plain(part.area_km2),
                    "area_low_km2": _plain(part.area_low_km2),
                    "area_high_km2": _plain(part.area_high_km2),
                    "share_in_area_of_applicability": _plain(part.applicable, 3),
                }
                for part in self.parts
            ],
            "extents": [
                {
                    "of": extent.of,
                    "eoo_km2": _plain(extent.eoo_km2),
                    "aoo_km2": _plain(extent.aoo_km2),
                    **({"why_no_aoo": extent.why} if extent.why else {}),
                }
                for extent in self.extents
            ],
            "wrong_together": _plain(self.together, 4),
            "reaches_edge_of_map": self.reaches_edge,
            "cautions": list(self.about.cautions),
            "model": self.about.model,
            "map_created": self.map_created,
        }


def find_threshold(about: MapDescription, wanted: str) -> Threshold:
    """That of a map by its name, or a number 0..1.

    Raises InputError for a map that has no thresholds, or is not of the suitabilities of a taxon; ConfigError for what
    is neither a name of one nor such a number.
    """
    if about.quantity.name == SCORE.name:
        raise InputError(
            f"the map of {about.title} is of a score, which ranks cells and has no value from which on a taxon is "
            "there. Map it from records (`birdsat map TAXON --occurrences TABLE`)."
        )
    if not about.is_taxon or about.quantity.bounds != (0.0, 1.0):
        raise InputError(f"the map is of {about.title}, {about.quantity.name}; a range is made of the map of a taxon.")
    making = about.making
    asked = name_or_number(wanted)
    if isinstance(asked, float):
        return Threshold(name=GIVEN, value=asked, chosen_on="a number given with the request")
    if asked not in making.thresholds:
        why = making.thresholds_of or "it does not know any, as it is of an earlier birdsat: map it again"
        raise InputError(
            f"the map of {about.title} has no threshold called {wanted!r} ({why}). Give a number above 0, up to 1.",
            settings=("threshold",),
        )
    chosen_on = "nothing: 0.5 by definition" if asked == "prevalence" else making.thresholds_of
    return Threshold(name=asked, value=making.thresholds[asked], chosen_on=chosen_on)


def name_or_number(wanted: str) -> str | float:
    """One of THRESHOLDS, however it is written, or a number above 0, up to 1. Raises ConfigError for anything else."""
    by_letters = {name.replace("_", ""): name for name in THRESHOLDS}  # maxSSS is what the literature writes
    if name := by_letters.get(wanted.lower().replace("_", "")):
        return name
    try:
        value = float(wanted)
    except ValueError:
        names = ", ".join(THRESHOLDS)
        raise ConfigError(
            f"threshold is {wanted!r}{nearest(wanted, THRESHOLDS)}; allowed: {names}, or a number above 0, up to 1.",
            settings=("threshold",),
        ) from None
    if not 0 < value <= 1:
        raise ConfigError(f"threshold is {wanted}; allowed: above 0, up to 1.", settings=("threshold",))
    return value


def taxon_range(
    map_file: MapFile, threshold: Threshold, *, breeding: Sequence[int] = (), non_breeding: Sequence[int] = ()
) -> TaxonRange:
    """The range on a map; seasons as named, or as the map tells them.

    The map is read twice by windows; memory grows with the outlines of the range, and on cells of 2 km or less with its
    occupied squares, not with the map. Raises ConfigError for seasons of months that the map has not, InputError for
    any of a map whose months are all the same.
    """
    about = map_file.description
    if breeding:
        if not about.dated:
            raise InputError(
                f"all months of the map of {about.title} are the same "
                f"({about.sources.get(UNDATED, 'no record says when')}): it has no seasons. Name none.",
                settings=("breeding", "non_breeding"),
            )
        seasons = given_seasons(about.months, breeding, non_breeding)
    else:
        seasons = _told(map_file, threshold.value)
    parts = [_GatheredPart(about.grid, season, months) for season, months in seasons.parts()]
    share = wrong_together(about.records)
    highest = -math.inf
    for block in map_file.blocks():
        area = _cell_areas(about.grid, block)
        highest = max(highest, float(np.max(block.value, where=np.isfinite(block.value), initial=-math.inf)))
        by_value = seasons.cells(block.value, threshold.value)
        by_less = by_more = by_value
        if (bounds := _least_and_most(block, share)) is not None:
            by_less, by_more = (seasons.cells(bound, threshold.value) for bound in bounds)
        for part, *cells in zip(parts, by_value, by_less, by_more, strict=True):
            part.add(block, area, *cells)
    return TaxonRange(
        about=about,
        threshold=threshold,
        seasons=seasons,
        parts=tuple(part.finished(bool(about.doubt)) for part in parts if part.cells),
        extents=tuple(_extents(about.grid, seasons, parts)),
        reaches_edge=any(part.reaches_edge for part in parts),
        highest=highest,
        map_created=map_file.created,
        together=math.nan if about.interval is None else share,
    )


def wrong_together(records: int) -> float:
    """How far of the way to the bounds of their intervals all cells of a taxon with so many records may be at once."""
    return min(1.0, math.sqrt(_ALWAYS + _OF_A_RECORD / max(1, records)))


def towards(value: NDArray[np.float32], bound: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Values some of the way to a bound."""
    return value + np.float32(share) * (bound - value)


def extent_of_places(of: str, lon_lat: NDArray[np.float64]) -> Extent:
    """EOO and AOO of records at places (n, 2)."""
    aoo = len(occupied_squares(lon_lat)) * SQUARE_KM**2
    return Extent(of=of, eoo_km2=max(convex_hull_km2(lon_lat), aoo), aoo_km2=aoo)


class _GatheredPart:
    """A season's cells, block by block."""

    def __init__(self, grid: AnyGrid, season: str, months: tuple[int, ...]) -> None:
        self.season, self.months, self.cells = season, months, 0
        self.shapes = CellShapes(grid)
        self._grid, self._areas, self._inside, self._knows_inside = grid, np.zeros(3), 0.0, False
        self.reaches_edge = False
        self.middle = np.zeros(3)  # of the cells by their areas, as a vector whose length says nothing
        self._squares: list[NDArray[np.int64]] = []

    def add(
        self, block: MapLayers, area: NDArray[np.float64], cells: NDArray[np.bool_], *others: NDArray[np.bool_]
    ) -> None:
        """Of a window, areas (h, 1); cells (h, w) by the values, and by their lower and upper bounds."""
        for number, some in enumerate((cells, *others)):
            self._areas[number] += float((area[:, 0] * some.sum(axis=1)).sum())
        if not cells.any():
            return
        self.cells += int(np.count_nonzero(cells))
        self.shapes.add(cells, block.first_row, block.first_column)
        self.reaches_edge |= bool((cells & _edge(self._grid, block)).any())
        if block.applicability is not None:
            self._knows_inside = True
            self._inside += float((area[:, 0] * (cells & (block.applicability > 0.5)).sum(axis=1)).sum())
        row, column = np.nonzero(cells)
        centres = self._grid.centres((row + block.first_row) * self._grid.columns + column + block.first_column)
        self.middle += area[row, 0] @ unit_sphere(*centres.T)
        if is_fine(self._grid):
            self._squares.append(occupied_squares(centres))

    @property
    def squares(self) -> NDArray[np.int64]:
        return np.concatenate([np.empty(0, np.int64), *self._squares])

    def finished(self, has_bounds: bool) -> RangePart:
        return RangePart(
            season=self.season,
            months=self.months,
            cells=self.cells,
            area_km2=float(self._areas[0]),
            area_low_km2=float(self._areas.min()) if has_bounds else math.nan,
            area_high_km2=float(self._areas.max()) if has_bounds else math.nan,
            applicable=self._inside / float(self._areas[0]) if self._knows_inside else math.nan,
            geometry=self.shapes.dissolved(),
        )


def _least_and_most(block: MapLayers, share: float) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """(layers, h, w) what values may all be together: a share of the way to the bounds of their intervals, or of a map
    without these a standard deviation over the members less and more; None: not known."""
    if block.low is not None and block.high is not None:
        return towards(block.value, block.low, share), towards(block.value, block.high, share)
    return None if block.std is None else (block.value - block.std, block.value + block.std)


def is_fine(grid: AnyGrid) -> bool:
    """Whether no cell is larger than the squares that an area of occupancy is counted in."""
    return float(grid.cell_area(np.arange(grid.rows) * grid.columns).max()) <= SQUARE_KM**2 * 1.01


def _told(map_file: MapFile, threshold: float) -> Seasons:
    """Seasons as the map tells them, by where the area above the threshold lies in each month."""
    about = map_file.description
    area, moment = np.zeros(len(about.layers)), np.zeros(len(about.layers))
    latitude = about.grid.lat
    for block in map_file.blocks():
        each = (block.value >= threshold).sum(axis=2) * _cell_areas(about.grid, block)[:, 0]
        area += each.sum(axis=1)
        moment += each @ latitude[block.first_row : block.first_row + each.shape[1]]
    middle = np.divide(moment, area, out=np.full_like(area, math.nan), where=area > 0)
    return told_seasons(about.months, area, middle, dated=about.dated)


def _edge(grid: AnyGrid, block: MapLayers) -> NDArray[np.bool_]:
    """(h, w) which cells of a window lie along the edge of the map; around the Earth, it has none in east and west."""
    _, h, w = block.value.shape
    row, column = block.first_row + np.arange(h), block.first_column + np.arange(w)
    across = ((column == 0) | (column == grid.columns - 1)) & (grid.box.width_degrees < 360)
    edge: NDArray[np.bool_] = ((row == 0) | (row == grid.rows - 1))[:, None] | across
    return edge


def _cell_areas(grid: AnyGrid, block: MapLayers) -> NDArray[np.float64]:
    """(h, 1) square kilometres of a cell in each row of a window."""
    rows = block.first_row + np.arange(block.value.shape[1])
    return grid.cell_area(rows * grid.columns)[:, None]


def _extents(grid: AnyGrid, seasons: Seasons, parts: Sequence[_GatheredPart]) -> Iterator[Extent]:
    """Of the map: of a taxon with seasons the two apart, as IUCN takes the smaller of a migrant's (section 4.9)."""
    groups: dict[str, Sequence[_GatheredPart]] = {"map": parts}
    if seasons.breeding:
        groups = {
            f"map, {name} season": [part for part in parts if part.season in (RESIDENT, name)]
            for name in (BREEDING, NON_BREEDING)
        }
    for of, some in groups.items():
        if not any(part.cells for part in some):
            continue
        outline = np.concatenate([part.shapes.outline() for part in some])
        eoo = convex_hull_km2(outline, np.sum([part.middle for part in some], axis=0))
        if is_fine(grid):
            aoo = len(np.unique(np.concatenate([part.squares for part in some]))) * SQUARE_KM**2
            yield Extent(of=of, eoo_km2=max(eoo, aoo), aoo_km2=aoo)
        else:
            why = f"cells of {grid.step_text} are larger than the {SQUARE_KM:g} km of an area of occupancy"
            yield Extent(of=of, eoo_km2=eoo, aoo_km2=math.nan, why=why)


def _plain(value: float, digits: int = 2) -> float | None:
    """For JSON, which has no NaN."""
    return round(value, digits) if math.isfinite(value) else None
