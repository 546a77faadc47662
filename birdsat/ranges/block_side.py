"""How wide the blocks are that a fit holds out: as the settings say, or narrower for records of a small region."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.observations.blocks import blocks_by_km
from birdsat.ranges.calibrate import LEAST_POINTS
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points

LEAST_BLOCKS = 4  # with records, without which nothing is calibrated or evaluated: of two, each knows but the other
BLOCKS = 9  # narrower ones that the area holds over which the records are spread
NARROWEST = 0.25  # of what records span in one direction, what they span across it: of less, they lie along a line
LEAST_CELLS = 2  # side of the narrowest block, in cells: of one cell, all neighbours are in other blocks
_MIDDLE = 0.9  # share of the records, in each direction, whose span counts: a stray one makes no region
_TOLERANCE_KM = 1.0  # by which a place on the edge of a hull may lie outside it
_SAMPLED = 256  # places whose nearest neighbour is looked for


def with_block_side(settings: RangeNetworkConfig, points: Points) -> RangeNetworkConfig:
    """The settings, with narrower blocks where the records lie in fewer than `LEAST_BLOCKS` of those asked for.

    `BLOCKS` of them cover what the records span in the directions in which they span most and least. Records along one
    coast, or in one spot, keep the wide blocks, in which nothing can be held out: blocks that divide a line would be
    told by their neighbours alone, and say nothing of another coast. Nor are blocks narrower than `LEAST_CELLS` cells.
    """
    lon_lat = np.unique(points.presences.lon_lat, axis=0)
    if len(lon_lat) == 0 or len(np.unique(blocks_by_km(lon_lat, settings.block_km))) >= LEAST_BLOCKS:
        return settings
    narrow, wide = spans_km(lon_lat)
    side = float(np.floor(np.sqrt(narrow * wide / BLOCKS)))
    if narrow < NARROWEST * wide or side >= settings.block_km:
        return settings
    if side < LEAST_CELLS * cell_km(points):
        return settings
    return replace(settings, block_km=side, regional=True)


def why_not_held_out(points: Points, settings: RangeNetworkConfig) -> str:
    """For people: what a fit of which nothing could be held out had too little of; "" where it had enough."""
    lon_lat = np.unique(points.presences.lon_lat, axis=0)
    if len(lon_lat) < LEAST_POINTS:
        return f"{_places(len(lon_lat))} too few to hold any out"
    if len(np.unique(blocks_by_km(lon_lat, settings.block_km))) >= LEAST_BLOCKS:
        return ""
    narrow, wide = spans_km(lon_lat)
    if narrow < NARROWEST * wide:
        return (
            f"records lie along a line ({wide:,.0f} by {narrow:,.0f} km), whose parts do not tell how good the map is "
            "beside it"
        )
    least = LEAST_CELLS * cell_km(points)
    return (
        f"records lie in one spot ({wide:,.0f} by {narrow:,.0f} km), too near one another to hold out blocks of "
        f"{least:,.0f} km, two cells"
    )


def _places(count: int) -> str:
    return "the one place with records is" if count == 1 else f"{count} places with records are"


def spans_km(lon_lat: NDArray[np.float64]) -> tuple[float, float]:
    """What places (n, 2) of one region span, without the outermost: in the direction in which they span least, and
    across it."""
    if len(lon_lat) < 3:
        return 0.0, 0.0
    flat = _Plane.around(lon_lat)(lon_lat)
    along = flat @ np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[2].T
    low, high = np.quantile(along, [(1 - _MIDDLE) / 2, (1 + _MIDDLE) / 2], axis=0)
    narrow, wide = sorted(((high - low) / _MIDDLE).tolist())
    return narrow, wide


def cell_km(points: Points) -> float:
    """The side of a cell: as the points know it, else about how far their places lie from the nearest other one, the
    median; infinite of a single place."""
    if np.isfinite(points.cell_km):
        return points.cell_km
    places = np.unique(np.concatenate([points.background.lon_lat, points.presences.lon_lat]), axis=0)
    if len(places) < 2:
        return np.inf
    xyz = unit_sphere(*places.T)
    some = np.unique(np.linspace(0, len(places) - 1, min(len(places), _SAMPLED)).astype(np.int64))
    cosine = xyz[some] @ xyz.T
    cosine[np.arange(len(some)), some] = -1
    return float(np.median(EARTH_RADIUS_KM * np.arccos(np.clip(cosine.max(axis=1), -1, 1))))


def among_records(points: Points, lon_lat: NDArray[np.float64], settings: RangeNetworkConfig) -> NDArray[np.bool_]:
    """(n,) which places (n, 2) figures are against: all, or with regional blocks those within the hull of the records.

    What lies around a small region is easily told from it by its place: figures against that would be good for records
    that are strewn over the region at random. It does calibrate: suitability is relative to all background.
    """
    if not settings.regional or len(lon_lat) == 0:
        return np.ones(len(lon_lat), np.bool_)
    from scipy.spatial import ConvexHull  # here, as it takes a while to import

    plane = _Plane.around(points.presences.lon_lat)
    sides = ConvexHull(plane(np.unique(points.presences.lon_lat, axis=0))).equations
    within = plane(lon_lat) @ sides[:, :2].T + sides[:, 2] <= _TOLERANCE_KM
    inside: NDArray[np.bool_] = within.all(axis=1) & plane.is_near(lon_lat)
    return inside


@dataclass(frozen=True, slots=True)
class _Plane:
    """That touches the Earth in the middle of a region of some hundred kilometres, over which the Earth is flat."""

    centre: NDArray[np.float64]  # (3,) unit vector

    @classmethod
    def around(cls, lon_lat: NDArray[np.float64]) -> "_Plane":
        mean = unit_sphere(*lon_lat.T).mean(axis=0)
        return cls(mean / max(float(np.linalg.norm(mean)), 1e-12))

    def __call__(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) kilometres, in directions of its own."""
        first = np.cross(self.centre, np.eye(3)[np.abs(self.centre).argmin()])
        first /= np.linalg.norm(first)
        flat: NDArray[np.float64] = unit_sphere(*lon_lat.T) @ np.stack([first, np.cross(self.centre, first)], axis=1)
        return flat * EARTH_RADIUS_KM

    def is_near(self, lon_lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) which places are on this side of the Earth."""
        near: NDArray[np.bool_] = unit_sphere(*lon_lat.T) @ self.centre > 0
        return near
