"""Smooth-edged shapes painted on an image, each given by the signed distance to its edge."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.virtual.birds import Colour

Plane = NDArray[np.floating[Any]]  # one value a pixel, (px, px); float32 throughout
Point = tuple[float, float]


class Canvas:
    """An image that shapes are painted on, (3, px, px); y points up, the bird's body is about 1 long."""

    def __init__(
        self, image: NDArray[np.float32], origin: Point, scale_px: float, mirrored: bool, blur_px: float
    ) -> None:
        """origin: in pixels from the top left; scale_px: pixels in a unit; blur_px: over which edges fade."""
        px = image.shape[-1]
        along = np.arange(px, dtype=np.float32)
        x = (along - origin[0]) / (-scale_px if mirrored else scale_px)
        y = (origin[1] - along) / scale_px
        self.image = image
        self.x: Plane = np.broadcast_to(x, (px, px))
        self.y: Plane = np.broadcast_to(y[:, None], (px, px))
        self._edge = scale_px / blur_px

    def cover(self, distance: Plane) -> Plane:
        """Share of each pixel inside a shape, from the signed distance to its edge (below 0 inside)."""
        share: Plane = np.clip(0.5 - distance * self._edge, 0, 1)
        return share

    def paint(self, share: Plane, colour: Colour | Plane) -> None:
        """Lay a colour, or an image (3, px, px), over the image where `share` is above 0."""
        over = np.array(colour, dtype=np.float32)
        self.image += share * ((over[:, None, None] if over.ndim == 1 else over) - self.image)

    def dim(self, share: Plane) -> None:
        """Darken the image by a share of its light."""
        self.image *= 1 - share

    def disc(self, centre: Point, radius: float) -> Plane:
        """A circle."""
        distance: Plane = np.hypot(self.x - centre[0], self.y - centre[1]) - radius
        return distance

    def oval(self, centre: Point, half_length: float, half_depth: float, turn: float) -> Plane:
        """An ellipse turned by radians. The distance is exact to first order."""
        along, across = self.turned(centre, turn)
        inside = np.sqrt((along / half_length) ** 2 + (across / half_depth) ** 2)
        steepness = np.sqrt((along / half_length**2) ** 2 + (across / half_depth**2) ** 2) + 1e-4
        distance: Plane = inside * (inside - 1) / steepness
        return distance

    def taper(self, start: Point, end: Point, start_radius: float, end_radius: float) -> Plane:
        """A rod from start to end whose radius changes evenly."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        x, y = self.x - start[0], self.y - start[1]
        share = np.clip((x * dx + y * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
        across = np.hypot(x - share * dx, y - share * dy)
        distance: Plane = across - (start_radius + share * (end_radius - start_radius))
        return distance

    def turned(self, centre: Point, turn: float) -> tuple[Plane, Plane]:
        """Coordinates along and across an axis through `centre`, turned by radians."""
        x, y = self.x - centre[0], self.y - centre[1]
        cos, sin = math.cos(turn), math.sin(turn)
        return x * cos + y * sin, y * cos - x * sin


def blend(first: Plane, second: Plane, softness: float) -> Plane:
    """Union of two shapes with a rounded joint (polynomial smooth minimum)."""
    share = np.clip(0.5 + (second - first) * (0.5 / softness), 0, 1)
    blended: Plane = second + share * (first - second) - softness * share * (1 - share)
    return blended
