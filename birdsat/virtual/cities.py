"""Seeded cities: where people farm the land, and where they look at birds."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from birdsat.virtual.noise import random_stream
from birdsat.virtual.planet import Land

CITIES: Final = 220


class Cities:
    """Cities on mild, low land; few large, many small."""

    def __init__(self, seed: int, points: NDArray[np.float64], land: Land) -> None:
        """points, land: an even sample of the planet's land, of which each city takes one point."""
        random = random_stream("cities", seed)
        mild = np.exp(-(((land.mean_temperature - 15) / 13) ** 2)) * np.clip(land.rainfall_mm / 700, 0.05, 1)
        appeal = (mild * np.exp(-1.2 * np.clip(land.elevation_km, 0, None)) + 0.02).astype(np.float64)
        sites = random.choice(len(points), size=min(CITIES, len(points)), replace=False, p=appeal / appeal.sum())
        self.points: NDArray[np.float64] = points[sites]  # (cities, 3) unit vectors
        self.size: NDArray[np.float64] = np.exp(random.normal(0, 0.8, len(sites)))  # 1 is typical
        self.turn: NDArray[np.float64] = random.uniform(0, np.pi / 2, len(sites))  # of streets and fields, radians
