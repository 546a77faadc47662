"""The virtual world: species with known ranges, observations of them, and the photos taken."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import unit_sphere
from birdsat.errors import ConfigError, ImageError
from birdsat.observations.observation import Observation
from birdsat.observations.taxonomy import Taxonomy
from birdsat.virtual.backdrop import Scene
from birdsat.virtual.cities import Cities
from birdsat.virtual.noise import random_stream
from birdsat.virtual.photos import draw_photo
from birdsat.virtual.planet import Land, Planet
from birdsat.virtual.sightings import Sightings
from birdsat.virtual.species import VirtualSpecies, create_species
from birdsat.virtual.survey import LandSurvey

_BLOCK = 512  # observations drawn together
_SPOT_CELSIUS, _SPOT_LOG_RAINFALL = 5.0, 0.5  # how much the spot in a photo departs from the climate, one deviation


class VirtualWorld:
    """A planet with birds, the same for the same seed in every process."""

    def __init__(self, seed: int = 0, *, photo_px: int = 64) -> None:
        """photo_px: side of the photos."""
        if photo_px < 16:
            raise ConfigError(f"photo_px is {photo_px}; choose at least 16 pixels a side.")
        self.seed = seed
        self.photo_px = photo_px
        self._planet = Planet(seed)
        self._survey = LandSurvey(self._planet)
        self.species: tuple[VirtualSpecies, ...]
        self.lookalike_pairs: tuple[tuple[str, str], ...]
        self.species, self.lookalike_pairs = create_species(seed, self._survey)
        self.taxonomy = Taxonomy(species.taxon for species in self.species)
        self._by_name = {species.name: species for species in self.species}
        self.cities = Cities(seed, self._survey.points, self._survey.land)
        self._sightings = Sightings(self.species, self._planet, self._survey, self.cities)
        self._last_grid: tuple[NDArray[np.float64], Land] | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What the photos depend on; datasets are recognised by it."""
        names = ("seed", "photo_px", "species", "lookalike_pairs")
        return {"class": "VirtualWorld", **{name: str(getattr(self, name)) for name in names}}

    @property
    def migrants(self) -> tuple[str, ...]:
        """Names of the species whose range moves over the year."""
        return tuple(species.name for species in self.species if species.range.migrates)

    def land(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """True above the sea. lon, lat: degrees that broadcast; the result has their common shape."""
        lon, lat = np.broadcast_arrays(lon, lat)
        return self._climate(unit_sphere(lon, lat).reshape(-1, 3)).is_land.reshape(lon.shape)

    def true_range(
        self, taxon: str, lon: NDArray[np.float64], lat: NDArray[np.float64], month: int
    ) -> NDArray[np.bool_]:
        """True where a taxon lives in a month 1..12: exactly the places where it can be observed then.

        lon, lat: degrees that broadcast; the result has their common shape. The climate of the last grid asked
        for is kept, so ask for all taxa and months of one grid in a row. Raises UnknownTaxonError, ConfigError.
        """
        if not 1 <= month <= 12:
            raise ConfigError(f"month is {month}; allowed: 1 to 12.")
        self.taxonomy.label(taxon, listing="`birdsat data info DATASET`")
        lon, lat = np.broadcast_arrays(lon, lat)
        points = unit_sphere(lon, lat).reshape(-1, 3)
        inside = self._by_name[taxon].range.contains(points, self._climate(points), month)
        return inside.reshape(lon.shape)

    def observations(self, count: int, seed: int = 0) -> Iterator[Observation]:
        """Draw observations, most of them near cities, streaming; a longer run begins like a shorter one.

        Each lies within the true range of its taxon in the month of its date.
        """
        for start in range(0, count, _BLOCK):
            random = random_stream("observations", self.seed, seed, start)
            block = self._sightings.draw(random, _BLOCK)
            for index in range(start, min(start + _BLOCK, count)):
                species, place, date = block[index - start]
                key = f"virtual-{self.seed}-{seed}-{index:07d}"
                yield Observation(
                    id=key,
                    taxon=species.name,
                    photo=key,
                    place=place,
                    date=date,
                    licence="CC0-1.0",
                    attribution="birdsat virtual world",
                )

    def photo(self, observation: Observation) -> bytes:
        """The photo of one of this world's observations as a JPEG; needs nothing but the observation.

        Raises ImageError for an observation of another world, or one without place or date.
        """
        key = observation.photo or ""
        if not key.startswith(f"virtual-{self.seed}-") or observation.taxon not in self._by_name:
            raise ImageError(
                f"photo {observation.photo!r} of {observation.taxon!r} is not of the virtual world with seed "
                f"{self.seed}; use the world that made the observation."
            )
        if observation.place is None or observation.date is None:
            raise ImageError(f"observation {observation.id!r} has no place or date; its photo cannot be drawn.")
        species = self._by_name[observation.taxon]
        point = unit_sphere(np.array([observation.place.lon]), np.array([observation.place.lat]))
        land = self._planet.survey(point)
        random = random_stream("photo", key)
        # A shady bank and a sunny slope lie side by side: a photo shows its spot, not the climate around it.
        warmer, wetter = random.normal(0, _SPOT_CELSIUS), random.normal(0, _SPOT_LOG_RAINFALL)
        scene = Scene(
            temperature=float(land.mean_temperature[0] + warmer),
            rainfall_mm=float(land.rainfall_mm[0] * np.exp(wetter)),
            snow=bool(land.temperature(observation.date.month)[0] + warmer < -2),
        )
        return draw_photo(species.body, species.plumage, scene, random, self.photo_px)

    def _climate(self, points: NDArray[np.float64]) -> Land:
        last = self._last_grid
        if last is None or not np.array_equal(points, last[0]):
            last = self._last_grid = (points, self._planet.survey(points))
        return last[1]
