"""Records of the virtual world, so many of each species."""

from collections.abc import Iterator, Sequence

import numpy as np

from birdsat.earth.grid import AnyGrid
from birdsat.observations.observation import Observation
from birdsat.observations.occurrences import Occurrences
from birdsat.virtual.world import VirtualWorld

_MOST_DRAWN = 400  # observations for each that is wanted, before rare species are left with fewer
_OTHER_STREAM = 1_000_003  # than that of any dataset, whose seed is the world's


def draw_records(world: VirtualWorld, grid: AnyGrid, points: int, seed: int) -> Occurrences:
    """Observations, near cities as always, until there are `points` of each species in different cells or months.

    Of rare species there may be fewer.
    """
    return _occurrences(list(_some_of_each(world, grid, points, seed)))


def _some_of_each(world: VirtualWorld, grid: AnyGrid, points: int, seed: int) -> Iterator[Observation]:
    seen: dict[str, set[tuple[int, int]]] = {taxon.name: set() for taxon in world.species}
    lacking = len(seen)
    for observation in world.observations(_MOST_DRAWN * points, _OTHER_STREAM + seed):
        place, date, there = observation.place, observation.date, seen[observation.taxon]
        if place is None or date is None or len(there) >= points:
            continue
        (cell,) = grid.cells_at(np.array([place.lon]), np.array([place.lat])).tolist()
        there.add((cell, date.month))
        yield observation
        lacking -= len(there) == points
        if not lacking:
            return


def _occurrences(observations: Sequence[Observation]) -> Occurrences:
    known = [(one.taxon, one.place, one.date) for one in observations if one.place is not None and one.date is not None]
    taxa = tuple(sorted({taxon for taxon, _, _ in known}))
    return Occurrences(
        taxa=taxa,
        label=np.array([taxa.index(taxon) for taxon, _, _ in known], dtype=np.int32),
        lon_lat=np.array([(place.lon, place.lat) for _, place, _ in known]),
        day=np.array([date.toordinal() for _, _, date in known], dtype=np.int32),
        rows=len(observations),
    )
