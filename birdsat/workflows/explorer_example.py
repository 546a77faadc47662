"""Invented birds on the real Earth: the example that the explorer opens on where nothing else is given.

Six species that do not exist, whose ranges are plain functions of latitude, month, elevation and how green a
cell looks. So no record of anybody's is in the package, and the truth of the map is known.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.date import mid_month
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.world import open_world
from birdsat.files import write_atomic

BOX = Box(-128, 14, -62, 56)
TABLE = "invented_birds.csv"
MONTHS = tuple(range(1, 13))
_RECORDS = 600  # of each species
_TOWNS = 60  # around which people look
_SEED = 20260


@dataclass(frozen=True, kw_only=True, slots=True)
class InventedBird:
    """A species by where it lives."""

    taxon: str
    common_name: str
    south: float  # middle of its range in the coldest month, degrees of latitude
    north: float  # and in the warmest; the same: it stays
    width: float  # half the range's height, degrees
    west: float = -128.0
    east: float = -62.0
    high: float = 0.0  # how much it likes heights (above 0) or lowlands (below)
    green: float = 0.0  # how much it likes what the first component of chips shows (above 0) or its opposite
    choosy: float = 0.0  # how far above the middle of all cells its liking must be


BIRDS = (
    InventedBird(taxon="Fictavis borealis", common_name="Invented Northern Thrush", south=34, north=50, width=7),
    InventedBird(
        taxon="Fictavis montana",
        common_name="Invented Mountain Jay",
        south=41,
        north=41,
        width=14,
        high=1.2,
        choosy=1.2,
    ),
    InventedBird(
        taxon="Fictavis orientalis",
        common_name="Invented Eastern Wren",
        south=36,
        north=38,
        width=7,
        west=-96,
        high=-0.4,
    ),
    InventedBird(taxon="Fictavis australis", common_name="Invented Southern Warbler", south=18, north=33, width=6),
    InventedBird(
        taxon="Mendosa arida",
        common_name="Invented Desert Sparrow",
        south=32,
        north=34,
        width=8,
        green=-1.4,
        choosy=0.5,
    ),
    InventedBird(
        taxon="Mendosa silvestris",
        common_name="Invented Forest Finch",
        south=42,
        north=46,
        width=9,
        green=1.4,
        choosy=0.5,
    ),
)


def true_range(bird: InventedBird, region: Region, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(12, c) whether it lives in cells, by month."""
    suits = _suits(bird, region)(region.grid.centres(cells))
    return suits > 0


def _suits(bird: InventedBird, region: Region) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """(n, 2) places -> (12, n) above 0 where it lives."""
    lon_lat = region.grid.centres(region.cells())
    chip = region.at(lon_lat).chip
    scales = [(float(np.mean(chip[:, k])), float(np.std(chip[:, k])) or 1.0) for k in (0, -2)]

    def suits(places: NDArray[np.float64]) -> NDArray[np.float64]:
        lon, lat = places.T
        chips = region.at(places).chip
        green, height = ((chips[:, k] - mean) / spread for k, (mean, spread) in zip((0, -2), scales, strict=True))
        warmth = (1 - np.cos(2 * np.pi * (np.array([mid_month(month) for month in MONTHS]) - 0.04))) / 2
        middle = bird.south + (bird.north - bird.south) * warmth[:, None]
        beyond = np.maximum(bird.west - lon, 0) + np.maximum(lon - bird.east, 0)
        liking = (
            1 - ((lat - middle) / bird.width) ** 2 - beyond / 3 + bird.high * height + bird.green * green - bird.choosy
        )
        return np.where(np.isfinite(liking), liking, -1)

    return suits


def example_table(folder: Path) -> Path:
    """Write the records as a table of Darwin Core's columns, and give its path. The same whenever it is made."""
    path = folder / TABLE
    region, rng = open_world(BOX), np.random.default_rng(_SEED)
    centres = region.grid.centres(region.cells())
    towns = centres[rng.integers(0, len(centres), _TOWNS)]
    looked = np.exp(-np.min(np.hypot(*(centres[None] - towns[:, None]).transpose(2, 0, 1)), axis=0) / 2.0) + 0.05
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(
        ["occurrenceID", "scientificName", "vernacularName", "decimalLongitude", "decimalLatitude", "eventDate"]
    )
    number = 0
    for bird in BIRDS:
        there = _suits(bird, region)(centres) > 0
        for month, share in zip(MONTHS, rng.multinomial(_RECORDS, np.full(12, 1 / 12)), strict=True):
            weight = looked * there[month - 1]
            if not weight.any():
                continue
            chosen = rng.choice(len(centres), size=share, p=weight / weight.sum())
            for lon, lat in np.round(centres[chosen] + rng.uniform(-0.12, 0.12, (share, 2)), 4).tolist():
                number += 1
                day = f"20{rng.integers(15, 25)}-{month:02d}-{rng.integers(1, 29):02d}"
                table.writerow([f"invented-{number}", bird.taxon, bird.common_name, lon, lat, day])
    write_atomic(path, text.getvalue())
    return path
