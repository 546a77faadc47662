"""Which cells have any land, by Natural Earth's coasts at 1:10 million and at 1:50 million together."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import Grid
from birdsat.earth.land import coastline
from birdsat.earth.place import EARTH_RADIUS_KM
from birdsat.earth.rings import Rings, unwrapped

_PARTS = 5  # of a cell, each way, whose centres are looked up


def cells_with_land(grid: Grid, land_10m: Path) -> NDArray[np.int64]:
    """Positions of the cells of a grid of the whole world with land at one of 25 places in them, or a coast through
    them: an island of a hundred metres is there, if the map has it."""
    found = np.zeros(grid.shape, dtype=bool)
    for rings in (read_rings(land_10m), coastline()):
        found |= _cells_inside(grid, rings) | _cells_crossed(grid, rings)
    return np.flatnonzero(found)


def cells_near(grid: Grid, cells: NDArray[np.int64], km: float) -> NDArray[np.int64]:
    """Positions of the cells, and of all whose centre is within `km` of one of theirs, to about a cell."""
    marked = np.zeros(grid.cells, dtype=bool)
    marked[cells] = True
    table = marked.reshape(grid.shape)
    degree_km = EARTH_RADIUS_KM * np.pi / 180
    rows = int(km / (grid.step_degrees * degree_km))
    wide = np.maximum(np.cos(np.radians(grid.lat)), 1e-9) * grid.step_degrees * degree_km  # (rows,) of a cell
    near = np.zeros(grid.shape, dtype=bool)
    for down in range(-rows, rows + 1):
        across = np.sqrt(max(km**2 - (down * grid.step_degrees * degree_km) ** 2, 0))
        for row in range(max(0, -down), min(grid.rows, grid.rows - down)):
            reach = min(int(across / wide[row]), grid.columns // 2)
            near[row] |= _spread(table[row + down], reach)
    return np.flatnonzero(near)


def _spread(row: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Which places of a row around the world are within `reach` of a True one."""
    around = np.concatenate([row[len(row) - reach :], row, row[:reach]])
    total = np.concatenate([[0], np.cumsum(around)])
    within: NDArray[np.bool_] = total[2 * reach + 1 :] > total[: len(row)]
    return within


def read_rings(topology_file: Path) -> list[NDArray[np.float64]]:
    """The rings (n, 2) of longitude and latitude of a TopoJSON file of land, as world-atlas has it."""
    topology = json.loads(topology_file.read_text())
    scale, translate = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]
    rings = []
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            for numbers in polygon:
                parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
                ring = unwrapped(np.concatenate([parts[0], *(part[1:] for part in parts[1:])]))
                if ring[:, 1].max() > -89:  # the ring along the South Pole closes Antarctica in the plane alone
                    rings.append(ring)
    return rings


def _cells_inside(grid: Grid, rings: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    step = grid.step_degrees / _PARTS
    lon = grid.box.west + (np.arange(grid.columns * _PARTS) + 0.5) * step
    lat = grid.box.north - (np.arange(grid.rows * _PARTS) + 0.5) * step
    parts = Rings(rings).cells(lon, lat).reshape(grid.rows, _PARTS, grid.columns, _PARTS)
    inside: NDArray[np.bool_] = parts.any(axis=(1, 3))
    return inside


def _cells_crossed(grid: Grid, rings: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    crossed = np.zeros(grid.cells, dtype=bool)
    for ring in rings:
        pieces = np.maximum(1, np.ceil(np.abs(np.diff(ring, axis=0)).max(axis=1) / (grid.step_degrees / 10)))
        at = np.concatenate([[0.0], np.cumsum(pieces)])
        along = np.arange(at[-1] + 1)
        lon, lat = np.interp(along, at, ring[:, 0]), np.interp(along, at, ring[:, 1])
        cells = grid.cells_at(lon, np.clip(lat, -90, 90))
        crossed[cells[cells >= 0]] = True
    return crossed.reshape(grid.shape)
