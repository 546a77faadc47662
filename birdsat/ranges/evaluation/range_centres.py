"""How far the middle of a mapped range is from that of the true one, month by month."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import distance_km, unit_sphere

_AT_AN_END = 0.25  # of its way: a month whose true centre is farther than this from both ends is one of passage
_STAYS_KM = 1.0  # a way no longer than this is rounding


@dataclass(frozen=True, kw_only=True, slots=True)
class CentreDistances:
    """Of the months in which the taxon is anywhere."""

    km: NDArray[np.float64]  # (k,) between the centres of gravity of map and truth
    passage: NDArray[np.bool_]  # (k,) months in which the true centre is far from both ends of its way

    @property
    def mean(self) -> float:
        """NaN of none."""
        return float(self.km.mean()) if len(self.km) else math.nan

    @property
    def mean_on_passage(self) -> float:
        """NaN where no month is."""
        return float(self.km[self.passage].mean()) if self.passage.any() else math.nan


def centre_distances(
    score: NDArray[np.floating], truth: NDArray[np.bool_], lon_lat: NDArray[np.float64], area: NDArray[np.float64]
) -> CentreDistances:
    """How far the map's centre is from the true one, month by month.

    score, truth (months, cells); lon_lat (cells, 2); area (cells,). The map's centre is that of as many of its
    likeliest square kilometres as the taxon truly has in that month.
    """
    sphere = unit_sphere(*lon_lat.T)
    far, true_centres = [], [np.empty((0, 2))]
    for likely, present in zip(score, truth, strict=True):
        if not present.any():
            continue
        order = np.argsort(-likely, kind="stable")
        kept = order[: int(np.searchsorted(np.cumsum(area[order]), area[present].sum())) + 1]
        ours, true = (_middle(sphere[rows], area[rows]) for rows in (kept, np.flatnonzero(present)))
        far.append(float(distance_km(*ours, *true)))
        true_centres.append(np.array([true], np.float64))
    return CentreDistances(km=np.array(far), passage=_on_passage(np.concatenate(true_centres)))


def _on_passage(centres: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(k,) which of monthly centres (k, 2), in degrees, lie between the two that are farthest from each other."""
    if len(centres) == 0:
        return np.zeros(0, np.bool_)
    apart = distance_km(*(axis[:, None] for axis in centres.T), *(axis[None] for axis in centres.T))
    ends = np.unravel_index(int(apart.argmax()), apart.shape)
    passage: NDArray[np.bool_] = apart[list(ends)].min(axis=0) > max(_AT_AN_END * apart.max(), _STAYS_KM)
    return passage


def _middle(sphere: NDArray[np.float64], area: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y, z = (sphere * area[:, None]).sum(axis=0)
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
