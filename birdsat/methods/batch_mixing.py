"""What classifiers do to a batch of photos in training: parts are erased, and photos are mixed with each other."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from birdsat.methods.method import Image

_ERASED_AREA = (0.02, 1 / 3)  # of the photo; Zhong et al. 2020 go up to 0.4
_ERASED_SHAPE = 0.3  # height over width of the flattest box; the tallest has its inverse


def erase(photo: Image, generator: torch.Generator, chance: float) -> Image:
    """Fill one box in so large a share of the photos with noise (Zhong et al. 2020, "Random Erasing").

    Returns RGB in 0..1, or the photos as they came where the chance is 0.
    """
    if chance == 0:
        return photo
    pixels = _pixels(photo)
    n, _, height, width = pixels.shape
    chosen, area, shape, down, across = torch.rand(5, n, generator=generator, device=generator.device).to(pixels.device)
    noise = torch.rand(pixels.shape, generator=generator, device=generator.device).to(pixels.device)
    least, most = _ERASED_AREA
    side = ((least + (most - least) * area) * height * width).sqrt()
    stretch = torch.exp((2 * shape - 1) * math.log(1 / _ERASED_SHAPE) / 2)  # root of height over width
    tall, wide = (side * stretch).clamp_max(height), (side / stretch).clamp_max(width)
    top, left = down * (height - tall), across * (width - wide)
    box = _boxes(top, top + tall, left, left + wide, height, width) & (chosen < chance)[:, None, None, None]
    return torch.where(box, noise, pixels)


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Photos, each with a part of another in it."""

    photo: Image
    partner: Int64[Tensor, " n"]  # which other
    share: Float[Tensor, " n"]  # of itself; the rest is the partner's

    def blend(self, values: Float[Tensor, "n width"]) -> Float[Tensor, "n width"]:
        """Other values of the samples, such as targets, in the same shares."""
        share = self.share[:, None].to(values.dtype)
        return share * values + (1 - share) * values[self.partner]


def mix(photo: Image, present: Bool[Tensor, " n"], generator: torch.Generator, *, mixup: float, cutmix: float) -> Mixed:
    """Mix each photo with that of another sample, drawn as a permutation of the batch.

    mixup: shares of all pixels are drawn from Beta(mixup, mixup) (Zhang et al. 2018); cutmix: a box of the partner's
    photo, of an area from Beta(cutmix, cutmix), takes the place of the sample's own (Yun et al. 2019). Where both are
    above 0, each sample takes one of the two by a coin; where both are 0, photos stay as they came. A partner without
    a photo leaves the sample as it is.
    """
    n, _, height, width = photo.shape
    if mixup == 0 and cutmix == 0:
        alone = torch.arange(n, device=photo.device)
        return Mixed(photo=photo, partner=alone, share=torch.ones(n, device=photo.device))
    where = photo.device
    partner = torch.randperm(n, generator=generator, device=generator.device).to(where)
    coin, down, across = torch.rand(3, n, generator=generator, device=generator.device).to(where)
    blended = _beta(n, mixup or 1.0, generator).to(where)
    kept = _beta(n, cutmix or 1.0, generator).to(where)
    side = (1 - kept).sqrt() / 2  # half of the box's, as a part of the photo's
    box = _boxes(
        (down - side) * height,
        (down + side) * height,
        (across - side) * width,
        (across + side) * width,
        height,
        width,
    )
    cut = (coin < (0.0 if cutmix == 0 else 1.0 if mixup == 0 else 0.5))[:, None, None, None]
    own = torch.where(cut, (~box).float(), blended[:, None, None, None])
    own = torch.where(present[partner][:, None, None, None], own, 1.0)  # (n, 1, height, width)
    pixels = _pixels(photo)
    return Mixed(photo=own * pixels + (1 - own) * pixels[partner], partner=partner, share=own.mean(dim=(1, 2, 3)))


def _pixels(photo: Image) -> Float[Tensor, "n 3 height width"]:
    return photo.float() / 255 if photo.dtype == torch.uint8 else photo


def _beta(n: int, alpha: float, generator: torch.Generator) -> Float[Tensor, " n"]:
    """n draws from Beta(alpha, alpha), as the share of one of two gamma draws."""
    shape = torch.full((2, n), alpha, device=generator.device)
    one, other = torch._standard_gamma(shape, generator=generator).clamp_min(1e-30)
    share: Tensor = one / (one + other)
    return share


def _boxes(
    top: Float[Tensor, " n"],
    bottom: Float[Tensor, " n"],
    left: Float[Tensor, " n"],
    right: Float[Tensor, " n"],
    height: int,
    width: int,
) -> Bool[Tensor, "n 1 height width"]:
    """Which pixels' centres lie within each box."""
    rows = torch.arange(height, device=top.device) + 0.5
    columns = torch.arange(width, device=top.device) + 0.5
    tall = (rows >= top[:, None]) & (rows < bottom[:, None])
    wide = (columns >= left[:, None]) & (columns < right[:, None])
    return (tall[:, :, None] & wide[:, None, :])[:, None]
