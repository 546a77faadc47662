"""What the ends of a map's colours mean: one scale for all of its months, its animation and its style in a GIS."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from birdsat.maps.description import Quantity

Scale = Literal["data", "full"]
_MOST = 99.5  # per cent of the values that lie within
_LEAST = 10  # per cent that lie below, of a quantity without limits
_STEP = 0.05  # of the limits' distance, in which the end of a scale by the data moves


def value_span(value: NDArray[np.float32]) -> tuple[float, float]:
    """The least and the largest of values; 0 and 0 where there are none."""
    known = value[np.isfinite(value)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)


def colour_scale(
    quantity: Quantity,
    value: NDArray[np.float32],
    applicability: NDArray[np.float32] | None = None,
    scale: Scale = "data",
) -> tuple[float, float]:
    """The least and the largest value of the colours for values (layers, h, w), NaN where there are none.

    "full": the quantity's limits, whatever the values; where it has none, as "data". "data": from its lower limit,
    which is to look as such, to nearly the largest value within the area of applicability (h, w), rounded up; of a
    quantity without limits, most of its values.
    """
    if quantity.bounds is not None and scale == "full":
        return quantity.bounds
    known = np.isfinite(value)
    if applicability is not None:
        inside = known & (np.nan_to_num(applicability, nan=1) >= 0.5)
        known = inside if inside.any() else known
    if not known.any():
        return quantity.bounds or (0.0, 1.0)
    if quantity.bounds is None:
        low, high = (float(end) for end in np.percentile(value[known], (_LEAST, _MOST)))
        return (low, high) if high > low else (low - 0.5, high + 0.5)
    low, high = quantity.bounds
    steps = math.ceil(round((float(np.percentile(value[known], _MOST)) - low) / (high - low) / _STEP, 6))
    return low, low + (high - low) * min(max(1, steps) * _STEP, 1.0)
