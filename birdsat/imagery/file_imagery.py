"""Imagery that is a file: a raster to cut chips from, or a table of ready chips."""

from dataclasses import dataclass
from pathlib import Path

from birdsat.earth.bands import RGBBands, Stretch
from birdsat.errors import ConfigError, InputError
from birdsat.imagery.chips import RasterChips, ReadyChips
from birdsat.imagery.ground_sizes import sizes_text
from birdsat.imagery.open_imagery import SCHEMES, Imagery
from birdsat.imagery.sources import ChipSource, of_sizes

_TABLES = (".parquet", ".csv")


@dataclass(frozen=True)
class FileImagery(Imagery):
    """A raster of any CRS, or a table of lon, lat and ready chips, told apart by the ending."""

    @property
    def file_bytes(self) -> int | None:
        """Size of the file; None where it is absent."""
        path = Path(self.text)
        return path.stat().st_size if path.is_file() else None

    @property
    def is_table(self) -> bool:
        """Whether it has chips at places of its own alone."""
        return self.text.lower().endswith(_TABLES)

    def _chips(
        self, sizes_km: tuple[float, ...], px: int, bands: RGBBands | None, stretch: Stretch | None
    ) -> ChipSource:
        path = Path(self.text)
        if not path.is_file():
            raise InputError(
                f"imagery {self.text} does not exist; give a raster, a table of chips, or {' or '.join(SCHEMES)}.",
                settings=("imagery", "chips"),
            )
        if not self.is_table:
            return of_sizes(sizes_km, lambda km: RasterChips(path, ground_km=km, px=px, bands=bands, stretch=stretch))
        if len(sizes_km) > 1:
            raise InputError(
                f"{self.text} is a table of ready chips, which are of one ground size, and {sizes_text(sizes_km)} are "
                "needed; give a raster to cut them from."
            )
        if bands is not None:
            raise ConfigError(
                f"{self.text} is a table of ready chips, which have no bands to choose from; leave them out.",
                settings=("bands",),
            )
        return ReadyChips(path, ground_km=sizes_km[0])


def open_file(text: str) -> FileImagery:
    """The imagery in a file."""
    return FileImagery(text)
