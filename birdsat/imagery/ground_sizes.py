"""The ground sizes of chips: one, or several where a place is seen from near and from afar."""

import math
from collections.abc import Sequence
from typing import Annotated, Any

from birdsat.config import Reading
from birdsat.errors import ConfigError


def ground_sizes(value: Any) -> Any:
    """One size or none as a tuple of sizes; whatever else is left as it is."""
    if value is None:
        return ()
    return (float(value),) if isinstance(value, int | float) and not isinstance(value, bool) else value


# Sides of chips on the ground, kilometres, from small to large; (): not known. Was written as a number, or null, once.
GroundSizes = Annotated[tuple[float, ...], Reading(ground_sizes)]


def check_sizes(sizes: Sequence[float]) -> tuple[float, ...]:
    """The sizes from small to large. Raises ConfigError for one that is not above 0 km, and for one given twice."""
    if not all(size > 0 and math.isfinite(size) for size in sizes):
        raise ConfigError(f"chips of {sizes_text(sizes)} are not possible; give sides above 0, in kilometres.")
    if len(set(sizes)) < len(sizes):
        raise ConfigError(f"chips of {sizes_text(sizes)} were asked for, one of them twice; give each size once.")
    return tuple(sorted(map(float, sizes)))


def sizes_text(sizes: Sequence[float]) -> str:
    """In words, such as "100, 400 and 1600 km"."""
    if not sizes:
        return "an unknown extent"
    *first, last = [f"{size:g}" for size in sizes]
    return f"{', '.join(first)} and {last} km" if first else f"{last} km"
