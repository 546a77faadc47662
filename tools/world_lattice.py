"""Places about evenly spaced over the Earth, at which one ground size is encoded, and how cells lie between them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM

_DEGREE_KM = EARTH_RADIUS_KM * math.pi / 180


@dataclass(frozen=True, slots=True)
class Lattice:
    """Parallels at even distances, the first and last half a distance from the poles; on each, places at even
    distances of longitude, as many as the spacing wants there. At 0.25 degrees, 27.8 km, the places on the equator are
    the centres of cells of a quarter degree."""

    spacing_km: float

    @property
    def lat(self) -> NDArray[np.float64]:
        """(rows,) latitudes, north first."""
        rows = round(180 * _DEGREE_KM / self.spacing_km)
        return 90 - (np.arange(rows) + 0.5) * (180 / rows)

    @property
    def columns(self) -> NDArray[np.int64]:
        """(rows,) places on each parallel."""
        around = 360 * _DEGREE_KM * np.cos(np.radians(self.lat)) / self.spacing_km
        return np.maximum(np.rint(around), 1).astype(np.int64)

    def places(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, 2) longitudes and latitudes of places by their numbers, counted along the parallels from the north."""
        columns = self.columns
        ends = np.cumsum(columns)
        row = np.searchsorted(ends, numbers, side="right")
        lon = (numbers - (ends - columns)[row] + 0.5) * (360 / columns[row]) - 180
        return np.stack([lon, self.lat[row]], axis=1)

    def around(self, lon_lat: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The four places (n, 4) around each of n, and their weights (n, 4) in bilinear interpolation.

        Beyond the first and last parallels these count alone.
        """
        lat, columns = self.lat, self.columns
        starts = np.cumsum(columns) - columns
        across = np.clip((90 - lon_lat[:, 1]) * (len(lat) / 180) - 0.5, 0, len(lat) - 1)
        row = np.minimum(across.astype(np.int64), max(len(lat) - 2, 0))
        down = across - row
        numbers, weights = [], []
        for one, share in ((row, 1 - down), (np.minimum(row + 1, len(lat) - 1), down)):
            along = (lon_lat[:, 0] + 180) * (columns[one] / 360) - 0.5
            west = np.floor(along)
            east_share = along - west
            for column, part in ((west, 1 - east_share), (west + 1, east_share)):
                numbers.append(starts[one] + column.astype(np.int64) % columns[one])
                weights.append(share * part)
        return np.stack(numbers, axis=1), _without_dust(np.stack(weights, axis=1))


def _without_dust(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights that rounding alone made differ from 0 are 0, so that no place is encoded for their sake."""
    weights = np.where(weights < 1e-6, 0, weights)
    return weights / weights.sum(axis=1, keepdims=True)
