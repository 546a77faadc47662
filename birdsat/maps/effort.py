"""How much was looked where, kept beside a map: what the panel of effort draws."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.cog import Cog
from birdsat.errors import InputError
from birdsat.maps.map_file import MapFile


def effort_path(tiff: Path) -> Path:
    """Where the effort behind a map lies: a GeoTIFF on the map's own cells, whose first band is relative effort."""
    return tiff.with_name(f"{tiff.stem}_effort.tif")


def read_effort(map_file: MapFile, most: int) -> tuple[NDArray[np.float32], str] | None:
    """(h, w) effort over all of the map's cells, averaged so that neither side is above `most`, and what it is from, ""
    where the file does not say; None: there is none, or the file was written for another map of the same name.

    Raises InputError for a file that is not on the map's cells.
    """
    path = effort_path(map_file.path)
    if not path.is_file():
        return None
    grid = map_file.description.grid
    with Cog(path) as cog:
        asked, request = cog.tags.get("request", ""), map_file.description.request
        if asked and request and asked != request:
            return None
        if (cog.epsg, cog.shape) != (grid.epsg, grid.shape) or not np.allclose(
            cog.affine, grid.affine, rtol=0, atol=1e-6 * grid.step
        ):
            raise InputError(f"{path} is not on the cells of {map_file.path}; write it on the same grid, or remove it.")
        effort: NDArray[np.float32] = cog.decimated((0,), most)[0]
        return effort, cog.tags.get("model", "")
