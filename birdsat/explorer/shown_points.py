"""Records as the page shows them: some of their places and months."""

from typing import Any

import numpy as np

from birdsat.observations.occurrences import Occurrences

MOST_SHOWN = 20_000


def shown_points(found: Occurrences | None, *, coarsened_deg: float = 0.0, left_out: bool = False) -> dict[str, Any]:
    """Places and months (0: not known) of records, MOST_SHOWN of them at most; in the middle of squares so large, or
    left out altogether."""
    lon_lat = np.empty((0, 2)) if found is None else found.lon_lat
    month = np.empty(0, np.int64) if found is None else np.where(found.day > 0, found.month, 0)
    total = len(lon_lat)
    if coarsened_deg:
        lon_lat = (np.floor(lon_lat / coarsened_deg) + 0.5) * coarsened_deg
    if left_out:
        lon_lat, month = lon_lat[:0], month[:0]
    if len(lon_lat) > MOST_SHOWN:
        some = np.sort(np.random.default_rng(0).choice(len(lon_lat), MOST_SHOWN, replace=False))
        lon_lat, month = lon_lat[some], month[some]
    return {
        "lon": np.round(lon_lat[:, 0], 4).tolist(),
        "lat": np.round(lon_lat[:, 1], 4).tolist(),
        "month": month.tolist(),
        "records": total,
        "coarsened_deg": coarsened_deg,
        "left_out": total - len(lon_lat),
    }
