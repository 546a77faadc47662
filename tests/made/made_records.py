"""Tables of occurrences on the land of a virtual planet, for tests of fits and maps."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.cli import main
from birdsat.earth.box import Box
from birdsat.virtual.world import VirtualWorld

WORLD = VirtualWorld(0)
IMAGERY = "virtual:0"
OTHER = "Pica pica"


def land_box(side: float = 12.0, step: float = 2.0) -> Box:
    """A square of the virtual planet with the most land, found on a lattice, away from poles and antimeridian."""
    best: tuple[int, Box] | None = None
    for west in range(-150, 140, 10):
        for south in range(-50, 40, 10):
            lon, lat = np.meshgrid(west + np.arange(step / 2, side, step), south + np.arange(step / 2, side, step))
            land = int(np.count_nonzero(WORLD.land(lon, lat)))
            if best is None or land > best[0]:
                best = land, Box(west, south, west + side, south + side)
    assert best is not None
    return best[1]


def box_option(box: Box) -> str:
    return f"--box={box.west:g},{box.south:g},{box.east:g},{box.north:g}"


def embed(run: Path, out: Path, box: Box, step: float = 2.0) -> Path:
    main(["embed", str(run), str(out), "--grid", f"{step:g}", box_option(box), "--imagery", IMAGERY])
    return out


def land_places(box: Box, count: int, seed: int = 0) -> NDArray[np.float64]:
    """(count, 2) places on land in the box."""
    generator = np.random.default_rng(seed)
    lon, lat = generator.uniform(box.west, box.east, 40 * count), generator.uniform(box.south, box.north, 40 * count)
    land = np.flatnonzero(WORLD.land(lon, lat))[:count]
    return np.stack([lon[land], lat[land]], axis=1)


def write_records(
    path: Path, records: Sequence[tuple[str, NDArray[np.float64]]], *, dated: bool = False, seed: int = 0
) -> Path:
    """A CSV of taxon, lon, lat and, where dated, a date in any month of 2020."""
    generator = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["taxon", "lon", "lat", "date"])
        for taxon, places in records:
            for lon, lat in places.tolist():
                date = f"2020-{generator.integers(1, 13):02d}-{generator.integers(1, 29):02d}" if dated else ""
                table.writerow([taxon, f"{lon:.4f}", f"{lat:.4f}", date])
    return path
