"""How an answer says where the cells of a map lie."""

from typing import Any

import numpy as np

from birdsat.earth.grid import AnyGrid, EqualAreaGrid


def grid_answer(grid: AnyGrid, cells: int, cells_url: str) -> dict[str, Any]:
    """The grid, and where the positions of those of its cells are that have values. Rows count from the north."""
    lon, lat = grid.edges()
    return {
        "west": float(lon[0]),
        "south": float(lat[-1]),
        "east": float(lon[-1]),
        "north": float(lat[0]),
        "cell_deg": float(lon[1] - lon[0]),
        "width": grid.columns,
        "height": grid.rows,
        "lat_edges": np.round(lat, 6).tolist() if isinstance(grid, EqualAreaGrid) else None,  # None: even
        "cells": cells,
        "cells_url": cells_url,
    }
