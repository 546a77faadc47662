"""Where a virtual species lives in each month: a niche in climate space that dispersal keeps on one continent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM
from birdsat.virtual.planet import Land

_PASSAGE = (0.0, 0.0, 1 / 3, 2 / 3, 1.0, 1.0, 1.0, 1.0, 2 / 3, 1 / 3, 0.0, 0.0)  # 1: on the breeding grounds


@dataclass(frozen=True, kw_only=True, slots=True)
class Habitat:
    """The climate that suits a species best, and the centre of its range."""

    centre: tuple[float, float, float]  # unit vector
    temperature: float  # Celsius, mean over the year
    log_rainfall: float  # natural logarithm of mm a year
    elevation_km: float

    def between(self, other: "Habitat", share: float) -> "Habitat":
        """The habitat on the way to `other`; share 0 is this one, 1 the other."""
        centre = (1 - share) * np.array(self.centre) + share * np.array(other.centre)
        x, y, z = (centre / np.linalg.norm(centre)).tolist()

        def mix(here: float, there: float) -> float:
            return (1 - share) * here + share * there

        return Habitat(
            centre=(x, y, z),
            temperature=mix(self.temperature, other.temperature),
            log_rainfall=mix(self.log_rainfall, other.log_rainfall),
            elevation_km=mix(self.elevation_km, other.elevation_km),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Where a species lives, month by month. A resident's twelve months are one and the same."""

    continent: int
    months: tuple[Habitat, ...]  # January to December
    tolerances: tuple[float, ...]  # how far from its habitat a species lives, in units of `strangeness`

    @property
    def migrates(self) -> bool:
        """True when the range moves over the year."""
        return len(set(self.months)) > 1

    def contains(self, points: NDArray[np.float64], land: Land, month: int) -> NDArray[np.bool_]:
        """True where the species lives in a month 1..12; points (n, 3) unit vectors and their `land`."""
        habitat, tolerance = self.months[month - 1], self.tolerances[month - 1]
        at_home = land.is_land & (land.continent == self.continent)
        inside = np.zeros(len(points), dtype=bool)
        inside[at_home] = strangeness(habitat, points, land)[at_home] < tolerance
        return inside


def strangeness(habitat: Habitat, points: NDArray[np.float64], land: Land) -> NDArray[np.float64]:
    """How unlike a habitat the points are: (n,), 0 for the same climate at its centre."""
    distance_km = EARTH_RADIUS_KM * np.arccos(np.clip(points @ np.array(habitat.centre), -1, 1))
    parts = (
        (land.mean_temperature - habitat.temperature) / 5.0,
        (np.log(land.rainfall_mm) - habitat.log_rainfall) / 0.55,
        (np.clip(land.elevation_km, 0, None) - habitat.elevation_km) / 0.8,
        distance_km / 1800.0,
    )
    return np.sqrt(sum(part.astype(np.float64) ** 2 for part in parts))


def resident_range(
    habitat: Habitat, continent: int, share: float, points: NDArray[np.float64], land: Land
) -> Range | None:
    """A range of `share` of all land around one habitat, or None when the continent has no room for it.

    points, land: an even sample of the planet's land.
    """
    tolerance = _tolerance(habitat, continent, share, points, land)
    if not tolerance:
        return None
    return Range(continent=continent, months=(habitat,) * 12, tolerances=(tolerance,) * 12)


def migrant_range(
    breeding: Habitat,
    wintering: Habitat,
    continent: int,
    share: float,
    points: NDArray[np.float64],
    land: Land,
) -> Range | None:
    """A range that moves from wintering to breeding grounds in spring and back in autumn, or None as above."""
    spring_shift = 0 if breeding.centre[2] > 0 else 6
    months = tuple(wintering.between(breeding, _PASSAGE[(month + spring_shift) % 12]) for month in range(12))
    found = {habitat: _tolerance(habitat, continent, share, points, land) for habitat in set(months)}
    tolerances = tuple(found[habitat] for habitat in months)
    if not all(tolerances):
        return None
    return Range(continent=continent, months=months, tolerances=tolerances)


def _tolerance(habitat: Habitat, continent: int, share: float, points: NDArray[np.float64], land: Land) -> float:
    """The tolerance that gives a range of `share` of all land; 0.0 where it would have to take in anything."""
    wanted = round(share * len(points))
    strange = np.sort(strangeness(habitat, points, land)[land.continent == continent])
    if len(strange) <= wanted or strange[wanted] > 2.6:
        return 0.0
    return float(strange[wanted])
