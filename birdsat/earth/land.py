"""Where there is land: Natural Earth's coastline at 1:50 million, which comes with the package.

`land_50m.npz` holds the rings of Natural Earth's physical vector "land", version 4.1 (naturalearthdata.com; public
domain), as the npm package world-atlas 2.0.2 gives them (stitched over the antimeridian; ISC licence), rounded to 0.001
degrees by `tools/make_land.py`. Lakes are land, but for the Caspian Sea. At this scale an island of less than about a
kilometre is not there, and a coast is right to about that.
"""

from collections.abc import Callable
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.earth.rings import Rings, in_degrees
from birdsat.errors import ConfigError

# Where it is land: longitudes and latitudes (n,) in degrees -> (n,).
LandAt = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]

_STEP = 0.1  # degrees: cells that are known to be all land or all sea, so that only those on a coast are looked into
_SEA, _LAND, _COAST = 0, 1, 2
_SPACING_KM = 2.0  # between the points that stand for the coast in distances
_NEAR_KM = 1000.0  # beyond it, "near land" is nearly everywhere
_BLOCK_PAIRS = 1 << 22  # pairs of a place and a coast point that are compared at once


@cache
def coastline() -> tuple[NDArray[np.float64], ...]:
    """The coasts as rings (n, 2) of longitude and latitude, degrees, to be drawn as lines.

    A ring over the antimeridian goes on past 180 or -180; Antarctica's ends 360 degrees from where it began.
    """
    with resources.files("birdsat.earth").joinpath("land_50m.npz").open("rb") as file, np.load(file) as stored:
        steps, lengths, units = stored["steps"], stored["lengths"], float(stored["units_a_degree"])
    return tuple(np.cumsum(ring, axis=0) / units for ring in np.split(steps, np.cumsum(lengths)[:-1]))


def on_land(lon: NDArray[np.float64] | float, lat: NDArray[np.float64] | float) -> NDArray[np.bool_]:
    """Which places lie on land. lon, lat: degrees, any shapes that broadcast -> bool of that shape; NaN is not on land.

    Longitudes of any turn are taken. Raises PlaceError when a latitude is beyond a pole.
    """
    east, north = in_degrees(lon, lat)
    states = _states()
    known = np.isfinite(east) & np.isfinite(north)
    row = np.where(known, (90 - north) / _STEP, 0).astype(np.int32)
    column = np.where(known, (east + 180) / _STEP, 0).astype(np.int32)
    state = np.asarray(states[np.minimum(row, states.shape[0] - 1), np.minimum(column, states.shape[1] - 1)])
    land = np.asarray((state == _LAND) & known)
    coast = np.asarray((state == _COAST) & known)
    land[coast] = _rings().contains(east[coast], north[coast])
    return land


def near_land(lon: NDArray[np.float64] | float, lat: NDArray[np.float64] | float, km: float) -> NDArray[np.bool_]:
    """Which places lie on land or within `km` of a coast, to about a kilometre. Arguments and errors as `on_land`.

    Raises ConfigError for a distance outside 0..1,000 km.
    """
    if not 0 <= km <= _NEAR_KM:
        raise ConfigError(f"a distance of {km} km from land is not possible; allowed: 0 to {_NEAR_KM:,.0f} km.")
    near = on_land(lon, lat)
    east, north = (degrees.reshape(-1) for degrees in in_degrees(lon, lat))
    flat = near.reshape(-1)
    at_sea = np.flatnonzero(~flat & np.isfinite(east) & np.isfinite(north))
    # Places of one degree square are compared with the same part of the coast.
    squares = np.floor(north[at_sea]) * 360 + np.floor(east[at_sea])
    at_sea = at_sea[np.argsort(squares, kind="stable")]
    for places in np.split(at_sea, np.flatnonzero(np.diff(np.sort(squares))) + 1):
        if len(places):
            flat[places] = _near_coast(east[places], north[places], km)
    return flat.reshape(near.shape)


def _near_coast(lon: NDArray[np.float64], lat: NDArray[np.float64], km: float) -> NDArray[np.bool_]:
    """Which places (n,), close to each other, are within km of a coast."""
    coast_lat, coast = _coast_points()
    reach = np.degrees(km / EARTH_RADIUS_KM)
    first, behind = np.searchsorted(coast_lat, [lat.min() - reach, lat.max() + reach])
    places = unit_sphere(lon, lat)
    around = np.linalg.norm(places - places[0], axis=1).max()
    band = coast[first:behind]
    chord = 2 * np.sin(km / EARTH_RADIUS_KM / 2)
    band = band[np.linalg.norm(band - places[0], axis=1) <= chord + around]
    near = np.zeros(len(places), dtype=bool)
    if len(band):
        for part in np.array_split(np.arange(len(places)), max(1, len(places) * len(band) // _BLOCK_PAIRS)):
            near[part] = (places[part] @ band.T).max(axis=1) >= np.cos(km / EARTH_RADIUS_KM)
    return near


@cache
def _rings() -> Rings:
    return Rings(coastline())


@cache
def _states() -> NDArray[np.uint8]:
    """(1800, 3600) cells from the north-west: all sea, all land, or with a coast in it or beside it; 6 MB."""
    world = Grid(Box(-180, -90, 180, 90), _STEP)
    rows, columns = world.shape
    states = _rings().cells(world.lon, world.lat).astype(np.uint8)
    coast = np.zeros((rows, columns), dtype=bool)
    for ring in coastline():
        dense = _with_steps_of(ring, np.abs(np.diff(ring, axis=0)).max(axis=1), _STEP / 2)
        row, column = (90 - dense[:, 1]) / _STEP, (dense[:, 0] + 180) / _STEP
        coast[np.clip(row.astype(np.int64), 0, rows - 1), np.floor(column).astype(np.int64) % columns] = True
    # Between two steps a coast may cut a corner of a cell that holds neither: that cell is beside one that does.
    wide = coast | np.roll(coast, 1, axis=1) | np.roll(coast, -1, axis=1)
    states[wide] = _COAST
    states[1:][wide[:-1]] = _COAST
    states[:-1][wide[1:]] = _COAST
    return states


@cache
def _coast_points() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes (n,), ascending, and unit vectors (n, 3) of points at most _SPACING_KM apart along every coast."""
    parts = []
    for ring in coastline():
        points = unit_sphere(ring[:, 0], ring[:, 1])
        length_km = np.linalg.norm(np.diff(points, axis=0), axis=1) * EARTH_RADIUS_KM
        parts.append(_with_steps_of(ring, length_km, _SPACING_KM))
    dense = np.concatenate(parts)
    dense = dense[np.argsort(dense[:, 1])]
    return dense[:, 1], unit_sphere(dense[:, 0], dense[:, 1])


def _with_steps_of(line: NDArray[np.float64], lengths: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """The line (n, 2) with points added along edges of the given lengths (n - 1,), so that none is above `step`."""
    pieces = np.maximum(1, np.ceil(lengths / step)).astype(np.int64)
    edge = np.repeat(np.arange(len(pieces)), pieces)
    share = (np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[edge]
    return np.vstack([line[edge] + share[:, None] * (line[edge + 1] - line[edge]), line[-1:]])
