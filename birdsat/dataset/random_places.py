"""Places drawn at random, to learn from their chips alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.land import LandAt
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, ImageError, InputError, PlaceError
from birdsat.imagery.sources import ChipSource, source_identity
from birdsat.observations.curation import Remark
from birdsat.observations.observation import NO_BIRD, Observation

_DRAWN_AT_ONCE = 4096
_MOST_DRAWS = 1000  # for each place asked for, most of which may lie at sea
_LEAST_DRAWS = 100_000  # are made before a box is said to have no land
_MOST_MISSES = 10  # places without imagery, for each place asked for
_DECIMALS = 6  # of a degree, about 0.1 m: the last bits of a sine are not the same on every machine


@dataclass(frozen=True, slots=True)
class NoPhotos:
    """The photo source of places without birds."""

    @property
    def identity(self) -> dict[str, Any]:
        """The same for all."""
        return source_identity("NoPhotos")

    def photo(self, observation: Observation) -> bytes:
        """Raises FileNotFoundError."""
        raise FileNotFoundError(f"{observation.id!r} is a place; it has no photo")


def random_places(
    count: int, box: Box, *, chips: ChipSource, land: LandAt | None = None, seed: int = 0
) -> Iterator[Observation | Remark]:
    """`count` places, uniform over the box's area on the sphere, as observations of NO_BIRD without photo and date.

    chips: a place for which it has none is passed over with a remark, and another is drawn. land: places elsewhere are
    passed over, without a remark; None: land and sea alike.

    The places depend on box, land, chips and seed, and those of a smaller count are the first of a larger one. Raises
    ConfigError for a count below 1, InputError when the box has too little land or imagery.
    """
    if count < 1:
        raise ConfigError(f"{count} places were asked for; allowed: 1 or more.")
    found = misses = draws = 0
    for lon, lat in _draws(box, seed):
        dry = np.ones(len(lon), dtype=np.bool_) if land is None else land(lon, lat)
        for row in np.flatnonzero(dry).tolist():
            place, name = Place(float(lon[row]), float(lat[row])), f"draw {draws + row}"
            try:
                chips.encoded_chip(place)
            except (PlaceError, ImageError) as error:
                misses += 1
                if misses > _MOST_MISSES * count:
                    raise InputError(
                        f"the imagery covers too little of the box {box}: {misses:,} of {misses + found:,} places had "
                        "none. Take a box that it covers."
                    ) from error
                yield Remark(row=name, reason="no imagery; another place was drawn", detail=str(error))
                continue
            yield Observation(id=name, taxon=NO_BIRD, place=place)
            found += 1
            if found == count:
                return
        draws += len(lon)
        if draws > max(_MOST_DRAWS * count, _LEAST_DRAWS):
            raise InputError(
                f"the box {box} has too little land: of {draws:,} places {found + misses:,} were on it, and {count:,} "
                "with imagery are asked for. Take a larger box or fewer chips, or take the sea as well."
            )


def _draws(box: Box, seed: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Longitudes and latitudes, uniform over the box's area, without end."""
    random = np.random.default_rng(seed)
    low, high = np.sin(np.radians([box.south, box.north]))
    while True:
        east, north = random.random((2, _DRAWN_AT_ONCE))
        lon = (box.west + east * box.width_degrees + 180) % 360 - 180
        lat = np.clip(np.degrees(np.arcsin(low + north * (high - low))), box.south, box.north)
        yield np.round(lon, _DECIMALS), np.round(lat, _DECIMALS)
