"""Augmentation: crops, flips and turns image by image in the loader's workers; colour on whole batches."""

import math
from dataclasses import dataclass, field, fields, replace

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from birdsat.dataset.batch import Batch
from birdsat.dataset.rand_augment import RandAugment
from birdsat.errors import ConfigError
from birdsat.imagery.photos import decode_rgb

_ASPECT = 4 / 3  # widest crop, width over height; the narrowest is its inverse

# Luminance and the hue rotation's sine part are those of feColorMatrix "hueRotate", SVG 1.1 section 15.10.
_LUMINANCE = ((0.213, 0.715, 0.072),) * 3
_HUE_SINE = ((-0.213, -0.715, 0.928), (0.143, 0.140, -0.283), (-0.787, 0.715, 0.072))


@dataclass(frozen=True, kw_only=True, slots=True)
class ColourJitter:
    """Random brightness, contrast, saturation and hue, drawn for each image of a batch on its own."""

    brightness: float = 0.4  # factor drawn from 1 - brightness to 1 + brightness; 0..1, as the next two
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.02  # turn of the colour wheel drawn from -hue to hue, as a part of a whole turn; 0..0.5

    def __post_init__(self) -> None:
        for setting in fields(self):
            value, most = getattr(self, setting.name), 0.5 if setting.name == "hue" else 1.0
            if not 0 <= value <= most:
                raise ConfigError(f"colour jitter {setting.name} is {value}; allowed: 0 (none) to {most}.")

    def __call__(self, image: UInt8[Tensor, "n 3 h w"], generator: torch.Generator) -> UInt8[Tensor, "n 3 h w"]:
        """The images in other colours. The same `generator` gives the same colours; black images stay black.

        All four changes are linear in the colours, so each image is multiplied by one matrix (3, 3) and
        shifted; values are rounded and clamped to 0..255 once, at the end.
        """
        n, _, height, width = image.shape
        strengths = torch.tensor([self.brightness, self.contrast, self.saturation, self.hue], device=generator.device)
        spread = (torch.rand(n, 4, generator=generator, device=generator.device) * 2 - 1) * strengths
        brightness, contrast, saturation = (1 + spread[:, :3]).to(image.device).view(n, 3, 1, 1).unbind(1)
        angle = (2 * math.pi * spread[:, 3:]).to(image.device).view(n, 1, 1)

        luminance = torch.tensor(_LUMINANCE, device=image.device)
        hue_sine = torch.tensor(_HUE_SINE, device=image.device)
        colour = torch.eye(3, device=image.device) - luminance  # what saturation scales and hue turns
        matrix = luminance + saturation * (angle.cos() * colour + angle.sin() * hue_sine)

        pixels = image.flatten(2).float()  # (n, 3, h w)
        mean_grey = (luminance[0] * pixels.mean(2)).sum(1).view(n, 1, 1)
        shift = (1 - contrast) * brightness * mean_grey + 0.5  # 0.5: the cast to integers below rounds down
        with torch.autocast(image.device.type, enabled=False):  # bfloat16 cannot hold 0..255 exactly
            pixels = torch.bmm(brightness * contrast * matrix, pixels).add_(shift)
        return pixels.clamp_(0, 255).to(torch.uint8).view(n, 3, height, width)


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewsConfig:
    """How images look to the model: their sizes, and what training changes in them at random."""

    photo_px: int = 64  # side of the square photo
    chip_px: int = 64  # side of the square chip
    photo_crop_scale: float = 0.3  # smallest area of the random crop, as a part of the photo's; 1: all of it
    photo_views: int = 1  # views of each photo in a batch, for methods that contrast them
    photo_flip: bool = True  # left and right swapped in half of the photos
    photo_colour: ColourJitter = field(default_factory=ColourJitter)
    photo_rand_augment: RandAugment | None = None  # changes of colour and shape beside these, as classifiers like them
    chip_crop_scale: float = 1.0  # smallest area of the random crop; 1 keeps the chip's ground size
    chip_turns: bool = True  # one of the eight turns and mirrorings of a square: seen from above, no side is up
    chip_colour: ColourJitter = field(
        default_factory=lambda: ColourJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.0)
    )

    def __post_init__(self) -> None:
        for name in ("photo_px", "chip_px", "photo_views"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 1 or more.")
        for name in ("photo_crop_scale", "chip_crop_scale"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: above 0, up to 1 (the whole image).")

    def views_of_photo(self, data: bytes, rng: np.random.Generator) -> UInt8[np.ndarray, "views photo_px photo_px 3"]:
        """Random views of an encoded photo, decoded once. Raises ImageError when it cannot be decoded."""
        crops = [_Crop.drawn(self.photo_crop_scale, _ASPECT, rng) for _ in range(self.photo_views)]
        flips = rng.random(self.photo_views) < 0.5
        image = decode_rgb(data, shorter_px=max(crop.least_px(self.photo_px) for crop in crops), exact=False)
        views = [crop.of(image, self.photo_px) for crop in crops]
        turned = [view[:, ::-1] if flip and self.photo_flip else view for view, flip in zip(views, flips, strict=True)]
        if self.photo_rand_augment is not None:
            turned = [self.photo_rand_augment(view, rng) for view in turned]
        return np.stack(turned)

    def chip_view(self, data: bytes, rng: np.random.Generator) -> UInt8[np.ndarray, "chip_px chip_px 3"]:
        """A random view of an encoded chip. Raises ImageError when it cannot be decoded."""
        crop = _Crop.drawn(self.chip_crop_scale, 1.0, rng)
        quarters, mirrored = divmod(int(rng.integers(8)), 2)
        view = crop.of(decode_rgb(data, shorter_px=crop.least_px(self.chip_px), exact=False), self.chip_px)
        if not self.chip_turns:
            return view
        view = np.rot90(view, quarters)
        return view[:, ::-1] if mirrored else view

    def recolour(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The same batch with photos, view by view, then chips, in random colours."""
        photos = tuple(self.photo_colour(view, generator) for view in batch.photos)
        return replace(batch, photos=photos, chip=self.chip_colour(batch.chip, generator))


def whole_view(data: bytes, px: int) -> UInt8[np.ndarray, "px px 3"]:
    """The central square of an encoded image, without chance. Raises ImageError when it cannot be decoded."""
    return central_view(decode_rgb(data, shorter_px=px, exact=False), px)


def central_view(image: UInt8[np.ndarray, "height width 3"], px: int) -> UInt8[np.ndarray, "px px 3"]:
    """The central square of an image."""
    height, width = image.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return _resized(image, px, (left, top, left + side, top + side))


def crop_box(
    width: int, height: int, *, area: float, aspect: float, left: float, top: float
) -> tuple[float, float, float, float]:
    """A crop inside an image of `width` x `height` pixels, as left, top, right, bottom in pixels.

    area: part of the image's area, above 0 to 1; a crop that would stick out is shrunk without changing its
    shape. aspect: width over height. left, top: where the crop lies in the room it has, 0..1.
    """
    crop_width = math.sqrt(area * width * height * aspect)
    crop_height = crop_width / aspect
    fit = min(1.0, width / crop_width, height / crop_height)
    # min() here and below: rounding may put the product a hair outside the image
    crop_width, crop_height = min(crop_width * fit, width), min(crop_height * fit, height)
    x, y = left * (width - crop_width), top * (height - crop_height)
    return x, y, min(x + crop_width, width), min(y + crop_height, height)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Crop:
    """Shape and position of a crop relative to any image; the fields are crop_box's arguments."""

    area: float
    aspect: float
    left: float
    top: float

    @staticmethod
    def drawn(smallest_area: float, widest: float, rng: np.random.Generator) -> "_Crop":
        """Four draws whatever the settings, so that a setting changes only what it is about."""
        area, aspect, left, top = rng.random(4).tolist()
        if smallest_area == 1:
            return _Crop(area=1.0, aspect=1.0, left=left, top=top)
        return _Crop(
            area=smallest_area + (1 - smallest_area) * area,
            aspect=widest ** (2 * aspect - 1),
            left=left,
            top=top,
        )

    def least_px(self, px: int) -> int:
        """Shorter side of the image, in pixels, at which the crop's own shorter side still has `px`."""
        # The crop's shorter side is at least the image's times sqrt(area narrow), or times narrow where the
        # crop had to be shrunk to fit.
        narrow = min(self.aspect, 1 / self.aspect)
        return math.ceil(px / min(math.sqrt(self.area * narrow), narrow))

    def of(self, image: UInt8[np.ndarray, "height width 3"], px: int) -> UInt8[np.ndarray, "px px 3"]:
        """The crop of an image, resized."""
        height, width = image.shape[:2]
        box = crop_box(width, height, area=self.area, aspect=self.aspect, left=self.left, top=self.top)
        return _resized(image, px, box)


def _resized(
    image: UInt8[np.ndarray, "height width 3"], px: int, box: tuple[float, float, float, float]
) -> UInt8[np.ndarray, "px px 3"]:
    if image.shape[:2] == (px, px) and box == (0, 0, px, px):
        return image
    # Pillow's bilinear filter widens with the reduction, so it does not alias.
    return np.asarray(Image.fromarray(image).resize((px, px), Image.Resampling.BILINEAR, box=box))
