"""What is known of places, for models that are evaluated: features of their chips, and values of rasters."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.raster_values import raster_values
from birdsat.embeddings.regions.place_features import PlaceFeatures
from birdsat.errors import ConfigError
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.named import CHIP
from birdsat.ranges.evaluation.evaluate import Ranges
from birdsat.ranges.evaluation.range_grid import RangeGrid
from birdsat.ranges.points import Cells


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Where the columns of places come from."""

    features: PlaceFeatures
    rasters: tuple[tuple[str, Path], ...] = ()  # name of the columns, and a raster; one name may have several
    cell_degrees: float | None = None  # side of the cells that rasters are averaged over

    @property
    def raster_names(self) -> tuple[str, ...]:
        """The names of the rasters, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.rasters))

    def of(self, lon_lat: NDArray[np.float64]) -> tuple[Cells, NDArray[np.bool_]]:
        """The columns of places (n, 2), and of which of these features are known."""
        chip = self.features.features_at(lon_lat)
        columns: dict[str, NDArray[np.float32]] = {CHIP: chip}
        for name, path in self.rasters:
            values = raster_values(path, lon_lat, cell_degrees=self.cell_degrees)
            columns[name] = np.concatenate([columns[name], values], axis=1) if name in columns else values
        return Cells(lon_lat=lon_lat, columns=columns), np.asarray(np.isfinite(chip).all(axis=1))

    def ranges(self, truth: RangeGrid, progress: Progress = QUIET) -> Ranges:
        """The cells of a range grid that have features, with their columns; how many have none is noted."""
        cells, found = self.of(truth.lon_lat)
        if not found.all():
            progress.note(f"{np.count_nonzero(~found):,} of {len(found):,} cells have no imagery and are dropped")
        return Ranges(truth=truth.at(found), cells=cells.take(found))


def parse_raster(text: str) -> tuple[str, Path]:
    """The name and the file written NAME=PATH. Raises ConfigError for anything else."""
    name, equals, path = text.partition("=")
    if not (name and equals and path) or name == CHIP:
        raise ConfigError(
            f"raster {text!r} has no name; write NAME=PATH, such as climate=temperature.tif (not {CHIP}).",
            settings=("rasters",),
        )
    return name, Path(path)
