"""The part that most methods share: hide patches of one view or several, encode the rest, rebuild what was hidden."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from birdsat.encoders.pixel_decoder import PixelDecoder, PixelDecoderConfig
from birdsat.encoders.tokens import from_patches, hidden_mask, pool, to_patches
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import ConfigError
from birdsat.methods.method import Normalise, Reconstruction
from birdsat.objectives.reconstruct import denormalise_patches, normalise_patches, reconstruction_loss

Normalised = Float[Tensor, "n 3 _height _width"]  # an image after `Normalise`
Known = Float[Tensor, "n width"]  # what else is known of each sample, given to the decoder


@dataclass(frozen=True, kw_only=True)
class MaskedConfig:
    """Settings of an encoder and of what it rebuilds."""

    RENAMED_SETTINGS: ClassVar = {"hidden_share": "mask_ratio"}

    encoder: ViewEncoderConfig
    decoder: PixelDecoderConfig
    mask_ratio: float = 0.5  # of each view's patches, in training
    normalise_target: bool = True  # rebuild each patch's pixels at mean 0 and variance 1

    def __post_init__(self) -> None:
        if not 0 < self.mask_ratio < 1:
            raise ConfigError(f"mask_ratio is {self.mask_ratio}; it must lie between 0 and 1.")

    def with_drop_path(self, share: float) -> "MaskedConfig":
        """The same with stochastic depth in its encoder."""
        return replace(self, encoder=self.encoder.with_drop_path(share))

    def one_view(self, image: str) -> None:
        """Raises ConfigError unless the encoder has exactly one view; `image` says of what."""
        if len(self.encoder.views) != 1:
            raise ConfigError(f"the {image} encoder has {len(self.encoder.views)} views; exactly one is allowed.")


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What one masked pass gives."""

    tokens: Float[Tensor, "n tokens width"]  # of the class and the visible patches, view by view
    predicted: list[Float[Tensor, "n _patches _pixels"]]  # every patch of each view
    hidden: list[Float[Tensor, "n _patches"]]  # 1 where a patch was hidden


class MaskedAutoencoder(nn.Module):
    """Masked autoencoder (He et al. 2022) of one view, or of several in one sequence."""

    def __init__(self, config: MaskedConfig) -> None:
        super().__init__()
        self.config = config
        self.views = config.encoder.views
        self.encoder = config.encoder.build()
        self.decoder = PixelDecoder(config.decoder, from_width=config.encoder.width, views=self.views)

    def draw_visible(self, n: int, generator: torch.Generator) -> list[Int64[Tensor, "n _visible"]]:
        """Draw which patches of each view stay visible of n samples."""
        return [self.encoder.draw_visible(i, n, self.config.mask_ratio, generator) for i in range(len(self.views))]

    def forward(
        self,
        images: Sequence[Normalised],
        visible: Sequence[Int64[Tensor, "n _visible"]],
        known: Known | None = None,
        generator: torch.Generator | None = None,
    ) -> Rebuilt:
        """Encode the visible patches, and predict the pixels of all. generator: of stochastic depth, in training."""
        tokens = self.encoder(images, visible, generator)  # (n, 1 + visible of all views, width)
        summary, *seen = tokens.split([1, *(where.shape[1] for where in visible)], dim=1)
        if known is not None:
            summary = summary + known[:, None]
        predicted = self.decoder(summary, seen, visible)
        hidden = [hidden_mask(where, view.tokens) for where, view in zip(visible, self.views, strict=True)]
        return Rebuilt(tokens=tokens, predicted=predicted, hidden=hidden)

    def features(self, rebuilt: Rebuilt) -> Float[Tensor, "n features"]:
        """What the encoder said of the visible patches."""
        return pool(rebuilt.tokens, self.config.encoder.pooling)

    def loss(
        self, rebuilt: Rebuilt, images: Sequence[Normalised], present: Sequence[Bool[Tensor, " n"]]
    ) -> Float[Tensor, ""]:
        """Of rebuilding the hidden patches of the views that are present."""
        target = [to_patches(image, view.patch_px) for image, view in zip(images, self.views, strict=True)]
        if self.config.normalise_target:
            target = [normalise_patches(patches) for patches in target]
        return reconstruction_loss(rebuilt.predicted, target, rebuilt.hidden, present)

    def picture(self, rebuilt: Rebuilt, i: int, image: Normalised, normalise: Normalise) -> Reconstruction:
        """View `i` as it was, and as it was rebuilt."""
        view = self.views[i]
        patches = to_patches(image, view.patch_px)
        predicted = rebuilt.predicted[i]
        if self.config.normalise_target:
            predicted = denormalise_patches(predicted, patches)
        gone = rebuilt.hidden[i][..., None].expand_as(patches)

        def put_together(tokens: Float[Tensor, "n tokens pixels"]) -> Float[Tensor, "n 3 height_px width_px"]:
            return from_patches(tokens, view.patch_px, view.side, view.side)

        return Reconstruction(
            image=normalise.undo(image),
            hidden=put_together(gone),
            rebuilt=normalise.undo(put_together(torch.where(gone > 0, predicted, patches))),
        )
