"""What lies out of focus behind a bird: the colours of its habitat in soft blobs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.virtual.biomes import ground_colour
from birdsat.virtual.birds import Colour, Stance
from birdsat.virtual.window import cubic

_BLOBS = 5  # cells a side of the coarse lattice that becomes the blur
_SNOW = np.array([0.86, 0.89, 0.93], dtype=np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Where and in what season a photo is taken."""

    temperature: float  # Celsius, mean over the year
    rainfall_mm: float  # a year
    snow: bool  # lies in the month of the photo

    @property
    def wood(self) -> Colour:
        """The colour of branches, posts and stones."""
        return (0.40, 0.33, 0.26) if self.rainfall_mm > 500 else (0.52, 0.45, 0.36)


def draw_backdrop(scene: Scene, stance: Stance, random: np.random.Generator, px: int) -> NDArray[np.float32]:
    """The background of a photo, (3, px, px) in 0..1."""
    climate = np.array([[scene.temperature], [scene.rainfall_mm]], dtype=np.float32)
    plant = ground_colour(climate[0], climate[1])[:, 0] ** 0.75  # nearer, so brighter than from above
    plant = plant + random.normal(0, 0.05) + random.normal(0, 0.02, 3).astype(np.float32)
    sky = _sky(random)
    if scene.snow:
        plant = plant * 0.35 + _SNOW * 0.65
    upper, lower, horizon = plant, plant * 0.85, float(random.uniform(0.3, 0.6))
    if stance in ("perch", "post", "trunk") and random.random() < (0.55 if stance == "post" else 0.25):
        upper, horizon = sky, float(random.uniform(0.55, 1.1))
    water = 0.45 * sky + 0.35 * plant * 0.7 + np.array([0.02, 0.06, 0.09], dtype=np.float32)
    if stance in ("swim", "wade"):
        lower, horizon = water, float(random.uniform(0.02, 0.38))
    if stance == "shore":
        mud = np.array([0.50, 0.44, 0.35], dtype=np.float32) * 0.6 + plant * 0.4
        upper, lower = (water, mud) if random.random() < 0.6 else (plant, mud)
        horizon = float(random.uniform(0.25, 0.6))
    down = ((np.arange(px) + 0.5) / px).astype(np.float32)
    ground = np.clip(0.5 + (down - horizon) / random.uniform(0.05, 0.35), 0, 1)[:, None]
    image = upper[:, None, None] + ground * (lower - upper)[:, None, None]
    blobs = _blobs(random, px)
    flat = 0.25 if upper is sky else 1.0
    light = blobs[0] * (flat * (1 - ground) + (0.35 if lower is water else 0.8) * ground)
    image = image * (1 + 0.26 * light) + 0.022 * blobs[1:4]
    if stance in ("swim", "wade", "shore"):
        waves = np.sin(down * (px * random.uniform(0.35, 0.8)) + 4 * down)[:, None] * (0.6 + blobs[2])
        image += (0.035 if lower is water else 0.012) * ground * waves
    return _bokeh(image, random, px, 0.10 if upper is sky else 0.16)


def _sky(random: np.random.Generator) -> NDArray[np.float32]:
    blue = np.array([0.50, 0.68, 0.88], dtype=np.float32)
    grey = np.array([0.80, 0.83, 0.86], dtype=np.float32)
    return grey + random.random() * (blue - grey)


def _blobs(random: np.random.Generator, px: int) -> NDArray[np.float32]:
    """Smooth random fields, (4, px, px)."""
    step = -(-px // _BLOBS)
    weights = cubic(px, step)
    side = weights.shape[1]
    blurred = weights @ random.standard_normal((4, side, side), dtype=np.float32) @ weights.T
    return blurred.astype(np.float32, copy=False)


def _bokeh(image: NDArray[np.float32], random: np.random.Generator, px: int, glow: float) -> NDArray[np.float32]:
    """Highlights and dark spots that the lens spreads into discs."""
    along = np.arange(px, dtype=np.float32)
    for _ in range(int(random.integers(2, 7))):
        x, y, radius = random.random() * px, random.random() * px, px * random.uniform(0.04, 0.13)
        distance = np.hypot(along - x, (along - y)[:, None])
        disc = np.clip((radius - distance) / (0.05 * px) + 0.5, 0, 1)
        image *= 1 + disc * random.uniform(-glow, 1.6 * glow)
    return image
