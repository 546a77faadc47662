"""What methods, the optimiser and a start from another run ask of an encoder; any that gives it can stand in."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from birdsat.encoders.registry import ENCODERS
from birdsat.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class View:
    """One kind of image that an encoder sees."""

    px: int  # height and width of the image
    patch_px: int  # height and width of a patch

    def __post_init__(self) -> None:
        if self.patch_px < 1 or self.px < 1 or self.px % self.patch_px:
            raise ConfigError(
                f"an image of {self.px} px cannot be cut into patches of {self.patch_px} px; "
                "the patch size must divide the image size."
            )

    @property
    def side(self) -> int:
        """Patches along one side."""
        return self.px // self.patch_px

    @property
    def tokens(self) -> int:
        """Patches in all."""
        return self.side**2


class EncoderSettings(ABC):
    """The settings of any encoder, a frozen dataclass listed in `encoders.registry`.

    `views`: the images it sees of a sample, in order; `drop_path`: share of samples that its last block leaves out in
    training, 0 for an encoder without stochastic depth.
    """

    KINDS: ClassVar[Mapping[str, str]] = ENCODERS

    views: tuple[View, ...]
    drop_path: float = 0.0

    @property
    @abstractmethod
    def features_width(self) -> int:
        """Length of `Encoder.features`."""

    @abstractmethod
    def build(self) -> "Encoder":
        """An encoder with fresh weights, drawn from torch's global generator."""

    def with_drop_path(self, share: float) -> "EncoderSettings":
        """The same with stochastic depth (Huang et al. 2016); an encoder that has none stays as it is."""
        return self


class Encoder(nn.Module, ABC):
    """Images of a sample to one vector of features, and to what training asks of its layers."""

    @property
    @abstractmethod
    def views(self) -> tuple[View, ...]:
        """The images it sees of a sample, in order."""

    @property
    @abstractmethod
    def layers(self) -> Sequence[nn.Module]:
        """Its parts from first to last, each of which may learn more slowly than the next; what is in none of them
        (patches, positions) comes before the first."""

    @abstractmethod
    def features(
        self,
        images: Sequence[Float[Tensor, "n 3 _height _width"] | None],
        visible: Sequence[Int64[Tensor, "n _visible"] | None] | None = None,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n features"]:
        """One vector a sample from one normalised image a view; None leaves a view out.

        visible: of each view the patches that are looked at, as `draw_visible` has them; None: all. generator: chance
        of stochastic depth, in training.
        """

    def draw_visible(
        self, i: int, n: int, mask_ratio: float, generator: torch.Generator
    ) -> Int64[Tensor, "n visible"] | None:
        """Draw which patches of view `i` stay visible, for each of n samples; None: it cannot hide any."""
        return None

    def features_of_view(
        self,
        i: int,
        image: Float[Tensor, "n 3 height_px width_px"],
        mask_ratio: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n features"]:
        """The features of view `i` alone; with `generator`, so large a share of its patches is hidden."""
        images: list[Tensor | None] = [None] * len(self.views)
        visible: list[Tensor | None] = [None] * len(self.views)
        images[i] = image
        if generator is not None and mask_ratio > 0:
            visible[i] = self.draw_visible(i, len(image), mask_ratio, generator)
        return self.features(images, visible, generator)
