"""Imagery of a virtual planet, named by its seed."""

from dataclasses import dataclass
from functools import lru_cache

from birdsat.earth.bands import RGBBands, Stretch
from birdsat.earth.outline import Land
from birdsat.errors import ConfigError, InputError
from birdsat.imagery.open_imagery import Imagery
from birdsat.imagery.sources import ChipSource, of_sizes
from birdsat.virtual.chips import VirtualChips
from birdsat.virtual.world import VirtualWorld

_SCHEME = "virtual:"


@dataclass(frozen=True)
class VirtualImagery(Imagery):
    """The virtual planet of a seed, as in a mosaic of the year's clear days."""

    seed: int

    @property
    def land(self) -> Land:
        """The land of the virtual planet."""
        return virtual_land(self.virtual_world)

    @property
    def virtual_world(self) -> VirtualWorld:
        """The world on this planet."""
        return _world(self.seed)

    def _chips(
        self, sizes_km: tuple[float, ...], px: int, bands: RGBBands | None, stretch: Stretch | None
    ) -> ChipSource:
        if bands is not None:
            raise ConfigError(f"{self.text} has no bands to choose from; leave them out.", settings=("bands",))
        return of_sizes(sizes_km, lambda km: VirtualChips(self.seed, ground_km=km, px=px))


def open_virtual(text: str) -> VirtualImagery:
    """The planet that "virtual:SEED" names. Raises InputError for a seed that is not a whole number."""
    seed = text.removeprefix(_SCHEME)
    if not (seed.isascii() and seed.isdecimal()):
        raise InputError(
            f"imagery {text!r} names no seed; write {_SCHEME}0, or another whole number.",
            settings=("imagery", "chips"),
        )
    return VirtualImagery(text, int(seed))


def virtual_imagery(seed: int) -> VirtualImagery:
    """The planet of a seed."""
    return VirtualImagery(f"{_SCHEME}{seed}", seed)


@lru_cache(maxsize=2)
def _world(seed: int) -> VirtualWorld:
    """Kept, as the surveys of the planet that make its species take most of a second, and a map asks several times."""
    return VirtualWorld(seed)


def virtual_land(world: VirtualWorld) -> Land:
    """The land of a virtual planet; for pictures, looked for in larger cells, as its climate is slow to ask for."""
    return Land(world.land, across=240)
