"""Cells of a grid, dissolved into polygons."""

from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features

from birdsat.earth.grid import AnyGrid

Geometry: TypeAlias = shapely.Geometry  # multipolygons in WGS84 degrees, for those who pass them on
_WORLD = shapely.box(-180, -90, 180, 90)
_PIECE_DEGREES = 0.25  # to which edges are cut where they are to bend


class CellShapes:
    """Cells of one kind, gathered block by block: memory grows with their outlines, and not with the grid."""

    def __init__(self, grid: AnyGrid) -> None:
        self._lon, self._lat = grid.edges()
        self._parts: list[Geometry] = []  # in columns and rows of the grid

    def add(self, cells: NDArray[np.bool_], first_row: int, first_column: int) -> None:
        """Those that are True (h, w) of a window of the grid."""
        found = features.shapes(cells.astype(np.uint8), mask=cells)
        parts = np.array([shapely.geometry.shape(shape) for shape, _ in found], dtype=object)
        self._parts += shapely.transform(parts, lambda xy: xy + np.array([first_column, first_row])).tolist()

    def dissolved(self) -> Geometry:
        """A multipolygon in degrees within -180..180, cut at the antimeridian (RFC 7946); empty of no cell."""
        return on_globe(shapely.transform(shapely.union_all(self._parts), self._degrees))

    def outline(self) -> NDArray[np.float64]:
        """(n, 2) longitudes, which may go on past 180, and latitudes along the outlines of the cells, no further apart
        than a cell or a quarter of a degree: edges along a parallel bend on other maps."""
        cell = float(self._lon[1] - self._lon[0])
        edges = shapely.segmentize(self._parts, max(1.0, _PIECE_DEGREES / cell))
        return self._degrees(shapely.get_coordinates(edges))

    def _degrees(self, column_row: NDArray[np.float64]) -> NDArray[np.float64]:
        lon = np.interp(column_row[:, 0], np.arange(len(self._lon)), self._lon)
        return np.stack([lon, np.interp(column_row[:, 1], np.arange(len(self._lat)), self._lat)], axis=1)


def on_globe(geometry: Geometry) -> Geometry:
    """The multipolygon of a geometry whose longitudes may go on past 180, within -180..180 (RFC 7946)."""
    if not geometry.is_empty and shapely.bounds(geometry)[2] > 180:
        beyond = shapely.intersection(geometry, shapely.box(180, -90, 540, 90))
        east = shapely.transform(beyond, lambda xy: xy - np.array([360, 0]))
        geometry = shapely.union_all([shapely.intersection(geometry, _WORLD), east])
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return shapely.orient_polygons(shapely.MultiPolygon(parts))


def rings_of(geometry: Geometry) -> list[list[NDArray[np.float64]]]:
    """Of each polygon, its outer ring and those of its holes, (n, 2) degrees."""
    return [
        [shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors)]
        for part in shapely.get_parts(geometry)
    ]
