"""How fast cells and places are told to lie in polygons: by our own scan of crossings, by shapely, and by GDAL.

    python benchmarks/areas.py [--iterations N]

One core. The polygons are the coasts in the package (1,420 rings of 60,372 positions) and a circle of 1,000; the cells
are those of a quarter of a degree over the world, the places 100,000 over the sphere. Shapely is asked part by part,
each for the cells in its bounds, with prepared geometries. Times on the processor, the best of several.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.land import coastline
from birdsat.earth.polygon import Polygons
from birdsat.earth.rings import Rings, closed

GRID = Grid(Box(-180, -90, 180, 90), 0.25)
PLACES = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=5)
    iterations = parser.parse_args().iterations
    generator = np.random.default_rng(0)
    lon = generator.uniform(-180, 180, PLACES)
    lat = np.degrees(np.arcsin(generator.uniform(-1, 1, PLACES)))
    angle = np.linspace(0, 2 * np.pi, 1001)
    circle = np.column_stack([20 * np.cos(angle) + 10.0123, 20 * np.sin(angle) + 40.0321])
    coasts = [closed(ring) for ring in coastline()]
    print("| polygons | what | ms |\n|---|---|---|")
    for name, rings in (("coasts", coasts), ("circle", [circle])):
        parts = _parts(rings)
        whole, features = Rings(rings), Polygons([[ring] for ring in rings if np.ptp(ring[:, 1]) > 0])
        ways: dict[str, Callable[[], object]] = {
            "cells, our scan over all rings": lambda whole=whole: whole.cells(GRID.lon, GRID.lat),
            "cells, our scan polygon by polygon": lambda features=features: features.mask(GRID),
            "cells, shapely": lambda parts=parts: _cells(parts),
            "cells, GDAL's rasterize": lambda parts=parts: rasterize(
                parts, out_shape=GRID.shape, transform=_affine(), dtype="uint8"
            ),
            "places, our scan over all rings": lambda whole=whole: whole.contains(lon, lat),
            "places, our scan polygon by polygon": lambda features=features: features.contains(lon, lat),
            "places, shapely": lambda parts=parts: _places(parts, lon, lat),
        }
        for what, way in ways.items():
            print(f"| {name} | {what} | {1000 * _best(way, iterations):,.1f} |", flush=True)


def _best(way: Callable[[], object], iterations: int) -> float:
    taken = []
    for _ in range(iterations):
        start = time.process_time()
        way()
        taken.append(time.process_time() - start)
    return min(taken)


def _parts(rings: list[NDArray[np.float64]]) -> NDArray[np.object_]:
    """Polygons between -180 and 180, prepared."""
    polygons = shapely.make_valid(shapely.polygons([shapely.linearrings(ring) for ring in rings]))
    found = []
    for turn in (-360.0, 0.0, 360.0):
        moved = shapely.transform(polygons, lambda at, turn=turn: at + np.array([turn, 0]))
        found.append(shapely.get_parts(shapely.intersection(moved, shapely.box(-180, -90, 180, 90))))
    parts = np.concatenate(found)
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    shapely.prepare(parts)
    return parts


def _affine() -> object:
    from affine import Affine

    return Affine(*GRID.affine)


def _cells(parts: NDArray[np.object_]) -> NDArray[np.bool_]:
    inside = np.zeros(GRID.shape, dtype=bool)
    lon, lat = np.meshgrid(GRID.lon, GRID.lat)
    for part, (west, south, east, north) in zip(parts, shapely.bounds(parts), strict=True):
        columns = slice(*np.searchsorted(GRID.lon, [west, east]))
        upwards = GRID.lat[::-1]
        rows = slice(GRID.rows - np.searchsorted(upwards, north), GRID.rows - np.searchsorted(upwards, south))
        inside[rows, columns] |= shapely.contains_xy(part, lon[rows, columns], lat[rows, columns])
    return inside


def _places(parts: NDArray[np.object_], lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside = np.zeros(len(lon), dtype=bool)
    order = np.argsort(lat)
    bounds = shapely.bounds(parts)
    first, behind = (np.searchsorted(lat[order], bounds[:, side]) for side in (1, 3))
    for part, (west, _, east, _), start, end in zip(parts, bounds, first, behind, strict=True):
        near = order[start:end]
        near = near[(lon[near] >= west) & (lon[near] <= east)]
        inside[near] |= shapely.contains_xy(part, lon[near], lat[near])
    return inside


if __name__ == "__main__":
    main()
