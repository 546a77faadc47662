"""Where a taxon was recorded, to be drawn on its map."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from birdsat.earth.box import Box
from birdsat.errors import InputError
from birdsat.maps.draw import MapPoints
from birdsat.observations.observation import Observation
from birdsat.observations.tables import read_table


def read_points(table: Path, taxon: str, box: Box) -> MapPoints:
    """The places within `box` where `table` records `taxon`, each once; memory grows with the places alone.

    Where the table counts individuals, a place has the mean over its counts. Raises InputError when the table has no
    place of the taxon within the box.
    """
    counts: defaultdict[tuple[float, float], list[float | None]] = defaultdict(list)
    for row in read_table(table):
        if isinstance(row, Observation) and row.taxon == taxon and row.place is not None:
            counts[row.place.lon, row.place.lat].append(row.count)
    lon, lat = np.array(list(counts), dtype=np.float64).reshape(-1, 2).T
    inside = box.contains(lon, lat)
    if not inside.any():
        raise InputError(f"{table} has no place of {taxon!r} within {box}; widen the box, or leave the table out.")
    mean = np.array([_mean(values) for values in counts.values()])
    return MapPoints(
        lon=lon[inside],
        lat=lat[inside],
        label=f"{table.stem}: {np.count_nonzero(inside):,} places",
        count=None if np.isnan(mean).all() else np.nan_to_num(mean[inside], nan=1.0),
    )


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else np.nan
