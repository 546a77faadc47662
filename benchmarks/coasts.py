"""Made ranges on real land, of which all is known: in continents of broken coasts and in land-locked boxes.

    python benchmarks/coasts.py europe --temperature bio_1.tif --rain bio_12.tif --height etopo.tif --out made.npz
    birdsat evaluate ranges made.npz --points 10 --models chip_place place logistic_coordinates nearest --out evaluated

Each taxon lives in the cells of one degree where a made suitability is highest: like the climate of one cell, near it,
by a smooth field. A part of the taxa stays on some of the land masses (their names begin with `masses`), on the coast
or inland; where land is one, on the heights. Cells hold some land, as those of a real range grid.
"""

import argparse
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from birdsat.earth.land import on_land
from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.earth.raster_values import raster_values

BOXES = {  # west, south, east, north
    "europe": (-12, 35, 35, 66),
    "south-east-asia": (95, -11, 155, 20),
    "caribbean": (-95, 7, -58, 27),
    "melanesia": (140, -48, 180, 0),
    "africa": (12, -12, 32, 12),
    "asia": (60, 30, 110, 55),
}
SEEDS = {"south-east-asia": "sea", "melanesia": "nz_melanesia"}  # words that draws began from; else the box's name
FINE = 10  # places a degree, at which land is asked for
LEAST_LAND = 0.02  # of a cell
LEAST_CELLS = 30
KINDS = {"climate": 0.4, "masses": 0.3, "coast": 0.15, "inland": 0.15}
KINDS_OF_ONE_MASS = {"climate": 0.75, "inland": 0.25}

_Numbers = NDArray[np.float64]


class Continent:
    """Cells with land, the land mass that each is of, and how far its land lies from the sea."""

    def __init__(self, box: tuple[int, int, int, int]) -> None:
        west, south, east, north = box
        lon = np.arange(west + 0.5 / FINE, east, 1 / FINE)
        land = on_land(*np.meshgrid(lon, np.arange(north - 0.5 / FINE, south, -1 / FINE)))
        mass = ndimage.label(land, np.ones((3, 3)))[0]
        away_km = ndimage.distance_transform_edt(land) * 111.2 / FINE

        def by_cell(fine: NDArray[np.generic]) -> NDArray[np.generic]:
            return fine.reshape(north - south, FINE, east - west, FINE).swapaxes(1, 2).reshape(-1, FINE**2)

        masses = by_cell(mass)
        kept = (masses > 0).mean(axis=1) >= LEAST_LAND
        lon, lat = np.meshgrid(np.arange(west + 0.5, east), np.arange(north - 0.5, south, -1))
        self.lon_lat = np.stack([lon.ravel(), lat.ravel()], axis=1)[kept]
        self.mass = np.array([np.bincount(cell[cell > 0]).argmax() for cell in masses[kept]])
        self.coast_km = by_cell(away_km).max(axis=1)[kept]
        self.xyz = unit_sphere(*self.lon_lat.T)

    def climate(self, rasters: list[Path]) -> tuple[_Numbers, _Numbers]:
        """Temperature, rain and height (n, 3), standardised, and the height (n,) in metres."""
        values = [raster_values(path, self.lon_lat, cell_degrees=1) for path in rasters]
        table = np.concatenate(values, axis=1).astype(np.float64)
        for column in table.T:
            gone = ~np.isfinite(column)
            column[gone] = column[~gone][(self.xyz[gone] @ self.xyz[~gone].T).argmax(axis=1)]
        table[:, 1], table[:, 2] = np.log1p(np.maximum(table[:, 1], 0)), np.maximum(table[:, 2], 0)
        return (table - table.mean(axis=0)) / table.std(axis=0), table[:, 2]


def made_ranges(name: str, rasters: list[Path], taxa: int, seed: int) -> tuple[_Numbers, dict[str, NDArray[np.bool_]]]:
    """Places (n, 2) of the cells, and by the name of each taxon where it lives (n,)."""
    random = np.random.default_rng([seed, zlib.crc32(SEEDS.get(name, name).encode())])
    land = Continent(BOXES[name])
    climate, height = land.climate(rasters)
    n, cells = len(land.lon_lat), np.bincount(land.mass)
    masses, largest = np.unique(land.mass), cells.argmax()
    broken = len(masses) > 3 and np.sort(cells)[:-1].sum() > 0.1 * n
    kinds = KINDS if broken else KINDS_OF_ONE_MASS
    made: dict[str, NDArray[np.bool_]] = {}
    for _ in range(40 * taxa):
        if len(made) == taxa:
            break
        kind = random.choice(list(kinds), p=list(kinds.values()))
        at = random.integers(n)
        km = EARTH_RADIUS_KM * np.arccos(np.clip(land.xyz @ land.xyz[at], -1, 1))
        waves = random.normal(size=(200, 3)) * EARTH_RADIUS_KM / random.uniform(300, 1200)
        field = np.cos(land.xyz @ waves.T + random.uniform(0, 2 * np.pi, 200)).sum(axis=1) * np.sqrt(2 / 200)
        unlike = np.square((climate - climate[at]) / random.uniform(0.5, 1.5, 3)).sum(axis=1)
        suitable = -0.5 * unlike * random.uniform(0.3, 1) + 0.7 * field
        suitable -= 0.5 * np.square(km / random.uniform(400, 2000))
        there = np.ones(n, dtype=bool)
        if kind == "masses":
            away = np.array([km[land.mass == one].min() for one in masses])
            reach = random.uniform(100, 1500)
            some = random.random(len(masses)) < np.exp(-away / reach)
            if random.random() < 0.66:
                some &= masses != largest
            there = np.isin(land.mass, masses[some])
        elif kind == "coast":
            there = land.coast_km < random.uniform(40, 90)
        elif kind == "inland":
            inland = land.coast_km > random.uniform(60, 200) if broken else None
            there = height > np.quantile(height, random.uniform(0.2, 0.6)) if inland is None else inland
        if there.sum() < 35:
            continue
        wanted = min(int(np.exp(random.uniform(np.log(32), np.log(0.5 * n)))), int(there.sum()))
        suitable[~there] = -np.inf
        there &= suitable >= np.sort(suitable)[-wanted]
        if min(there.sum(), n - there.sum()) >= LEAST_CELLS:
            made[f"{kind} {len(made)}"] = there
    return land.lon_lat, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("box", choices=BOXES)
    for raster in ("temperature", "rain", "height"):
        parser.add_argument(f"--{raster}", type=Path, required=True, help="raster of the world")
    parser.add_argument("--taxa", type=int, default=110)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help=".npz")
    asked = parser.parse_args()
    rasters = [asked.temperature, asked.rain, asked.height]
    lon_lat, made = made_ranges(asked.box, rasters, asked.taxa, asked.seed)
    lon, lat = lon_lat.T
    np.savez(asked.out, lat=lat, lon=lon, species=np.array(list(made)), presence=np.stack(list(made.values()), axis=1))
    print(f"{len(lon_lat):,} cells, {len(made)} taxa: {asked.out}")


if __name__ == "__main__":
    main()
