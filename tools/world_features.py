"""What the chips of every cell show: encoded at a lattice of places for each ground size, interpolated to the cells,
and brought to principal components."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor
from world_lattice import Lattice

from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.embeddings.inference import inference
from birdsat.embeddings.regions.cut_chips import cut_places
from birdsat.embeddings.regions.world_files import WorldProjection
from birdsat.errors import InputError
from birdsat.files import atomic_path
from birdsat.imagery.open_imagery import Imagery
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run

PART_PLACES = 4096  # places to a part: what a kill can cost
_BATCH = 64  # chips encoded at once, always, as the last bits of a product depend on it
_BLOCK_CELLS = 16_384


@dataclass(frozen=True, kw_only=True, slots=True)
class SizePlan:
    """How one ground size goes into the world; docs/world.md says what was tried."""

    ground_km: float  # side of the chips
    spacing_km: float  # between the places that are encoded
    smooth_km: float  # within which the features of these places are averaged; 0: not at all
    turned: bool  # whether a place's features are the mean over its chip's four turns and their mirrorings
    weight: float  # of its variance among that of all sizes


@dataclass(frozen=True, slots=True, eq=False)
class SizeFeatures:
    """The features of one ground size at the lattice's places that some cell needs."""

    lattice: Lattice
    numbers: NDArray[np.int64]  # (p,) of the places, ascending
    features: NDArray[np.floating]  # (p, f)

    def at(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n, f) interpolated to places (n, 2)."""
        around, weights = self.lattice.around(lon_lat)
        rows = np.minimum(np.searchsorted(self.numbers, around), len(self.numbers) - 1)
        total = np.zeros((len(lon_lat), self.features.shape[1]), np.float32)
        for corner in range(4):
            total += weights[:, corner, None].astype(np.float32) * self.features[rows[:, corner]]
        return total

    def smoothed(self, km: float) -> "SizeFeatures":
        """Each place's features averaged with those of all places within `km` of it, in single precision."""
        if km <= 0:
            return self
        points = unit_sphere(*self.lattice.places(self.numbers).T)
        near = KDTree(points).query_ball_point(points, 2 * np.sin(km / EARTH_RADIUS_KM / 2), return_sorted=True)
        lengths = np.array([len(one) for one in near])
        table = self.features[np.concatenate(near)].astype(np.float32)
        total = np.add.reduceat(table, np.cumsum(lengths) - lengths, axis=0)
        return SizeFeatures(self.lattice, self.numbers, total / lengths[:, None].astype(np.float32))


def encode_size(run: Run, imagery: Imagery, plan: SizePlan, lon_lat: NDArray[np.float64], work: Path) -> SizeFeatures:
    """Encode one ground size at every place that the cells at lon_lat (n, 2) lie between, and average as planned.

    Parts are kept in `work`; those that are there already are not made again. Raises InputError where the imagery has
    no chip.
    """
    lattice = Lattice(plan.spacing_km)
    around, weights = lattice.around(lon_lat)
    numbers = np.unique(around[weights > 0])
    turned = "-turned" if plan.turned else ""
    folder = work / f"{model_fingerprint(run)}-{plan.ground_km:g}km-every-{plan.spacing_km:g}km{turned}"
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for first in range(0, len(numbers), PART_PLACES):
        some = numbers[first : first + PART_PLACES]
        path = folder / f"{first // PART_PLACES:04d}.npy"
        made = np.load(path) if path.is_file() else None
        if made is None or len(made) != len(some):
            made = _encode(run, imagery, plan, lattice.places(some))
            with atomic_path(path) as partial, partial.open("wb") as file:
                np.save(file, made)
            print(f"{plan.ground_km:g} km: {first + len(some):,} of {len(numbers):,} places", flush=True)
        parts.append(made)
    return SizeFeatures(lattice=lattice, numbers=numbers, features=np.concatenate(parts)).smoothed(plan.smooth_km)


def _encode(run: Run, imagery: Imagery, plan: SizePlan, lon_lat: NDArray[np.float64]) -> NDArray[np.float16]:
    """(p, f) features of the chips of one size at places (p, 2)."""
    source = imagery.chips(ground_km=(plan.ground_km,), px=run.chip_px)
    features = []
    for cut in cut_places(lon_lat, source, px=run.chip_px):
        missing = [tuple(place) for place, chip in zip(cut.lon_lat.tolist(), cut.chips, strict=True) if chip is None]
        if missing:
            raise InputError(
                f"{imagery.text} has no chip of {plan.ground_km:g} km at {missing[0]}; give a whole world."
            )
        images = torch.from_numpy(np.stack([chip[0] for chip in cut.chips if chip is not None]).transpose(0, 3, 1, 2))
        with inference(run.method, "cpu"):
            features += [_mean_of_views(run, some, turned=plan.turned) for some in images.split(_BATCH)]
    return np.concatenate(features)


def _mean_of_views(run: Run, images: Tensor, *, turned: bool) -> NDArray[np.float16]:
    """(n, f) features of chips (n, 3, px, px) as they are, or the mean over the eight ways to lay each down."""
    views = [images]
    if turned:
        quarters = [torch.rot90(images, number, (2, 3)) for number in range(4)]
        views = [*quarters, *(view.flip(3) for view in quarters)]
    total = sum((run.method.encode_chip(view.contiguous()).float() for view in views), torch.zeros(()))
    return (total / len(views)).half().numpy()


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components of the features of all sizes."""

    projection: WorldProjection
    numbers: NDArray[np.float32]  # (n, k) of the cells
    variance_kept: float


def principal_components(
    sizes: Sequence[SizeFeatures],
    weights: Sequence[float],
    lon_lat: NDArray[np.float64],
    area: NDArray[np.float64],
    k: int,
) -> Components:
    """The first k components of cells (n, 2), weighed by their area (n,).

    Every feature of a size is brought to one variance, and all sizes together to variance 1, shared by weight. The
    components are not whitened. Of each direction the largest number is positive, so that nothing is left to the
    linear algebra's choice.
    """
    share = area / area.sum()
    width = sum(one.features.shape[1] for one in sizes)
    mean = np.zeros(width)
    for some, table in _blocks(sizes, lon_lat):
        mean += share[some] @ table
    covariance = np.zeros((width, width))
    for some, table in _blocks(sizes, lon_lat):
        moved = (table - mean) * np.sqrt(share[some])[:, None]
        covariance += moved.T @ moved
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    shares = [
        np.full(one.features.shape[1], part / one.features.shape[1]) for one, part in zip(sizes, weights, strict=True)
    ]
    weight = np.sqrt(np.concatenate(shares) / sum(weights)) / deviation
    values, vectors = np.linalg.eigh(covariance * weight[:, None] * weight)
    kept = np.argsort(-values, kind="stable")[:k]
    directions = vectors[:, kept]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(len(kept))])
    projection = WorldProjection(
        centre=mean.astype(np.float32), directions=(weight[:, None] * directions).astype(np.float32)
    )
    numbers = np.concatenate([projection(table) for _, table in _blocks(sizes, lon_lat)])
    return Components(projection, numbers, float(values[kept].sum() / values.sum()))


def _blocks(sizes: Sequence[SizeFeatures], lon_lat: NDArray[np.float64]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    for first in range(0, len(lon_lat), _BLOCK_CELLS):
        some = slice(first, min(first + _BLOCK_CELLS, len(lon_lat)))
        yield some, np.concatenate([one.at(lon_lat[some]) for one in sizes], axis=1)
