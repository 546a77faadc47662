"""How far what is known of a taxon spreads, as IUCN measures it: extent of occurrence and area of occupancy.

IUCN Standards and Petitions Committee (2022), Guidelines for Using the IUCN Red List Categories and Criteria, version
15.1, sections 4.9 and 4.10.
"""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere

SQUARE_KM = 2.0  # side of the squares that the area of occupancy is counted in


def convex_hull_km2(lon_lat: NDArray[np.float64], middle: NDArray[np.float64] | None = None) -> float:
    """Square kilometres of the minimum convex polygon of places (n, 2), degrees; 0 of fewer than three.

    It is drawn on Lambert's azimuthal equal-area projection, so that it may lie anywhere, over the antimeridian and the
    poles as well. middle (3,): a vector towards the projection's centre; None: the mean of the places.
    """
    places = np.unique(unit_sphere(*lon_lat.T).reshape(-1, 3), axis=0)
    if len(places) < 3:
        return 0.0
    middle = places.mean(axis=0) if middle is None else middle
    length = float(np.linalg.norm(middle))
    middle = middle / length if length > 1e-9 else places[0]
    # Any two axes across the middle: how the map is turned does not change its areas.
    across = np.cross(middle, np.eye(3)[np.abs(middle).argmin()])
    across /= np.linalg.norm(across)
    up = np.cross(middle, across)
    stretch = np.sqrt(2 / np.maximum(1 + places @ middle, 1e-12))
    plane = np.stack([stretch * (places @ across), stretch * (places @ up)], axis=1) * EARTH_RADIUS_KM
    return float(shapely.convex_hull(shapely.multipoints(plane)).area)


def occupied_squares(lon_lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """The squares of SQUARE_KM in which places (n, 2) lie, each once, as numbers that tell them apart.

    Squares lie in bands of that height along the parallels, from the Greenwich meridian. Where the grid begins is a
    convention, and another beginning gives somewhat other counts.
    """
    a_radian = EARTH_RADIUS_KM / SQUARE_KM
    band = np.floor(np.radians(lon_lat[:, 1]) * a_radian)
    around = np.cos((band + 0.5) / a_radian) * a_radian  # radii of the bands' middles, in squares
    column = np.floor(np.radians((lon_lat[:, 0] + 180) % 360 - 180) * around)
    wide = math.ceil(2 * math.pi * a_radian) + 2
    return np.unique((band * wide + column).astype(np.int64))
