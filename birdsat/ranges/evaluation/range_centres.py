"""How far the middle of a mapped range is from that of the true one, month by month."""

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import distance_km, unit_sphere


def centre_distance_km(
    score: NDArray[np.floating], truth: NDArray[np.bool_], lon_lat: NDArray[np.float64], area: NDArray[np.float64]
) -> float:
    """Mean over the months of the distance between the centres of gravity of map and truth; NaN if it is never there.

    score, truth (months, cells); lon_lat (cells, 2); area (cells,). The map's centre is that of as many of its
    likeliest square kilometres as the taxon truly has in that month.
    """
    sphere = unit_sphere(*lon_lat.T)
    far = []
    for likely, present in zip(score, truth, strict=True):
        if not present.any():
            continue
        order = np.argsort(-likely, kind="stable")
        kept = order[: int(np.searchsorted(np.cumsum(area[order]), area[present].sum())) + 1]
        ours, true = (_middle(sphere[rows], area[rows]) for rows in (kept, np.flatnonzero(present)))
        far.append(float(distance_km(*ours, *true)))
    return float(np.mean(far)) if far else float("nan")


def _middle(sphere: NDArray[np.float64], area: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y, z = (sphere * area[:, None]).sum(axis=0)
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
