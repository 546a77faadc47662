"""What every method can do."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, NoReturn

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.dataset.manifest import RGB
from birdsat.encoders.view_encoder import ViewEncoder
from birdsat.errors import InputError

IMAGENET_MEAN: RGB = (0.485, 0.456, 0.406)
IMAGENET_STD: RGB = (0.229, 0.224, 0.225)

Image = UInt8[Tensor, "n 3 _height_px _width_px"] | Float[Tensor, "n 3 _height_px _width_px"]  # 0..255, or 0..1


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Images, which patches were hidden, and what the method made of them; for pictures."""

    image: Float[Tensor, "n 3 height_px width_px"]  # RGB, 0..1
    hidden: Float[Tensor, "n 3 height_px width_px"]  # 1 where the patch was hidden
    rebuilt: Float[Tensor, "n 3 height_px width_px"]  # RGB, 0..1; the visible patches are the image's own


class MethodSettings:
    """What training asks of the settings of any method."""

    @property
    def photo_px(self) -> int | None:
        """Side of the photos it sees; None: it sees none."""
        return None

    @property
    def chip_px(self) -> int | None:
        """Side of the chips it sees; None: it sees none."""
        return None

    @property
    def photo_views(self) -> Literal[1, 2]:
        """Views of each photo that it compares."""
        return 1

    @property
    def chips_are_frozen(self) -> bool:
        """Whether features of chips can be made once, before training."""
        return False


class Normalise(nn.Module):
    """RGB images to zero mean and unit deviation of the data."""

    def __init__(self, mean: RGB, std: RGB) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        steps = torch.tensor(std).clamp(min=1 / 255)  # a band that never changes has no deviation to divide by
        self.register_buffer("std", steps.view(1, 3, 1, 1), persistent=False)

    def forward(
        self, image: Image, present: Bool[Tensor, " n"] | None = None
    ) -> Float[Tensor, "n 3 height_px width_px"]:
        """Where not `present`, the mean image, whatever the pixels are."""
        scaled = image.to(self.mean.dtype) / 255 if image.dtype == torch.uint8 else image
        normal = (scaled - self.mean) / self.std
        return normal if present is None else normal * present[:, None, None, None]

    def undo(self, image: Float[Tensor, "n 3 height_px width_px"]) -> Float[Tensor, "n 3 height width"]:
        """Back to RGB in 0..1."""
        return (image * self.std + self.mean).clamp(0, 1)


class Method(nn.Module, ABC):
    """A way to learn from observations, and what it learned: embeddings, the same for the same input in eval mode."""

    sees_photos: bool = True
    sees_chips: bool = False
    uses_metadata: bool = False
    matches_pairs: bool = False  # whether `match` judges a photo and a chip together
    chips_are_frozen: bool = False  # then `losses` takes chip features that were computed once

    @abstractmethod
    def losses(
        self, batch: Batch, draw: torch.Generator, chip_features: Float[Tensor, "n chip_features"] | None = None
    ) -> dict[str, Tensor]:
        """The named parts of the training loss, whose sum is minimised. All chance comes from `draw`."""

    def encoders(self) -> dict[str, ViewEncoder]:
        """Its encoders by what they see ("photo", "chip", "photo and chip"): another run may start from them."""
        return {}

    def align_copies(self) -> None:
        """Bring copies of its own weights in line with them, after another run has given some. Most keep no copy."""

    def embed_photo(self, photo: Image) -> Float[Tensor, "n width"]:
        """Unit vectors of photos."""
        self._cannot("embed photos")

    def similarity_scale(self) -> float | None:
        """What it learned to multiply cosines of photos and chips by, to tell pairs apart; None: it learned none."""
        return None

    def photo_features(
        self, photo: Image, mask_ratio: float = 0.0, draw: torch.Generator | None = None
    ) -> Float[Tensor, "n features"]:
        """What the encoder says of photos before any head, as a classifier needs it.

        With `draw`, so large a share of the patches is hidden, and blocks are skipped in training.
        """
        self._cannot("embed photos")

    def encode_chip(self, chip: Image) -> Float[Tensor, "n chip_features"]:
        """The heavy part of a chip's embedding, free of place and date."""
        self._cannot("embed chips")

    def embed_chip(
        self,
        features: Float[Tensor, "n chip_features"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
    ) -> Float[Tensor, "n width"]:
        """Unit vectors of chips at places and dates (NaN where missing), from `encode_chip`'s features; cheap."""
        self._cannot("embed chips")

    def match(
        self, photo: Image, chip: Image, lon_lat: Float[Tensor, "n 2"], year_fraction: Float[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        """Logits of each photo belonging to the chip, place and date of its row."""
        self._cannot("match photos with chips")

    def reconstruct(self, batch: Batch, draw: torch.Generator) -> Reconstruction:
        """Hide patches of the photos (of the chips, where it sees no photos) and rebuild them."""
        self._cannot("rebuild hidden patches")

    def _cannot(self, what: str) -> NoReturn:
        able = {"embed photos": "any method of photos", "embed chips": "cve_mae or cvm_mae"}
        able |= {"match photos with chips": "cvm_mae", "rebuild hidden patches": "mae, cve_mae or cvm_mae"}
        raise InputError(f"{type(self).__name__} does not {what}; use a run of {able[what]}.")
