"""A box between two meridians and two parallels, which may lie over the antimeridian."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east, north in WGS84 degrees; west > east: the box lies over the antimeridian."""

    west: float  # degrees east, -180..180
    south: float  # degrees north, -90..90
    east: float  # degrees east, -180..180
    north: float  # degrees north, -90..90

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.west, self.south, self.east, self.north))):
            raise ConfigError(f"box {self} is not finite; give four numbers W,S,E,N in degrees.")
        if not (-180 <= self.west <= 180 and -180 <= self.east <= 180):
            raise ConfigError(
                f"box {self} has a longitude outside -180..180; "
                "write a box over the antimeridian with west > east, for example 170,-50,-170,-30."
            )
        if not -90 <= self.south < self.north <= 90:
            raise ConfigError(f"box {self} needs -90 <= south < north <= 90; the order is W,S,E,N (longitude first).")
        if self.west == self.east or (self.west == 180 and self.east == -180):  # the same meridian
            raise ConfigError(f"box {self} has no width; the whole world is -180,-90,180,90.")

    @classmethod
    def parse(cls, text: str) -> "Box":
        """The box written "W,S,E,N", in degrees. Raises ConfigError for anything else."""
        parts = text.split(",")
        try:
            west, south, east, north = map(float, parts)
        except ValueError as error:
            raise ConfigError(
                f"box {text!r} is not four numbers W,S,E,N in degrees, such as 113,-44,154,-10."
            ) from error
        return cls(west, south, east, north)

    @property
    def width_degrees(self) -> float:
        """Degrees of longitude from west to east, above 0 and up to 360."""
        width = self.east - self.west
        return width if width > 0 else width + 360

    def contains(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which places lie in the box, edges included. lon, lat: (...) degrees -> (...) bool; NaN is outside.

        -180 and 180 are the same meridian.
        """
        east_of_west = np.mod(np.asarray(lon) - self.west, 360.0)
        between_meridians = (east_of_west <= self.width_degrees) | (lon == self.east)
        inside: NDArray[np.bool_] = between_meridians & (lat >= self.south) & (lat <= self.north)
        return inside

    def __str__(self) -> str:
        return f"{self.west:g},{self.south:g},{self.east:g},{self.north:g}"
