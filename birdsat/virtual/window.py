"""The square of ground under a chip, and noise over it at no more detail than its pixels show."""

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM, Place, unit_sphere
from birdsat.virtual.noise import Noise


class Window:
    """The square of ground under a chip, north up, in local azimuthal equidistant coordinates.

    Octaves much longer than a pixel are computed on a coarser lattice and interpolated; those shorter than
    two and a half pixels are left out.
    """

    def __init__(self, place: Place, ground_km: float, px: int) -> None:
        self.px = px
        self.pixel_km = ground_km / px
        lam, phi = np.radians(place.lon), np.radians(place.lat)
        self.centre = unit_sphere(np.array(place.lon), np.array(place.lat))
        self._east = np.array([-np.sin(lam), np.cos(lam), 0.0])
        self._north = np.array([-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)])
        self._lattices: dict[int, NDArray[np.float64]] = {}
        self.points = self._lattice(1)

    def octaves(self, noise: Noise) -> NDArray[np.float32]:
        """All octaves of `noise` at the pixels, rows from the north: (k, px * px)."""
        lengths_px = noise.wavelengths_km / self.pixel_km
        steps = np.select([lengths_px >= 20, lengths_px >= 10, lengths_px >= 5, lengths_px >= 2.5], [8, 4, 2, 1], 0)
        values = np.zeros((len(steps), self.px * self.px), dtype=np.float32)
        for step in (8, 4, 2, 1):
            chosen = np.flatnonzero(steps == step)
            if len(chosen):
                coarse = noise.octaves(self._lattice(step), chosen)
                values[chosen] = coarse if step == 1 else self._refine(coarse, step)
        return values

    def _lattice(self, step: int) -> NDArray[np.float64]:
        """Unit vectors of every `step`-th pixel and a margin round the chip, (n, 3)."""
        if step not in self._lattices:
            along_km = (_nodes(self.px, step) - (self.px - 1) / 2) * self.pixel_km
            east, south = np.meshgrid(along_km, along_km)
            angle = np.hypot(east, south) / EARTH_RADIUS_KM
            scale = np.sinc(angle / np.pi)[..., None] / EARTH_RADIUS_KM
            direction = east[..., None] * self._east - south[..., None] * self._north
            self._lattices[step] = (np.cos(angle)[..., None] * self.centre + scale * direction).reshape(-1, 3)
        return self._lattices[step]

    def _refine(self, coarse: NDArray[np.float32], step: int) -> NDArray[np.float32]:
        weights = cubic(self.px, step)
        side = weights.shape[1]
        fine = weights @ coarse.reshape(-1, side, side) @ weights.T
        return fine.reshape(len(coarse), -1).astype(np.float32, copy=False)

    def offsets_km(self, centre: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Kilometres east and north of another point near by: (n,) each."""
        east = np.array([-centre[1], centre[0], 0.0]) / max(np.hypot(centre[0], centre[1]), 1e-9)
        north = np.cross(centre, east)
        return self.points @ east * EARTH_RADIUS_KM, self.points @ north * EARTH_RADIUS_KM


def _nodes(px: int, step: int) -> NDArray[np.float64]:
    """Lattice coordinates in pixels; coarse lattices reach past both edges."""
    if step == 1:
        return np.arange(px, dtype=np.float64)
    return np.arange(-step, px + 2 * step, step, dtype=np.float64)


_CUBICS: dict[tuple[int, int], NDArray[np.float32]] = {}


def cubic(px: int, step: int) -> NDArray[np.float32]:
    """Weights (px, nodes) that interpolate a lattice of `_nodes` at the pixels, by Catmull-Rom splines."""
    if (px, step) not in _CUBICS:
        nodes = _nodes(px, step)
        distance = np.abs((np.arange(px)[:, None] - nodes) / step)
        inner = 1.5 * distance**3 - 2.5 * distance**2 + 1
        outer = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
        weights = np.where(distance < 1, inner, np.where(distance < 2, outer, 0))
        _CUBICS[px, step] = weights.astype(np.float32)
    return _CUBICS[px, step]
