"""RandAugment: a few changes of colour and shape, drawn for each photo from a list, all of one strength."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageEnhance, ImageOps

from birdsat.errors import ConfigError

_STRONGEST = 10.0  # magnitude at which every change is at the end of its range
_GREY = (128, 128, 128)  # of what a turn or shift brings into the picture

# Ends of the ranges: Cubuk et al. 2019, "AutoAugment", table 6 in the appendix.
_SHEAR = 0.3  # shift across the picture, as a part of the way down it
_SHIFT = 150 / 331  # as a part of the side
_TURN = 30.0  # degrees
_ENHANCE = 0.9  # factor from 1 - this to 1 + this
_POSTERIZE = 4  # bits taken away


def _solarize(image: Image.Image, strength: float) -> Image.Image:
    return ImageOps.solarize(image, round(256 * (1 - abs(strength))))


def _posterize(image: Image.Image, strength: float) -> Image.Image:
    return ImageOps.posterize(image, 8 - round(_POSTERIZE * abs(strength)))


def _turn(image: Image.Image, strength: float) -> Image.Image:
    return image.rotate(_TURN * strength, Image.Resampling.BILINEAR, fillcolor=_GREY)


def _moved(
    image: Image.Image, *, across: float = 0.0, down: float = 0.0, lean: float = 0.0, tilt: float = 0.0
) -> Image.Image:
    """Shifted by pixels; leaning and tilting about the centre."""
    width, height = image.size
    matrix = (1.0, lean, across - lean * height / 2, tilt, 1.0, down - tilt * width / 2)
    return image.transform(
        image.size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR, fillcolor=_GREY
    )


# The fourteen of Cubuk et al. 2020, section 3. Strengths are from -1 to 1; where a sign has no meaning, it has none.
CHANGES: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "identity": lambda image, strength: image,
    "auto contrast": lambda image, strength: ImageOps.autocontrast(image),
    "equalize": lambda image, strength: ImageOps.equalize(image),
    "rotate": _turn,
    "solarize": _solarize,
    "colour": lambda image, strength: ImageEnhance.Color(image).enhance(1 + _ENHANCE * strength),
    "posterize": _posterize,
    "contrast": lambda image, strength: ImageEnhance.Contrast(image).enhance(1 + _ENHANCE * strength),
    "brightness": lambda image, strength: ImageEnhance.Brightness(image).enhance(1 + _ENHANCE * strength),
    "sharpness": lambda image, strength: ImageEnhance.Sharpness(image).enhance(1 + _ENHANCE * strength),
    "shear x": lambda image, strength: _moved(image, lean=_SHEAR * strength),
    "shear y": lambda image, strength: _moved(image, tilt=_SHEAR * strength),
    "translate x": lambda image, strength: _moved(image, across=_SHIFT * strength * image.width),
    "translate y": lambda image, strength: _moved(image, down=_SHIFT * strength * image.height),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RandAugment:
    """Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced search space"."""

    operations: int = 2  # changes of each photo, one after another
    magnitude: float = 5.0  # strength of all of them: 0 (colours and shape stay, nearly) to 10

    def __post_init__(self) -> None:
        if self.operations < 1:
            raise ConfigError(f"RandAugment operations is {self.operations}; allowed: 1 or more. Or leave it out.")
        if not 0 <= self.magnitude <= _STRONGEST:
            raise ConfigError(f"RandAugment magnitude is {self.magnitude}; allowed: 0 to {_STRONGEST:g}.")

    def __call__(
        self, photo: UInt8[np.ndarray, "height width 3"], rng: np.random.Generator
    ) -> UInt8[np.ndarray, "height width 3"]:
        """The photo with changes drawn from `rng`, with a random sign."""
        image = Image.fromarray(photo)
        names = list(CHANGES)
        for _ in range(self.operations):
            number, sign = rng.integers(len(names)), rng.choice((-1, 1))
            image = CHANGES[names[number]](image, float(sign) * self.magnitude / _STRONGEST)
        return np.asarray(image)
