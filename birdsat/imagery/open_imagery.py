"""From what the user names to a source of chips."""

from collections.abc import Callable, Sequence
from pathlib import Path

from birdsat.earth.outline import EARTH, Land
from birdsat.errors import InputError
from birdsat.imagery.chip_sizes import ChipSizes
from birdsat.imagery.chips import RasterChips, ReadyChips
from birdsat.imagery.ground_sizes import check_sizes, ground_sizes, sizes_text
from birdsat.virtual.chips import VirtualChips
from birdsat.virtual.world import VirtualWorld

TABLES = (".parquet", ".csv")
VIRTUAL = "virtual:"

Chips = RasterChips | ReadyChips | VirtualChips | ChipSizes


def open_chips(
    imagery: str, *, ground_km: float | Sequence[float] | None, px: int, stretch: tuple[float, float] | None = None
) -> Chips:
    """The chip source that `imagery` names.

    A georeferenced raster of any CRS, from which chips of `ground_km` and `px` are cut; a table (Parquet, CSV) of
    lon, lat and ready chips, whose size is their own; or "virtual:SEED", the virtual planet. ground_km: of several
    sizes the source gives each (`ChipSizes`). stretch: the raster's values that become 0 and 255, needed where they are
    not 8-bit. Raises InputError when the file is absent, when the chips' ground size is not given, and for a table that
    is to have several; ConfigError for sizes that are impossible.
    """
    sizes: tuple[float, ...] = check_sizes(ground_sizes(ground_km))
    if not sizes:
        raise InputError(
            f"the ground size of the chips of {imagery} is not known; give the side of their square in kilometres "
            "(--chip-km)."
        )
    if imagery.startswith(VIRTUAL):
        seed = virtual_seed(imagery)
        return _of_sizes(sizes, lambda km: VirtualChips(seed, ground_km=km, px=px))
    path = Path(imagery)
    if not path.is_file():
        raise InputError(f"imagery {imagery} does not exist; give a raster, a table of chips, or virtual:SEED.")
    if path.suffix.lower() in TABLES:
        if len(sizes) > 1:
            raise InputError(
                f"{imagery} is a table of ready chips, which are of one ground size, and {sizes_text(sizes)} are "
                "needed; give a raster to cut them from."
            )
        return ReadyChips(path, ground_km=sizes[0])
    return _of_sizes(sizes, lambda km: RasterChips(path, ground_km=km, px=px, stretch=stretch))


def virtual_seed(imagery: str) -> int:
    """The seed of the planet that "virtual:SEED" names. Raises InputError for anything else."""
    seed = imagery.removeprefix(VIRTUAL)
    if not (imagery.startswith(VIRTUAL) and seed.isascii() and seed.isdecimal()):
        raise InputError(f"imagery {imagery!r} names no seed; write virtual:0, or another whole number.")
    return int(seed)


def land_under(imagery: str) -> Land:
    """The land of the planet that the imagery shows: Earth, or a virtual one."""
    return virtual_land(VirtualWorld(virtual_seed(imagery))) if imagery.startswith(VIRTUAL) else EARTH


def virtual_land(world: VirtualWorld) -> Land:
    """The land of a virtual planet; for pictures, looked for in larger cells, as its climate is slow to ask for."""
    return Land(world.land, across=240)


def _of_sizes(sizes: tuple[float, ...], source: Callable[[float], RasterChips | VirtualChips]) -> Chips:
    return source(sizes[0]) if len(sizes) == 1 else ChipSizes(sizes, source)
