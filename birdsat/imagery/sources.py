"""What gives photos and chips: the protocols that every source keeps to, and chips of several ground sizes of a place.

A source is pickled to worker processes, which open its files for themselves.
"""

import datetime
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import Place
from birdsat.errors import ConfigError
from birdsat.imagery.ground_sizes import check_sizes
from birdsat.observations.observation import Observation


class _Source(Protocol):
    """Where images come from."""

    @property
    def identity(self) -> dict[str, Any]:
        """What tells the source from another, as JSON has it; see `source_identity`."""


class PhotoSource(_Source, Protocol):
    """Where photos come from."""

    def photo(self, observation: Observation) -> bytes:
        """The encoded photo. Raises FileNotFoundError where there is none, ImageError where unusable."""


class _Squares(_Source, Protocol):
    """Where chips come from, whatever they belong to."""

    @property
    def ground_km(self) -> tuple[float, ...]:
        """Sides of the chips' squares on the ground, kilometres, from small to large."""

    @property
    def px(self) -> int:
        """Side of a chip in pixels."""


class ChipSource(_Squares, Protocol):
    """Where chips come from that belong to places: of one ground size, or of several."""

    def chips(self, place: Place, *, date: datetime.date | None = None) -> tuple[NDArray[np.uint8], ...]:
        """A chip (px, px, 3) of every size, RGB, north up. Imagery without dates is the same for every `date`.

        Raises PlaceError where any cannot be had, ImageError where one is damaged.
        """

    def encoded_chip(self, place: Place) -> bytes:
        """The one chip that the place has in a dataset. Raises PlaceError where there is none."""


@runtime_checkable
class ObservationChips(_Squares, Protocol):
    """Where chips come from that belong to observations, not to places."""

    def observation_chip(self, observation: Observation) -> bytes:
        """The encoded chip of an observation with a place. Raises PlaceError where there is none."""


class ChipSizes:
    """A chip source of several ground sizes, made of one source for each.

    In a dataset a place has one chip, of a size that is drawn by where the place is: the same whatever the seed, the
    order of the rows and the machine. `chips` gives every size.
    """

    def __init__(self, sizes_km: Sequence[float], source: Callable[[float], ChipSource]) -> None:
        """source: makes the source of a size. Raises ConfigError for fewer than two sizes, or impossible ones."""
        self.ground_km = check_sizes(sizes_km)
        if len(self.ground_km) < 2:
            raise ConfigError(f"{len(self.ground_km)} ground sizes were given; give two or more, or a source of one.")
        self.sources = tuple(source(size) for size in self.ground_km)
        self.px = self.sources[0].px

    @property
    def identity(self) -> dict[str, Any]:
        """Of the source of every size."""
        return {"class": "ChipSizes", "sizes": [source.identity for source in self.sources]}

    def chips(self, place: Place, *, date: datetime.date | None = None) -> tuple[NDArray[np.uint8], ...]:
        """Chips (px, px, 3) of every size, from small to large. Raises PlaceError where any cannot be had."""
        return tuple(chip for source in self.sources for chip in source.chips(place, date=date))

    def encoded_chip(self, place: Place) -> bytes:
        """The chip of the size that is drawn for the place. Raises PlaceError where it cannot be had."""
        return self.sources[self.drawn(place)].encoded_chip(place)

    def drawn(self, place: Place) -> int:
        """Which size, from 0, the place has in a dataset; places are the same when they agree to 1e-6 degrees."""
        micro_degrees = (round(place.lon * 1e6), round(place.lat * 1e6))
        digest = hashlib.blake2b("chip size {} {}".format(*micro_degrees).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") * len(self.sources) >> 64


def of_sizes(sizes_km: Sequence[float], source: Callable[[float], ChipSource]) -> ChipSource:
    """The source of one size as it is, or of several together."""
    return source(sizes_km[0]) if len(sizes_km) == 1 else ChipSizes(sizes_km, source)


def source_identity(kind: str, **settings: str | float | tuple[float, ...] | Path | None) -> dict[str, Any]:
    """What tells one source from another: its class, its settings, and when its files were written.

    Datasets are recognised by it, so the names and values of a source stay what they are from release to release.
    Settings that are None are left out.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    facts = {name: _file_facts(value) if isinstance(value, Path) else str(value) for name, value in given.items()}
    return {"class": kind, **facts}


def _file_facts(path: Path) -> list[str | int]:
    if not path.is_file():  # a folder, whose own time of change says nothing of the files in it
        return [str(path.resolve())]
    facts = path.stat()
    return [str(path.resolve()), facts.st_size, facts.st_mtime_ns]
