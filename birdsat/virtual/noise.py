"""Seeded gradient noise in three dimensions: on a sphere it has no seam and no poles."""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM

_PRIMES = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], dtype=np.uint32)
_DIRECTIONS = 64  # the top six bits of a hash choose one
_CHUNK = 4096  # points computed together: their eight corners fit a core's cache


def random_stream(*key: object) -> np.random.Generator:
    """A generator that depends on `key` alone, the same in every process and on every machine."""
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def ramp(value: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """A smooth step from 0 at `low` to 1 at `high`."""
    share: NDArray[np.float32] = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return share * share * (3 - 2 * share)


def fractal(octaves: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """Sum octaves (k, n), each weighing `gain` times the one before it: (n,)."""
    weights = (gain ** np.arange(len(octaves))).astype(np.float32)
    summed: NDArray[np.float32] = weights @ octaves
    return summed


def even_sphere(count: int) -> NDArray[np.float64]:
    """`count` points of equal share on the unit sphere, (count, 3): a Fibonacci lattice."""
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    turn = np.pi * (1 + np.sqrt(5)) * index
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=-1)


_GRADIENTS = np.ascontiguousarray(1.6 * even_sphere(_DIRECTIONS).T, dtype=np.float32)  # (3, directions)


class Noise:
    """Named groups of octaves of one noise, each octave turned and shifted at random against the others.

    Values of an octave lie about within -1..1 with mean 0 and a standard deviation near 0.4.
    """

    def __init__(self, seed: int, groups: Mapping[str, tuple[float, ...]]) -> None:
        """groups: wavelengths in km by name; the values under a name depend on the seed and that name alone."""
        self.wavelengths_km = np.concatenate([np.array(group) for group in groups.values()])
        ends = np.cumsum([len(group) for group in groups.values()]).tolist()
        self._rows = {
            name: slice(end - len(group), end) for (name, group), end in zip(groups.items(), ends, strict=True)
        }
        draws = [_draw_octaves(random_stream("noise", seed, name), len(group)) for name, group in groups.items()]
        turns, shifts, salts = (np.concatenate(parts) for parts in zip(*draws, strict=True))
        self._turns = turns * (EARTH_RADIUS_KM / self.wavelengths_km)[:, None, None]
        self._shifts, self._salts = shifts, salts

    def octaves(self, points: NDArray[np.float64], rows: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Values at unit vectors (n, 3) of all octaves, or of the given rows of them: (k, n)."""
        chosen = slice(None) if rows is None else rows
        turns, shifts, salts = self._turns[chosen], self._shifts[chosen], self._salts[chosen]
        values = np.empty((len(salts), len(points)), dtype=np.float32)
        for start in range(0, len(points), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            lattice = points[chunk] @ turns + shifts[:, None]
            values[:, chunk] = _gradient_noise(lattice.transpose(2, 0, 1), salts[:, None])
        return values

    def group(self, octaves: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        """The octaves of one group out of all."""
        return octaves[self._rows[name]]


def _draw_octaves(
    random: np.random.Generator, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint32]]:
    """Rotations (count, 3, 3), shifts (count, 3) and salts (count,) of octaves."""
    turns: NDArray[np.float64] = np.linalg.qr(random.normal(size=(count, 3, 3)))[0]
    shifts = random.uniform(0, 1000, size=(count, 3))
    return turns, shifts, random.integers(0, 2**32, size=count, dtype=np.uint32)


def _gradient_noise(lattice: NDArray[np.float64], salts: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Noise at lattice coordinates (3, k, n): (k, n). Perlin's improved noise with hashed directions."""
    floor = np.floor(lattice)
    near = (lattice - floor).astype(np.float32)
    fade = near * near * near * (near * (near * 6 - 15) + 10)
    cell = floor.astype(np.int64).astype(np.uint32) * _PRIMES[:, None, None]
    cell[2] += salts
    corner = np.stack([cell, cell + _PRIMES[:, None, None]], axis=1)  # (3, 2, k, n): both corners of each axis
    offset = np.stack([near, near - 1], axis=1)
    mixed = corner[0][:, None, None] ^ corner[1][:, None] ^ corner[2]  # (2, 2, 2, k, n)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x2C1B3C6D)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0x297A2D39)
    direction = (mixed >> np.uint32(26)).astype(np.intp)
    x_slope, y_slope, z_slope = (axis.take(direction) for axis in _GRADIENTS)
    x_slope *= offset[0][:, None, None]
    y_slope *= offset[1][:, None]
    z_slope *= offset[2]
    x_slope += y_slope
    x_slope += z_slope
    along_y = x_slope[0] + fade[0] * (x_slope[1] - x_slope[0])
    along_z = along_y[0] + fade[1] * (along_y[1] - along_y[0])
    value: NDArray[np.float32] = along_z[0] + fade[2] * (along_z[1] - along_z[0])
    return value
