"""Places gathered into clusters."""

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import unit_sphere
from birdsat.errors import InputError

_MOST = 50_000  # places that the centres are fitted to; more are sampled
_ROUNDS = 50  # of moving the centres, at most


def cluster_places(lon_lat: NDArray[np.float64], count: int, seed: int = 0) -> NDArray[np.float64]:
    """Centres (k, 2) of k-means clusters of places (n, 2), degrees; fewer than `count` where places are fewer.

    On the sphere (Dhillon and Modha 2001, "Concept decompositions", section 3): a centre is the mean direction of its
    places. Rows with NaN are left out. Raises InputError when none is left.
    """
    known = lon_lat[~np.isnan(lon_lat).any(axis=1)]
    if len(known) == 0:
        raise InputError("no training photo has a place, so there are no clusters of places; take another method.")
    random = np.random.default_rng(seed)
    points = unit_sphere(*np.unique(random.permutation(known)[:_MOST], axis=0).T)
    centres = points[_spread_out(points, min(count, len(points)), random)]
    for _ in range(_ROUNDS):
        nearest = (points @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, points)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        moved = np.where(length > 1e-9, sums / np.maximum(length, 1e-9), centres)
        if np.allclose(moved, centres, atol=1e-9):
            break
        centres = moved
    x, y, z = centres.T
    return np.stack([np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))], axis=1)


def _spread_out(points: NDArray[np.float64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """First centres: each drawn in proportion to the squared distance from those before it (k-means++)."""
    chosen = [int(random.integers(len(points)))]
    far = np.full(len(points), np.inf)
    while len(chosen) < count:
        far = np.minimum(far, np.square(points - points[chosen[-1]]).sum(axis=1))
        far[chosen] = 0
        chosen.append(int(random.choice(len(points), p=far / far.sum())))
    return np.array(chosen)
