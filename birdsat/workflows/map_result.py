"""What a request for maps of taxa gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birdsat.maps.description import plain_figures
from birdsat.maps.netcdf import read_xarray

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonMap:
    """The map of one taxon."""

    taxon: str
    files: tuple[Path, ...]  # GeoTIFF, picture, other formats asked for, and the map of effort where it is known
    evaluation: Mapping[str, float]  # of the model, on what was left out of its fit; empty for maps from photos

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"taxon": self.taxon, "files": list(map(str, self.files)), "evaluation": plain_figures(self.evaluation)}

    def to_xarray(self) -> "xarray.Dataset":
        """The map as `birdsat.open_map` gives it."""
        return read_xarray(self.files[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class MapResult:
    """The maps that were made, and why others could not be."""

    maps: tuple[TaxonMap, ...]
    failed: Mapping[str, str]  # reasons by taxon

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of all maps."""
        return tuple(file for one in self.maps for file in one.files)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"maps": [one.to_dict() for one in self.maps], "failed": dict(self.failed)}
