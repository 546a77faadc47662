"""What every method can do."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.dataset.manifest import RGB
from birdsat.errors import InputError

IMAGENET_MEAN: RGB = (0.485, 0.456, 0.406)
IMAGENET_STD: RGB = (0.229, 0.224, 0.225)

Image = UInt8[Tensor, "n 3 height_px width_px"] | Float[Tensor, "n 3 height_px width_px"]  # 0..255, or 0..1


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Photos, which patches were hidden, and what the method made of them; for pictures."""

    photo: Float[Tensor, "n 3 height_px width_px"]  # RGB, 0..1
    hidden: Float[Tensor, "n 3 height_px width_px"]  # 1 where the patch was hidden
    rebuilt: Float[Tensor, "n 3 height_px width_px"]  # RGB, 0..1; the visible patches are the photo's own


class Normalise(nn.Module):
    """RGB images to zero mean and unit deviation of the data."""

    def __init__(self, mean: RGB, std: RGB) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        steps = torch.tensor(std).clamp(min=1 / 255)  # a band that never changes has no deviation to divide by
        self.register_buffer("std", steps.view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Image) -> Float[Tensor, "n 3 height_px width_px"]:
        scaled = image.to(self.mean.dtype) / 255 if image.dtype == torch.uint8 else image
        return (scaled - self.mean) / self.std

    def undo(self, image: Float[Tensor, "n 3 height_px width_px"]) -> Float[Tensor, "n 3 height width"]:
        """Back to RGB in 0..1."""
        return (image * self.std + self.mean).clamp(0, 1)


class Method(nn.Module, ABC):
    """A way to learn from observations, and what it learned: embeddings, the same for the same input in eval mode."""

    sees_chips: bool
    uses_metadata: bool
    chips_are_frozen: bool = False  # then `losses` takes chip features that were computed once

    @abstractmethod
    def losses(
        self, batch: Batch, draw: torch.Generator, chip_features: Float[Tensor, "n chip_pooled"] | None = None
    ) -> dict[str, Tensor]:
        """The named parts of the training loss, whose sum is minimised. All chance comes from `draw`."""

    @abstractmethod
    def embed_photo(self, photo: Image) -> Float[Tensor, "n width"]:
        """Unit vectors of photos."""

    @abstractmethod
    def reconstruct(self, batch: Batch, draw: torch.Generator) -> Reconstruction:
        """Hide patches of the photos and rebuild them."""

    def encode_chip(self, chip: Image) -> Float[Tensor, "n chip_pooled"]:
        """The heavy part of a chip's embedding, free of place and date."""
        raise InputError(f"{type(self).__name__} learns from photos only and cannot embed chips; use a cve_mae run.")

    def embed_chip(
        self,
        features: Float[Tensor, "n chip_pooled"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
    ) -> Float[Tensor, "n width"]:
        """Unit vectors of chips at places and dates (NaN where missing), from `encode_chip`'s features; cheap."""
        raise InputError(f"{type(self).__name__} learns from photos only and cannot embed chips; use a cve_mae run.")
