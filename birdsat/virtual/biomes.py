"""What grows where: the colour of the ground from temperature and rainfall, as seen from above."""

import numpy as np
from numpy.typing import NDArray

# mean temperature (Celsius), rainfall (mm a year), red, green, blue of typical ground seen from a satellite
_TYPES = np.array(
    [
        (-26, 200, 0.88, 0.91, 0.95),  # ice
        (-26, 900, 0.90, 0.93, 0.97),
        (-12, 250, 0.60, 0.59, 0.56),  # frost desert
        (-7, 300, 0.44, 0.42, 0.33),  # tundra
        (-6, 900, 0.36, 0.40, 0.30),
        (1, 550, 0.15, 0.24, 0.15),  # boreal forest
        (2, 1500, 0.12, 0.22, 0.15),
        (4, 150, 0.60, 0.53, 0.42),  # cold desert
        (9, 380, 0.50, 0.48, 0.29),  # steppe
        (11, 1000, 0.19, 0.32, 0.13),  # broad-leaved forest
        (12, 2300, 0.09, 0.25, 0.13),  # rain forest of the temperate zone
        (17, 520, 0.42, 0.40, 0.23),  # scrub
        (20, 1300, 0.20, 0.35, 0.13),
        (26, 70, 0.86, 0.69, 0.46),  # hot desert
        (24, 260, 0.71, 0.55, 0.34),
        (26, 800, 0.46, 0.46, 0.19),  # savanna
        (26, 2300, 0.07, 0.26, 0.08),  # rain forest
        (27, 4000, 0.04, 0.20, 0.07),
    ]
)
_COLDEST, _WARMEST, _DRIEST, _WETTEST = -34.0, 32.0, np.log(25.0), np.log(4000.0)
_STEPS = 96


def _table() -> NDArray[np.float32]:
    """Colours over temperature and the logarithm of rainfall, blended between the types: (3, steps * steps)."""
    warm, wet = np.meshgrid(
        np.linspace(_COLDEST, _WARMEST, _STEPS), np.linspace(_DRIEST, _WETTEST, _STEPS), indexing="ij"
    )
    unlike = ((warm[..., None] - _TYPES[:, 0]) / 4.5) ** 2 + ((wet[..., None] - np.log(_TYPES[:, 1])) / 0.45) ** 2
    weights = np.exp(-0.5 * (unlike - unlike.min(axis=-1, keepdims=True)))
    colours = (weights / weights.sum(axis=-1, keepdims=True)) @ _TYPES[:, 2:]
    return np.ascontiguousarray(colours.reshape(-1, 3).T, dtype=np.float32)


_TABLE = _table()


def ground_colour(temperature: NDArray[np.float32], rainfall_mm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Red, green, blue (3, ...) in 0..1 of the ground under a mean temperature (Celsius) and yearly rainfall."""
    warm = (temperature - _COLDEST) * ((_STEPS - 1) / (_WARMEST - _COLDEST))
    wet = (np.log(rainfall_mm) - _DRIEST) * ((_STEPS - 1) / (_WETTEST - _DRIEST))
    row, column = (np.clip(step, 0, _STEPS - 1).astype(np.intp) for step in (warm, wet))
    colour: NDArray[np.float32] = _TABLE.take(row * _STEPS + column, axis=1)
    return colour
