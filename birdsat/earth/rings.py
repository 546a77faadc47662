"""Areas bounded by closed rings on the globe: which places and which cells' centres lie inside."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import PlaceError

_BLOCK_POINTS = 16_384  # points that are compared with edges at once
_BLOCK_CROSSINGS = 1 << 22  # of edges and parallels that are held at once
_BLOCK_CELLS = 1 << 22  # cells whose crossings are counted at once


class Rings:
    """What lies within an odd number of rings: outer rings, and the rings of their holes, in any order.

    rings: (n, 2) arrays of longitude and latitude, degrees; edges are straight in longitude and latitude, as in RFC
    7946, and never jump at the antimeridian: a ring over it goes on past 180 (or -180). A ring is closed by its first
    point; one that ends 360 degrees from where it began goes around a pole, and is closed along that of its hemisphere.
    """

    def __init__(self, rings: Sequence[NDArray[np.float64]]) -> None:
        ends = [closed(ring) for ring in rings]
        edges = np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in ends]) if ends else np.empty((0, 4))
        edges = edges[edges[:, 1] != edges[:, 3]]  # one along a parallel bounds nothing that its neighbours do not
        edges = np.where((edges[:, 1] > edges[:, 3])[:, None], edges[:, [2, 3, 0, 1]], edges)
        self._lon, self._south, self._north = edges[:, 0], edges[:, 1], edges[:, 3]
        self._slope = (edges[:, 2] - edges[:, 0]) / (self._north - self._south)  # degrees east a degree north

    def contains(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which places lie inside. lon, lat: (n,) degrees, any turn -> (n,) bool; NaN is outside."""
        inside = np.zeros(len(lon), dtype=bool)
        order = np.argsort(lat)
        for start in range(0, len(order), _BLOCK_POINTS):
            points = order[start : start + _BLOCK_POINTS]
            crossed = np.zeros(len(points), dtype=np.int64)
            for point, crossing in self._crossings(lat[points]):
                # Each edge that is crossed on the way from the west changes sides once a turn, and a ring is crossed an
                # even number of times, so that it does not matter where the count begins.
                turns = np.floor((lon[points][point] - crossing) / 360)
                crossed += np.bincount(point[np.mod(turns, 2) == 1], minlength=len(points))
            inside[points] = crossed % 2 == 1
        return inside & np.isfinite(lon)

    def cells(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which cells of a regular grid have their centre inside.

        lon: (columns,) at even distances, west first, running on past 180; lat: (rows,) north first. -> (rows, columns)
        """
        inside = np.empty((len(lat), len(lon)), dtype=bool)
        rows = max(1, _BLOCK_CELLS // (len(lon) + 1))
        for start in range(0, len(lat), rows):
            inside[start : start + rows] = self._cells(lon, lat[start : start + rows])
        return inside

    def _cells(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        rows, columns = len(lat), len(lon)
        step = float(lon[1] - lon[0]) if columns > 1 else 1.0
        flips = np.zeros(rows * (columns + 1), dtype=np.int64)
        for upwards, crossing in self._crossings(lat[::-1]):
            row = rows - 1 - upwards
            turns = np.floor((lon[0] - crossing) / 360)
            odd = np.mod(turns, 2) == 1
            np.add.at(flips, row[odd] * (columns + 1), 1)
            for turn in range(1, 2 + int((lon[-1] - lon[0]) // 360)):
                column = np.ceil((crossing + 360 * (turns + turn) - lon[0]) / step - 1e-9).astype(np.int64)
                there = column < columns
                np.add.at(flips, row[there] * (columns + 1) + column[there], 1)
        odd_cells: NDArray[np.bool_] = np.cumsum(flips.reshape(rows, columns + 1)[:, :columns], axis=1) % 2 == 1
        return odd_cells

    def _crossings(self, lat: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Where edges cross parallels, some edges at a time. lat: (n,) ascending -> positions (k,) in lat, and
        longitudes (k,) there."""
        first, behind = np.searchsorted(lat, self._south), np.searchsorted(lat, self._north)
        total = np.cumsum(behind - first)
        start = 0
        while start < len(total):
            before = total[start - 1] if start else 0
            end = max(start + 1, int(np.searchsorted(total, before + _BLOCK_CROSSINGS, side="right")))
            count = behind[start:end] - first[start:end]
            edge = start + np.repeat(np.arange(len(count)), count)
            position = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
            yield position, self._lon[edge] + (lat[position] - self._south[edge]) * self._slope[edge]
            start = end


def in_degrees(
    lon: NDArray[np.float64] | float, lat: NDArray[np.float64] | float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """lon and lat broadcast to one shape, lon to -180..180. Raises PlaceError when a latitude is beyond a pole."""
    east, north = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    beyond = np.abs(north) > 90
    if beyond.any():
        raise PlaceError(
            f"latitude {north[beyond].flat[0]:g} is outside -90..90; were longitude and latitude swapped? "
            "The order is lon, lat."
        )
    return np.mod(east + 180, 360) - 180, north


def unwrapped(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring (n, 2) without jumps at the antimeridian: each longitude within half a turn of the one before."""
    lon = np.unwrap(ring[:, 0], period=360)
    return np.column_stack([lon, ring[:, 1]])


def turns(rings: Sequence[NDArray[np.float64]], west: float, east: float) -> Iterator[NDArray[np.float64]]:
    """The rings or lines (n, 2) in each turn of 360 degrees in which some of it lies between two longitudes."""
    for ring in rings:
        first = int(np.ceil((west - ring[:, 0].max()) / 360))
        last = int(np.floor((east - ring[:, 0].min()) / 360))
        for turn in range(first, last + 1):
            yield ring + np.array([360.0 * turn, 0.0])


def closed(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring (n, 2) with its first place again at its end, around a pole where it ends whole turns from there."""
    around = round((ring[-1, 0] - ring[0, 0]) / 360)
    if around:
        pole = 90.0 if ring[:, 1].mean() > 0 else -90.0
        ring = np.vstack([ring, [[ring[-1, 0], pole], [ring[0, 0], pole]]])
    return ring if (ring[0] == ring[-1]).all() else np.vstack([ring, ring[:1]])
