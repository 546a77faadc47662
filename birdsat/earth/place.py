"""A place on Earth, and distances between places."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import PlaceError

EARTH_RADIUS_KM = 6371.0088  # mean radius R1 (IUGG)
KM_PER_DEGREE = math.radians(1) * EARTH_RADIUS_KM  # of latitude, or of longitude on the equator


@dataclass(frozen=True, slots=True)
class Place:
    """A point in WGS84 degrees. Longitude first, everywhere."""

    lon: float  # degrees east, -180..180
    lat: float  # degrees north, -90..90

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lon) and math.isfinite(self.lat)):
            raise PlaceError(f"place ({self.lon}, {self.lat}) is not finite; leave the place out when it is unknown.")
        if not -90 <= self.lat <= 90:
            raise PlaceError(
                f"latitude {self.lat} is outside -90..90; were longitude and latitude swapped? Place is (lon, lat)."
            )
        if not -180 <= self.lon <= 180:
            raise PlaceError(f"longitude {self.lon} is outside -180..180; use degrees east of Greenwich in WGS84.")


def unit_sphere(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the unit sphere. lon, lat: (...) degrees -> (..., 3) x, y, z."""
    lam, phi = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def distance_km(
    lon1: NDArray[np.float64], lat1: NDArray[np.float64], lon2: NDArray[np.float64], lat2: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Great-circle distance in kilometres, by the haversine formula; arguments in degrees broadcast."""
    lam1, phi1, lam2, phi2 = map(np.radians, (lon1, lat1, lon2, lat2))
    h = np.sin((phi2 - phi1) / 2) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin((lam2 - lam1) / 2) ** 2
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0, 1)))
    return distance


def lon_lat_around(
    place: Place, east_km: NDArray[np.float64], north_km: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes (degrees, -180..180) at offsets from a place, any shape, kilometres.

    The offsets are coordinates of the azimuthal equidistant projection centred on the place, on a sphere of
    EARTH_RADIUS_KM: right over the antimeridian and over the poles, where north is along the place's meridian.
    """
    lam, phi = math.radians(place.lon), math.radians(place.lat)
    up = np.array([math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)])
    east = np.array([-math.sin(lam), math.cos(lam), 0.0])
    north = np.cross(up, east)
    angle = np.hypot(east_km, north_km) / EARTH_RADIUS_KM
    along = np.sinc(angle / np.pi) / EARTH_RADIUS_KM  # sin(angle) / angle, in units of the offsets
    x, y, z = (np.cos(angle) * up[i] + along * (east_km * east[i] + north_km * north[i]) for i in range(3))
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
