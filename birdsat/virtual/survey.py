"""An even sample of a planet's land, from which ranges and cities are drawn."""

import numpy as np
from numpy.typing import NDArray

from birdsat.virtual.noise import even_sphere
from birdsat.virtual.planet import Land, Planet
from birdsat.virtual.ranges import Habitat

_SURVEY_POINTS = 24_000


class LandSurvey:
    """An even sample of a planet's land."""

    def __init__(self, planet: Planet, count: int = _SURVEY_POINTS) -> None:
        everywhere = even_sphere(count)
        self.points: NDArray[np.float64] = everywhere[planet.survey(everywhere).is_land]
        self.land: Land = planet.survey(self.points)

    def habitat(self, index: int) -> Habitat:
        """The habitat found at one of the points."""
        x, y, z = self.points[index].tolist()
        return Habitat(
            centre=(x, y, z),
            temperature=float(self.land.mean_temperature[index]),
            log_rainfall=float(np.log(self.land.rainfall_mm[index])),
            elevation_km=max(0.0, float(self.land.elevation_km[index])),
        )
