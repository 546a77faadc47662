"""The cylindrical equal-area projection of EASE-Grid 2.0 (EPSG:6933): metres east and north on the WGS84 ellipsoid.

Equations: J. P. Snyder (1987), Map Projections - A Working Manual, USGS Professional Paper 1395, pages 81 to 83, with
30 degrees as the parallel of true scale (Brodzik and others 2012, doi 10.3390/ijgi1010032).
"""

import math

import numpy as np
from numpy.typing import NDArray

EPSG = 6933
_A, _FLATTENING = 6_378_137.0, 1 / 298.257223563  # metres; WGS84
_E2 = _FLATTENING * (2 - _FLATTENING)
_E = math.sqrt(_E2)
_TRUE = math.radians(30)
_K0 = math.cos(_TRUE) / math.sqrt(1 - _E2 * math.sin(_TRUE) ** 2)
METRES_A_DEGREE = math.radians(1) * _A * _K0  # of longitude, at every latitude


def northing(lat: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Metres north of the equator on the map. lat: (...) degrees."""
    return np.asarray(_A * _q(np.sin(np.radians(lat))) / (2 * _K0), dtype=np.float64)


def latitude(north: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Degrees north, right to 1e-7, of metres north on the map (...); the poles beyond the map's edges."""
    beta = np.arcsin(np.clip(2 * _K0 * np.asarray(north) / (_A * _Q_POLE), -1, 1))
    phi = (
        beta
        + (_E2 / 3 + 31 * _E2**2 / 180 + 517 * _E2**3 / 5040) * np.sin(2 * beta)
        + (23 * _E2**2 / 360 + 251 * _E2**3 / 3780) * np.sin(4 * beta)
        + 761 * _E2**3 / 45360 * np.sin(6 * beta)
    )
    return np.asarray(np.degrees(phi), dtype=np.float64)


def _q(sine: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Snyder's equation 3-12, of the sine of the latitude."""
    ratio = sine / (1 - _E2 * np.square(sine)) + np.arctanh(_E * sine) / _E
    return np.asarray((1 - _E2) * ratio, dtype=np.float64)


_Q_POLE = float(_q(1.0))
