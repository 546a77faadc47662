"""From what the user names as imagery to the record that is passed on in its place."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from birdsat.earth.bands import RGBBands, Stretch
from birdsat.earth.outline import EARTH, Land
from birdsat.errors import ConfigError
from birdsat.imagery.ground_sizes import check_sizes
from birdsat.imagery.sources import ChipSource
from birdsat.virtual.world import VirtualWorld

# How imagery of a scheme is written -> "module:function" that makes its `Imagery` of the text. What begins like none of
# them is a file.
SCHEMES: dict[str, str] = {
    "virtual:SEED": "birdsat.imagery.virtual_imagery:open_virtual",
}
_FILES = "birdsat.imagery.file_imagery:open_file"


@dataclass(frozen=True)
class Imagery(ABC):
    """Imagery by its name: what chips are cut from, and the planet that it shows. Nothing is read before `chips`."""

    text: str  # as it was given; regions and maps keep it

    def chips(
        self, *, ground_km: Sequence[float], px: int, bands: RGBBands | None = None, stretch: Stretch | None = None
    ) -> ChipSource:
        """Chips of these ground sizes, kilometres, and `px` pixels; ready chips are of a size in pixels of their own.

        bands: of a raster, to show as red, green and blue; None: those that it says are. stretch: values of a raster
        that become 0 and 255, needed where they are not 8-bit. Raises InputError when the
        imagery is absent or cannot give these sizes, ConfigError for sizes that are impossible or not known.
        """
        sizes = check_sizes(ground_km)
        if not sizes:
            raise ConfigError(
                f"the ground size of the chips of {self.text} is not known; give the side of their square in "
                "kilometres.",
                settings=("chip_km",),
            )
        return self._chips(sizes, px, bands, stretch)

    @abstractmethod
    def _chips(
        self, sizes_km: tuple[float, ...], px: int, bands: RGBBands | None, stretch: Stretch | None
    ) -> ChipSource:
        """Chips of one size or more, from small to large."""

    @property
    def land(self) -> Land:
        """The land of the planet that is shown."""
        return EARTH

    @property
    def virtual_world(self) -> VirtualWorld | None:
        """The world with its birds, where it is a virtual one that is shown."""
        return None

    @property
    def file_bytes(self) -> int | None:
        """Size of the file, by which one that was written again is told from what it was; None where it is not one."""
        return None

    @property
    def is_of_land(self) -> bool:
        """Whether it shows land alone, so that nobody misses the sea."""
        return False

    @property
    def is_table(self) -> bool:
        """Whether it has chips at places of its own alone."""
        return False


def open_imagery(text: str) -> Imagery:
    """The imagery that a text names.

    A georeferenced raster of any CRS, a table (Parquet, CSV) of lon, lat and ready chips, or a form of SCHEMES, such as
    "virtual:0". A file need not be there before chips are asked for: what was made of it can be read without it. Raises
    InputError for a text that begins like one of SCHEMES and does not go on so.
    """
    openers = (opener for form, opener in SCHEMES.items() if text.startswith(form[: form.index(":") + 1]))
    module, function = next(openers, _FILES).split(":")
    imagery: Imagery = getattr(import_module(module), function)(text)
    return imagery
