"""Where a taxon was recorded, to be drawn on its map."""

from collections import Counter
from pathlib import Path

import numpy as np

from birdsat.earth.box import Box
from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.tables import read_table
from birdsat.pictures.panel import MapPoints


def read_points(table: Path, taxon: str, box: Box) -> tuple[MapPoints, Counter[str]]:
    """The places within `box` where `table` records `taxon`, each once; and the table's rows with a remark, by reason.

    Where the table counts individuals, a place has the mean over its counts. Memory grows with the places alone. Raises
    InputError when the table has no place of the taxon within the box.
    """
    remarked: Counter[str] = Counter()
    counted: dict[tuple[float, float], tuple[float, int]] = {}  # place -> sum and number of its counts
    for row in read_table(table):
        if isinstance(row, Remark):
            remarked[row.reason] += 1
        elif row.taxon == taxon and row.place is not None:
            place = row.place.lon, row.place.lat
            total, number = counted.get(place, (0.0, 0))
            counted[place] = (total, number) if row.count is None else (total + row.count, number + 1)
    lon, lat = np.array(list(counted), dtype=np.float64).reshape(-1, 2).T
    inside = box.contains(lon, lat)
    if not inside.any():
        raise InputError(f"{table} has no place of {taxon!r} within {box}; widen the box, or leave the table out.")
    mean = np.array([total / number if number else np.nan for total, number in counted.values()])
    points = MapPoints(
        lon=lon[inside],
        lat=lat[inside],
        label=f"{table.stem}: {np.count_nonzero(inside):,} places",
        count=None if np.isnan(mean).all() else np.nan_to_num(mean[inside], nan=1.0),
    )
    return points, remarked
