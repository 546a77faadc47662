"""From what the user names to a source of chips."""

from pathlib import Path

from birdsat.errors import InputError
from birdsat.imagery.chips import RasterChips, ReadyChips
from birdsat.virtual.chips import VirtualChips

TABLES = (".parquet", ".csv")
VIRTUAL = "virtual:"

Chips = RasterChips | ReadyChips | VirtualChips


def open_chips(imagery: str, *, ground_km: float | None, px: int, stretch: tuple[float, float] | None = None) -> Chips:
    """The chip source that `imagery` names.

    A georeferenced raster of any CRS, from which chips of `ground_km` and `px` are cut; a table (Parquet, CSV) of
    lon, lat and ready chips, whose size is their own; or "virtual:SEED", the virtual planet. stretch: the raster's
    values that become 0 and 255, needed where they are not 8-bit. Raises InputError when the file is absent or the
    chips' ground size is not given.
    """
    if ground_km is None:
        raise InputError(
            f"the ground size of the chips of {imagery} is not known; give the side of their square in kilometres "
            "(--chip-km)."
        )
    if imagery.startswith(VIRTUAL):
        seed = imagery.removeprefix(VIRTUAL)
        if not (seed.isascii() and seed.isdecimal()):
            raise InputError(f"imagery {imagery!r} names no seed; write virtual:0, or another whole number.")
        return VirtualChips(int(seed), ground_km=ground_km, px=px)
    path = Path(imagery)
    if not path.is_file():
        raise InputError(f"imagery {imagery} does not exist; give a raster, a table of chips, or virtual:SEED.")
    if path.suffix.lower() in TABLES:
        return ReadyChips(path, ground_km=ground_km)
    return RasterChips(path, ground_km=ground_km, px=px, stretch=stretch)
