"""Chips of several ground sizes of a place: a bird's world is a meadow, and the mountains around it."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import Place
from birdsat.errors import ConfigError
from birdsat.imagery.ground_sizes import check_sizes


class OneSize(Protocol):
    """A source of chips of one ground size that can cut one anywhere."""

    @property
    def px(self) -> int:
        """Side of the chip in pixels."""

    def chip(self, place: Place) -> NDArray[np.uint8]:
        """(px, px, 3) RGB, north up. Raises PlaceError without imagery, ImageError where it is damaged."""

    def encoded_chip(self, place: Place) -> bytes:
        """The same, encoded."""


class ChipSizes:
    """A chip source of several ground sizes, made of one source for each. May be pickled where they may.

    In a dataset a place has one chip, of a size that is drawn by where the place is: the same whatever the seed, the
    order of the rows and the machine. `chips` gives every size.
    """

    def __init__(self, sizes_km: Sequence[float], source: Callable[[float], OneSize]) -> None:
        """source: makes the source of a size. Raises ConfigError for fewer than two sizes, or impossible ones."""
        self.ground_km = check_sizes(sizes_km)  # sides on the ground, kilometres, from small to large
        if len(self.ground_km) < 2:
            raise ConfigError(f"{len(self.ground_km)} ground sizes were given; give two or more, or a source of one.")
        self.sources = tuple(source(size) for size in self.ground_km)
        self.px = self.sources[0].px

    def chips(self, place: Place) -> tuple[NDArray[np.uint8], ...]:
        """Chips (px, px, 3) of every size, from small to large. Raises PlaceError where any cannot be had."""
        return tuple(source.chip(place) for source in self.sources)

    def encoded_chip(self, place: Place) -> bytes:
        """The chip of the size that is drawn for the place. Raises PlaceError where it cannot be had."""
        return self.sources[self.drawn(place)].encoded_chip(place)

    def drawn(self, place: Place) -> int:
        """Which size, from 0, the place has in a dataset; places are the same when they agree to 1e-6 degrees."""
        micro_degrees = (round(place.lon * 1e6), round(place.lat * 1e6))
        digest = hashlib.blake2b("chip size {} {}".format(*micro_degrees).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") * len(self.sources) >> 64
