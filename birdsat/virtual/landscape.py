"""Made landscapes whose suitability and effort are both known, to see which of the two a map follows."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import ConfigError
from birdsat.observations.occurrences import Occurrences

Effort = Literal["even", "random", "gradient", "roads", "outside"]
GRID = Grid(Box(20, 40, 40, 60), 0.5)
_FIELDS, _FEATURES = 3, 12  # of habitat; numbers that tell of them, as chip features do
_ROADS = 6
_NICHE = 0.8  # deviation of a taxon's niche, of habitat whose own is 1
_FIRST_DAY, _DAYS = 735_000, 3_650


@dataclass(frozen=True, kw_only=True, slots=True)
class Landscape:
    """n cells of GRID, t taxa, and how much was looked where."""

    features: NDArray[np.float32]  # (n, f) of habitat
    suitability: NDArray[np.float64]  # (t, n) probability that a visit finds the taxon
    effort: NDArray[np.float64]  # (n,) expected visits

    def records(self, seed: int = 0) -> Occurrences:
        """What visits wrote down, each on a day of its own: all taxa that it found."""
        random = np.random.default_rng(seed)
        visits = random.poisson(self.effort)
        cell = np.repeat(np.arange(len(visits)), visits)
        day = random.integers(_FIRST_DAY, _FIRST_DAY + _DAYS, len(cell))
        label, visit = np.nonzero(random.random((len(self.suitability), len(cell))) < self.suitability[:, cell])
        return Occurrences(
            taxa=tuple(f"Fictus numerus{number:03d}" for number in range(len(self.suitability))),
            label=label.astype(np.int32),
            lon_lat=GRID.centres(cell[visit]),
            day=day[visit].astype(np.int32),
            rows=len(label),
        )


def make_landscape(taxa: int, effort: Effort, ratio: float, *, visits: float = 3.0, seed: int = 0) -> Landscape:
    """Habitat, niches and effort.

    effort: even; by chance; along a gradient of habitat; along roads; or most where the first taxon is least. ratio: of
    visits, between the most and the least visited cell. visits: mean of a cell. The same seed gives the same habitat
    and taxa under any effort.
    """
    if effort not in get_args(Effort) or ratio < 1 or taxa < 1:
        kinds = ", ".join(get_args(Effort))
        raise ConfigError(f"effort {effort!r}, ratio {ratio:g}, {taxa} taxa; allowed: {kinds}; and 1 or more.")
    random = np.random.default_rng(seed)
    lon, lat = GRID.centres(np.arange(GRID.cells)).T
    fields = np.stack([_field(lon, lat, random) for _ in range(_FIELDS)], axis=1)
    mixed = fields @ random.normal(size=(_FIELDS, _FEATURES)) + 0.2 * random.normal(size=(GRID.cells, _FEATURES))
    centres = fields[random.choice(GRID.cells, taxa, replace=False)]
    apart = np.square(fields[None] - centres[:, None]).sum(axis=2)
    suitability = random.uniform(0.3, 0.9, (taxa, 1)) * np.exp(-apart / (2 * _NICHE**2))
    share = {
        "even": np.zeros(GRID.cells),
        "random": random.random(GRID.cells),
        "gradient": _rank(fields[:, 0]),
        "roads": np.square(1 - _rank(_distance_to_roads(lon, lat, random))),
        "outside": 1 - _rank(suitability[0]),
    }[effort]
    looked = ratio**share
    return Landscape(features=mixed.astype(np.float32), suitability=suitability, effort=visits * looked / looked.mean())


def _field(lon: NDArray[np.float64], lat: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """(n,) smooth, of mean 0 and variance 1."""
    waves = random.normal(size=(12, 2)) * 0.5  # per degree
    phases = random.uniform(0, 2 * np.pi, 12)
    field: NDArray[np.float64] = np.sin(np.outer(lon, waves[:, 0]) + np.outer(lat, waves[:, 1]) + phases).sum(axis=1)
    field = (field - field.mean()) / field.std()
    return field


def _distance_to_roads(
    lon: NDArray[np.float64], lat: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """(n,) to the nearest of some straight ones across the box."""
    ends = random.uniform(0, 2 * np.pi, (_ROADS, 1))
    through = random.choice(len(lon), (_ROADS, 1))
    away = (lon - lon[through]) * np.sin(ends) - (lat - lat[through]) * np.cos(ends)
    nearest: NDArray[np.float64] = np.abs(away).min(axis=0)
    return nearest


def _rank(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) from 0 for the least to 1 for the most."""
    rank: NDArray[np.float64] = np.argsort(np.argsort(values)) / (len(values) - 1)
    return rank
