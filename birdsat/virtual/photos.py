"""Photos of virtual birds: one bird before the blurred background of its habitat."""

import numpy as np
import simplejpeg

from birdsat.virtual.backdrop import Scene, draw_backdrop
from birdsat.virtual.birds import Body, Plumage
from birdsat.virtual.canvas import Canvas
from birdsat.virtual.portrait import paint_bird
from birdsat.virtual.pose import Pose


def draw_photo(body: Body, plumage: Plumage, scene: Scene, random: np.random.Generator, px: int) -> bytes:
    """A JPEG of one bird, px pixels square; everything that varies is drawn from `random`."""
    image = draw_backdrop(scene, body.stance, random, px)
    pose = Pose(body, random)
    left, bottom, right, top = pose.bounds(body)
    filled = float(random.uniform(0.45, 0.88))  # of the frame, along the bird's longer side
    scale = px * filled / max(right - left, top - bottom)
    mirrored = bool(random.random() < 0.5)
    middle = 0.5 * (left + right) * scale * (-1 if mirrored else 1)
    aim = px * (0.5 + (0.9 - filled) * random.uniform(-0.5, 0.5, size=2) + random.normal(0, 0.02, size=2))
    origin = (float(aim[0]) - middle, float(aim[1]) + 0.5 * (top + bottom) * scale)
    focus = 1.0 if random.random() < 0.75 else float(random.uniform(1.2, 2.2))
    canvas = Canvas(image, origin, scale, mirrored, focus)
    paint_bird(canvas, body, plumage, pose, scene, random)
    exposure, contrast = float(random.uniform(0.65, 1.30)), float(random.uniform(0.75, 1.20))
    # From blue shade to a low sun, and the green under leaves, as far as a camera leaves it in.
    warm, green = float(random.normal(0, 0.08)), float(random.normal(0, 0.025))
    cast = np.array([1 + warm - green, 1 + green, 1 - warm - green], dtype=np.float32)
    image = (0.5 + (image - 0.5) * contrast) * (exposure * cast)[:, None, None]
    image += random.standard_normal(image.shape, dtype=np.float32) * random.uniform(0.004, 0.022)
    pixels = (np.clip(image, 0, 1) * 255).astype(np.uint8)
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels.transpose(1, 2, 0)), quality=90, colorsubsampling="444"
    )
    return data
