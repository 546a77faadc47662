"""Tables of occurrences on the land of a virtual planet, for tests of fits and maps."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.cli import main
from birdsat.earth.box import Box
from birdsat.virtual.world import VirtualWorld

WORLD = VirtualWorld(0)
IMAGERY = "virtual:0"


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


def write_rows(path: Path, rows: Iterable[tuple[str, float, float, str]]) -> Path:
    """A CSV of taxon, lon, lat and date."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["taxon", "lon", "lat", "date"])
        table.writerows((taxon, f"{lon:.4f}", f"{lat:.4f}", date) for taxon, lon, lat, date in rows)
    return path


def write_records(
    path: Path, records: Sequence[tuple[str, NDArray[np.float64]]], *, dated: bool = False, seed: int = 0
) -> Path:
    """A CSV of taxa at places (n, 2) and, where dated, a date in any month of 2020."""
    generator = np.random.default_rng(seed)
    rows = [
        (taxon, lon, lat, f"2020-{generator.integers(1, 13):02d}-{generator.integers(1, 29):02d}" if dated else "")
        for taxon, places in records
        for lon, lat in places.tolist()
    ]
    return write_rows(path, rows)
