"""Where on Earth a photo could have been taken: a probability over the cells of a region, whatever speaks for it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.embeddings.regions.region import Region

NEAR_KM = 750.0  # as far as a country reaches, where photos are evaluated by distance (tasks.locate_report)
ALL_PHOTOS = slice(None)
_COARSE = Grid(Box(-180, -90, 180, 90), 2.5)  # in which surroundings are compared, whatever the region's grid


@dataclass(frozen=True, kw_only=True, slots=True)
class CellDensities:
    """What speaks for c cells of a region."""

    cells: NDArray[np.int64]  # (c,) positions in the grid
    lon_lat: NDArray[np.float64]  # (c, 2) their centres, degrees
    of_photos: Iterator[tuple[slice, Tensor]]  # some photos at a time, and for them (some, c) log densities, float64


class Evidence(ABC):
    """What is known of where q photos are from: of each a density over the cells of a region, up to a factor."""

    def __init__(self, region: Region, photos: int) -> None:
        self._region, self._photos = region, photos

    @property
    def grid(self) -> AnyGrid:
        """That the cells are of."""
        return self._region.grid

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self._region)

    def __len__(self) -> int:
        """Photos."""
        return self._photos

    @abstractmethod
    def blocks(self, photos: slice = ALL_PHOTOS) -> Iterator[CellDensities]:
        """All cells in the order of their positions, a block at a time, the same at every call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Where q photos are likely from."""

    estimate: NDArray[np.float64]  # (q, 2) one place for each, the centre of a cell, degrees; see `locate`
    cells: NDArray[np.int64]  # (q, k) positions of the cells that are likeliest for their area, best first
    lon_lat: NDArray[np.float64]  # (q, k, 2) their centres, degrees
    probability: NDArray[np.float64]  # (q, k) of being from that cell; over all cells of the region it sums to 1
    total: NDArray[np.float64]  # (q,) what weights are divided by to be probabilities


def locate(evidence: Evidence, *, best: int = 10) -> Located:
    """Find photos among the cells of a region.

    The probability of a cell is its area times its density, divided by the sum over all cells. Many cells are alike,
    and the likeliest one may stand alone. The estimate is the likeliest cell around the place whose surroundings,
    weighed by a bell of NEAR_KM, hold the most probability.

    The cells are gone through twice, whatever the number of photos; memory does not grow with them.
    """
    photos, best = len(evidence), min(best, evidence.cells)
    total = torch.zeros(photos, dtype=torch.float64)
    coarse = torch.zeros(photos, _COARSE.cells, dtype=torch.float64)
    likeliest = _Likeliest(photos, best)
    for block in evidence.blocks():
        log_area = torch.from_numpy(log_areas(evidence.grid, block.lon_lat[:, 1]))
        bins = torch.from_numpy(_COARSE.cells_at(block.lon_lat[:, 0], block.lon_lat[:, 1]))
        for some, density in block.of_photos:
            weight = (density + log_area).exp()
            total[some] += weight.sum(dim=1)
            coarse[some] = coarse[some].index_add(1, bins, weight)
            likeliest.add(some, density, block.cells)
    around = _heaviest(coarse)
    near = _Likeliest(photos, 1)
    for block in evidence.blocks():
        points = unit_sphere(block.lon_lat[:, 0], block.lon_lat[:, 1])
        for some, density in block.of_photos:
            near.add(some, density + _log_bell(around[some], points), block.cells)
    cells = likeliest.cells.numpy()
    lon_lat = evidence.grid.centres(cells.reshape(-1)).reshape(*cells.shape, 2)
    held = np.exp(likeliest.value.numpy() + log_areas(evidence.grid, lon_lat[:, :, 1]))
    return Located(
        estimate=evidence.grid.centres(near.cells[:, 0].numpy()),
        cells=cells,
        lon_lat=lon_lat,
        probability=held / total.numpy()[:, None],
        total=total.numpy(),
    )


def probabilities(
    evidence: Evidence, located: Located, photos: slice = ALL_PHOTOS
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Positions (c,) and probabilities (some, c) of all cells for some of the photos that were located, in blocks."""
    for block in evidence.blocks(photos):
        log_area = torch.from_numpy(log_areas(evidence.grid, block.lon_lat[:, 1]))
        parts = [
            ((density + log_area).exp() / torch.from_numpy(located.total[some])[:, None]).float()
            for some, density in block.of_photos
        ]
        yield block.cells, torch.cat(parts).numpy()


def photos_of(count: int, photos: slice, at_once: int) -> Iterator[slice]:
    """Some of so many photos, a few at a time."""
    first, end, _ = photos.indices(count)
    return (slice(start, min(start + at_once, end)) for start in range(first, end, at_once))


class _Likeliest:
    """The k cells of the highest value for each of q photos, from blocks of cells."""

    def __init__(self, photos: int, best: int) -> None:
        self.value = torch.full((photos, best), -torch.inf, dtype=torch.float64)
        self.cells = torch.zeros((photos, best), dtype=torch.int64)

    def add(self, some: slice, value: Tensor, cells: NDArray[np.int64]) -> None:
        """value: (some, c); cells: (c,) positions."""
        both = torch.cat([self.value[some], value], dim=1)
        known = torch.cat([self.cells[some], torch.tensor(cells).expand(len(value), -1)], dim=1)
        self.value[some], place = both.topk(self.value.shape[1], dim=1)
        self.cells[some] = known.gather(1, place)


def _heaviest(coarse: Tensor) -> NDArray[np.float64]:
    """(q, 3) points on the unit sphere around which most weight lies. coarse: (q, cells of _COARSE) weights."""
    used = coarse.sum(dim=0).nonzero()[:, 0]
    centres = _COARSE.centres(used.numpy())
    points = unit_sphere(centres[:, 0], centres[:, 1])
    held = coarse[:, used].float()
    around = torch.cat(
        [held @ _log_bell(points, points[i : i + 1024]).exp().float() for i in range(0, len(used), 1024)], 1
    )
    heaviest: NDArray[np.float64] = points[around.argmax(dim=1).numpy()]
    return heaviest


def _log_bell(centre: NDArray[np.float64], points: NDArray[np.float64]) -> Tensor:
    """(n, m) log of a bell of NEAR_KM around n points on the unit sphere, at m others."""
    cosine = torch.from_numpy(centre) @ torch.from_numpy(points).T
    return (EARTH_RADIUS_KM / NEAR_KM) ** 2 * (cosine - 1)


def log_areas(grid: AnyGrid, lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of what a cell's area is proportional to, from its centre's latitude; any shape."""
    if not isinstance(grid, Grid):
        return np.zeros(lat.shape)
    return np.log(np.maximum(np.cos(np.radians(lat)), 1e-6))  # a centre may lie on a pole
