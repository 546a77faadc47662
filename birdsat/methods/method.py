"""What every method can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar, NoReturn, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.encoders.encoder import Encoder, EncoderSettings
from birdsat.errors import ConfigError, InputError
from birdsat.imagery.photos import RGB
from birdsat.methods.registry import METHODS

IMAGENET_MEAN: RGB = (0.485, 0.456, 0.406)
IMAGENET_STD: RGB = (0.229, 0.224, 0.225)
Settings = TypeVar("Settings", bound="MethodSettings")
_STATISTICS = ("photo_mean", "photo_std", "chip_mean", "chip_std")

Image = UInt8[Tensor, "n 3 _height_px _width_px"] | Float[Tensor, "n 3 _height_px _width_px"]  # 0..255, or 0..1


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Images, which patches were hidden, and what the method made of them; for pictures."""

    image: Float[Tensor, "n 3 height_px width_px"]  # RGB, 0..1
    hidden: Float[Tensor, "n 3 height_px width_px"]  # 1 where the patch was hidden
    rebuilt: Float[Tensor, "n 3 height_px width_px"]  # RGB, 0..1; the visible patches are the image's own


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """What the settings of a method may take from the data it is trained on."""

    photo_mean: RGB | None  # of the train split, 0..1; None: without photos
    photo_std: RGB | None
    chip_mean: RGB | None
    chip_std: RGB | None
    taxa: tuple[str, ...]  # names by label
    taxon_rows: tuple[int, ...]  # training rows of each
    places: Callable[[], Float[np.ndarray, "rows 2"]]  # reads lon, lat of every training row; NaN where missing
    starts_from_run: bool = False  # whether the first weights are another run's, which has seen other images


@dataclass(frozen=True, kw_only=True)
class MethodSettings(ABC):
    """The settings of any method, a frozen dataclass listed in `methods.registry`, and what is asked of them."""

    KINDS: ClassVar[Mapping[str, str]] = METHODS

    @abstractmethod
    def build(self) -> "Method":
        """The method with fresh weights, drawn from torch's global generator."""

    @property
    def photo_px(self) -> int | None:
        """Side of the photos it sees, of its encoder's first view unless it says otherwise; None: it sees none."""
        return None if self.photo_encoder is None else self.photo_encoder.views[0].px

    @property
    def chip_px(self) -> int | None:
        """Side of the chips it sees; None: it sees none."""
        return None

    @property
    def photo_views(self) -> int:
        """Views of each photo that it compares."""
        return 1

    @property
    def photo_encoder(self) -> EncoderSettings | None:
        """Of the encoder that its embeddings of photos come from; None: it has none."""
        return None

    @property
    def uses_metadata(self) -> bool:
        """Whether place and date change its embeddings."""
        return False

    @property
    def needs_chips(self) -> bool:
        """Whether it learns nothing from a dataset without chips."""
        return self.chip_px is not None

    @property
    def chips_are_frozen(self) -> bool:
        """Whether features of chips can be made once, before training."""
        return False

    @property
    def learns_taxa(self) -> bool:
        """Whether it is trained with the labels of the dataset."""
        return False

    @property
    def embedder(self) -> "MethodSettings":
        """The method that its embeddings come from: itself, or the one that it holds."""
        return self

    def fitted_to(self, facts: TrainingFacts) -> "MethodSettings":
        """The same with what it takes from the training data. Raises InputError when they lack what it needs."""
        return self.with_statistics(facts)

    def with_statistics(self: Settings, facts: TrainingFacts) -> Settings:
        """The same with the mean and deviation of the images of the training data, where it has settings for them."""
        names = {setting.name for setting in fields(self)}
        known = {name: getattr(facts, name) for name in _STATISTICS if name in names}
        return replace(self, **{name: value for name, value in known.items() if value is not None})

    def without_metadata(self) -> "MethodSettings":
        """The same with place and date left out, so far as it knows them."""
        return self

    def with_drop_path(self, share: float) -> "MethodSettings":
        """The same with stochastic depth in its encoder of photos (Huang et al. 2016), where it has one."""
        return self

    def with_frozen_chips(self) -> "MethodSettings":
        """The same with an encoder of chips that is not trained. Raises ConfigError for a method without one."""
        raise ConfigError(f"{type(self).__name__} has no chip encoder of its own to freeze; take a method of cve_mae.")


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
    matches_pairs: bool = False  # whether `match` sees a photo and a chip together
    chips_are_frozen: bool = False  # then `losses` takes the batch's chip features, which were computed once

    @abstractmethod
    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The named parts of the training loss, whose sum is minimised. All chance comes from `generator`."""

    def encoders(self) -> dict[str, Encoder]:
        """Its encoders by what they see ("photo", "chip", "photo and chip"): another run may start from them."""
        return {}

    def place_time_encoder(self) -> nn.Module | None:
        """The part that puts place and date into the embedding of a chip; None: there is none."""
        return None

    def align_copies(self) -> None:
        """Bring copies of its own weights in line with them, after another run has given some. Most keep no copy."""

    def embed_photo(self, photo: Image) -> Float[Tensor, "n width"]:
        """Unit vectors of photos."""
        return self.embed_features(self.photo_features(photo))

    def embed_features(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n width"]:
        """`embed_photo` of photos whose `photo_features` are known."""
        self._cannot("embed photos")

    def similarity_scale(self) -> float | None:
        """What it learned to multiply cosines of photos and chips by, to tell pairs apart; None: it learned none."""
        return None

    def photo_features(
        self, photo: Image, mask_ratio: float = 0.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n features"]:
        """What the encoder says of photos before any head, as a classifier needs it.

        With `generator`, so large a share of the patches is hidden, and blocks are skipped in training.
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

    def reconstruct(self, batch: Batch, generator: torch.Generator) -> Reconstruction:
        """Hide patches of the photos (of the chips, where it sees no photos) and rebuild them."""
        self._cannot("rebuild hidden patches")

    def _cannot(self, what: str) -> NoReturn:
        able = {"embed photos": "any method of photos", "embed chips": "cve_mae or cvm_mae"}
        able |= {"match photos with chips": "cvm_mae", "rebuild hidden patches": "mae, cve_mae or cvm_mae"}
        raise InputError(f"{type(self).__name__} does not {what}; use a run of {able[what]}.")
