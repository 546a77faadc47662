"""Where photos are taken at all: a density over the Earth, from the places of those that were learned from."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.errors import InputError

WIDTHS_KM = (50.0, 100.0, 200.0, 400.0, 800.0)  # of the kernel; the one that fits held-out places best is taken
_UNIFORM_SHARE = 0.05  # of photos that may come from anywhere
_MOST_PLACES = 2000  # that the density is made of
_BLOCK = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacePrior:
    """A kernel density of places on the sphere, with a share of photos from anywhere."""

    points: NDArray[np.float64]  # (n, 3) places on the unit sphere
    width_km: float  # standard deviation of the kernel, a von Mises-Fisher distribution

    def log_density(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """(m,) log of the density at places (m, 2), against that of an even one: 0 where photos are as frequent."""
        at = unit_sphere(lon_lat[:, 0], lon_lat[:, 1])
        sharp = (EARTH_RADIUS_KM / self.width_km) ** 2
        mean = np.empty(len(at))
        for start in range(0, len(at), _BLOCK):
            some = slice(start, start + _BLOCK)
            mean[some] = np.exp(sharp * (np.einsum("md,nd->mn", at[some], self.points) - 1)).mean(axis=1)
        # 4 pi times the kernel's peak, sharp / (2 pi (1 - exp(-2 sharp))): Mardia and Jupp 2000, section 9.3.2.
        peak = 2 * sharp / -math.expm1(-2 * sharp)
        density: NDArray[np.float64] = np.log(_UNIFORM_SHARE + (1 - _UNIFORM_SHARE) * peak * mean)
        return density


def fit_place_prior(places: NDArray[np.float64], held_out: NDArray[np.float64]) -> PlacePrior:
    """The density of places (n, 2), in degrees, with the kernel under which held-out ones (m, 2) are likeliest.

    Raises InputError when either is empty.
    """
    if not len(places) or not len(held_out):
        raise InputError(
            f"where photos are taken cannot be learned from {len(places)} train and {len(held_out)} val places; give a "
            "dataset with both, or leave the prior out.",
            settings=("prior",),
        )
    kept = np.random.default_rng(0).permutation(len(places))[:_MOST_PLACES]
    points = unit_sphere(places[kept, 0], places[kept, 1])
    tried = [PlacePrior(points=points, width_km=width) for width in WIDTHS_KM]
    return max(tried, key=lambda prior: float(prior.log_density(held_out).mean()))
