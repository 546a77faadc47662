"""The planet: continents, relief and climate, anywhere on the sphere, from one seed."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from birdsat.virtual.noise import Noise, even_sphere, fractal, ramp, random_stream

LAND_SHARE = 0.34  # of the surface; Earth has 0.29
CONTINENTS = 6
_SURVEY_POINTS = 12_000
_CHANNEL = 0.1  # potential by which a continent must beat its neighbour to stand above the sea


class Sampler(Protocol):
    """Where on the sphere noise is wanted, and how to get it there."""

    points: NDArray[np.float64]  # (n, 3) unit vectors

    def octaves(self, noise: Noise) -> NDArray[np.float32]:
        """All octaves of `noise` at the points: (k, n)."""


class PointSampler:
    """Noise at loose points, exactly."""

    def __init__(self, points: NDArray[np.float64]) -> None:
        self.points = points

    def octaves(self, noise: Noise) -> NDArray[np.float32]:
        return noise.octaves(self.points)


@dataclass(frozen=True, kw_only=True, slots=True)
class Land:
    """Relief and climate at n points; every field has shape (n,)."""

    latitude: NDArray[np.float32]  # degrees north
    continent: NDArray[np.intp]  # the continent that a point belongs to, at sea the nearest
    height: NDArray[np.float32]  # above the sea in units of potential: 0 on the coast, about 1 deep inland
    ruggedness: NDArray[np.float32]  # 0 plains .. 1 mountains
    elevation_km: NDArray[np.float32]  # below 0: depth of the sea
    mean_temperature: NDArray[np.float32]  # Celsius, over the year
    seasonal_swing: NDArray[np.float32]  # Celsius, July minus the year's mean; below 0 in the south
    rainfall_mm: NDArray[np.float32]  # a year

    @property
    def is_land(self) -> NDArray[np.bool_]:
        """True above the sea."""
        return self.height > 0

    def temperature(self, month: int) -> NDArray[np.float32]:
        """Mean temperature of a month 1..12, Celsius."""
        swing = np.float32(np.cos(2 * np.pi * (month - 7) / 12))
        return self.mean_temperature + self.seasonal_swing * swing


class Planet:
    """Six continents and a sea between them. Continuous everywhere; nothing is stored but seeds and centres."""

    def __init__(self, seed: int) -> None:
        random = random_stream("planet", seed)
        self.seed = seed
        self._centres = _spread(random, CONTINENTS).astype(np.float32)
        self._reach = random.uniform(0.75, 1.1, CONTINENTS).astype(np.float32)
        self._noise = Noise(
            seed,
            {
                "bend x": (5200.0, 2100.0),
                "bend y": (5200.0, 2100.0),
                "bend z": (5200.0, 2100.0),
                "coast": _octaves(3800, 9),
                "ranges": (3600.0, 1500.0),
                "ridges": _octaves(900, 6),
                "wetness": _octaves(3000, 5),
                "heat": (2800.0, 900.0),
            },
        )
        self._sea_level = np.float32(0)
        everywhere = PointSampler(even_sphere(_SURVEY_POINTS))
        potential, _, _ = self._potential(everywhere, everywhere.octaves(self._noise))
        self._sea_level = np.float32(np.quantile(potential, 1 - LAND_SHARE))

    def survey(self, points: NDArray[np.float64]) -> Land:
        """Relief and climate at unit vectors (n, 3)."""
        return self.land(PointSampler(points))

    def land(self, sampler: Sampler) -> Land:
        """Relief and climate wherever `sampler` is."""
        octaves = sampler.octaves(self._noise)
        potential, gap, continent = self._potential(sampler, octaves)
        ragged = fractal(self._noise.group(octaves, "coast")[2:], 0.6)
        channel = _CHANNEL * (1.2 + np.clip(ragged, -0.9, 2))  # above 0, so that sea always parts continents
        height = np.minimum(potential - self._sea_level, (gap - channel) * 3)
        ridges = fractal(1 - 3 * np.abs(self._noise.group(octaves, "ridges")), 0.55)
        belt = ramp(fractal(self._noise.group(octaves, "ranges"), 0.5), -0.02, 0.4) * ramp(height, 0.0, 0.16)
        ruggedness = belt * np.clip(0.55 + 0.6 * ridges, 0.05, 1.2)
        upland = 0.9 * np.clip(height, 0, 1)
        elevation = np.where(height > 0, upland + 4.2 * ruggedness * belt, 5.0 * height)
        sine = sampler.points[:, 2].astype(np.float32)
        steep = np.abs(sine)
        inland = ramp(height, -0.05, 0.5)
        heat = fractal(self._noise.group(octaves, "heat"), 0.5)
        temperature = 28 - 49 * steep**2.5 - 5.5 * np.clip(elevation, 0, None) + 4 * heat
        swing = np.sign(sine) * steep**1.1 * (8 + 14 * inland)
        return Land(
            latitude=np.degrees(np.arcsin(np.clip(sine, -1, 1))),
            continent=continent,
            height=height,
            ruggedness=np.where(height > 0, ruggedness, 0),
            elevation_km=elevation,
            mean_temperature=temperature,
            seasonal_swing=swing.astype(np.float32, copy=False),
            rainfall_mm=self._rainfall(sampler, octaves, inland, ruggedness),
        )

    def _potential(
        self, sampler: Sampler, octaves: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]:
        """Potential of the ground, its lead over the next continent's, and the continent: (n,) each."""
        bend = np.stack([fractal(self._noise.group(octaves, f"bend {axis}"), 0.5) for axis in "xyz"], axis=-1)
        bent = sampler.points.astype(np.float32) + 0.35 * bend
        bent /= np.linalg.norm(bent, axis=-1, keepdims=True)
        angle = np.arccos(np.clip(self._centres @ bent.T, -1, 1))
        lead = 1 - angle / self._reach[:, None]
        best = lead.max(axis=0)
        second = np.where(lead == best, -np.inf, lead).max(axis=0)
        coast = fractal(self._noise.group(octaves, "coast"), 0.56)
        return np.clip(best, -0.9, 1) + 0.75 * coast, best - second, lead.argmax(axis=0)

    def _rainfall(
        self,
        sampler: Sampler,
        octaves: NDArray[np.float32],
        inland: NDArray[np.float32],
        ruggedness: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Wet at the equator and in the westerlies, dry between and far inland; mm a year."""
        latitude = np.degrees(np.arcsin(np.clip(sampler.points[:, 2], -1, 1))).astype(np.float32)
        wobble = 6 * fractal(self._noise.group(octaves, "heat"), 0.5)
        tropics = np.exp(-(((latitude + wobble) / 13) ** 2))
        westerlies = np.exp(-(((np.abs(latitude + wobble) - 50) / 15) ** 2))
        wetness = fractal(self._noise.group(octaves, "wetness"), 0.55)
        bands = 170 + 2000 * tropics + 800 * westerlies
        rain: NDArray[np.float32] = bands * np.exp(1.7 * wetness - 0.55 * inland + 0.5 * ruggedness)
        return np.clip(rain, 25, 4000).astype(np.float32)


def _octaves(longest_km: float, count: int) -> tuple[float, ...]:
    """Wavelengths that fall by a little more than half, so that octaves never line up."""
    return tuple(longest_km / 2.03**octave for octave in range(count))


def _spread(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """`count` unit vectors well away from each other and from the poles' caps: best of many draws."""
    z = random.uniform(-0.66, 0.76, (400, count))
    turn = random.uniform(0, 2 * np.pi, (400, count))
    ring = np.sqrt(1 - z * z)
    draws = np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=-1)
    closeness = draws @ draws.transpose(0, 2, 1) - 2 * np.eye(count)
    chosen: NDArray[np.float64] = draws[np.argmin(closeness.max(axis=(1, 2)))]
    return chosen
