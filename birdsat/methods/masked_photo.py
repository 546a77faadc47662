"""The part that every method of photos shares: hide patches of a photo, encode the rest, rebuild what was hidden."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from birdsat.dataset.manifest import RGB
from birdsat.encoders.pixel_decoder import PixelDecoder, PixelDecoderConfig
from birdsat.encoders.tokens import draw_visible, from_patches, hidden_mask, pool, to_patches
from birdsat.encoders.view_encoder import ViewEncoder, ViewEncoderConfig
from birdsat.errors import ConfigError
from birdsat.methods.method import IMAGENET_MEAN, IMAGENET_STD, Image, Normalise, Reconstruction
from birdsat.objectives.reconstruct import denormalise_patches, normalise_patches, reconstruction_loss


@dataclass(frozen=True, kw_only=True)
class MaskedPhotoConfig:
    """Settings of the photo encoder and of what it rebuilds."""

    encoder: ViewEncoderConfig
    decoder: PixelDecoderConfig
    hidden_share: float = 0.5  # of a photo's patches, in training
    normalise_target: bool = True  # rebuild each patch's pixels at mean 0 and variance 1
    photo_mean: RGB = IMAGENET_MEAN  # of the data, 0..1; filled in from the dataset when training starts
    photo_std: RGB = IMAGENET_STD

    def __post_init__(self) -> None:
        if len(self.encoder.views) != 1:
            raise ConfigError(f"the photo encoder has {len(self.encoder.views)} views; exactly one is allowed.")
        if not 0 < self.hidden_share < 1:
            raise ConfigError(f"hidden_share is {self.hidden_share}; it must lie between 0 and 1.")


class MaskedPhoto(nn.Module):
    """Masked autoencoder of photos (He et al. 2022)."""

    def __init__(self, config: MaskedPhotoConfig) -> None:
        super().__init__()
        self.config = config
        self.view = config.encoder.views[0]
        self.normalise = Normalise(config.photo_mean, config.photo_std)
        self.encoder = ViewEncoder(config.encoder)
        self.decoder = PixelDecoder(
            config.decoder,
            from_width=config.encoder.width,
            rows=self.view.side,
            columns=self.view.side,
            patch_px=self.view.patch_px,
        )

    def features(self, photo: Image) -> Float[Tensor, "n pooled"]:
        """What the encoder says of whole photos, pooled over their tokens."""
        return pool(self.encoder([self.normalise(photo)]))

    def visible_features(self, photo: Image, draw: torch.Generator) -> Float[Tensor, "n pooled"]:
        """What the encoder says of the visible patches alone."""
        visible = draw_visible(len(photo), self.view.tokens, self.config.hidden_share, draw).to(photo.device)
        return pool(self.encoder([self.normalise(photo)], [visible]))

    def forward(
        self,
        photo: Image,
        present: Bool[Tensor, " n"],
        draw: torch.Generator,
        known: Float[Tensor, "n width"] | None = None,
    ) -> tuple[Float[Tensor, "n pooled"], Float[Tensor, ""]]:
        """Features of the visible patches, and the loss of rebuilding the hidden ones.

        known: what else is known of each photo, told to the decoder.
        """
        image = self.normalise(photo)
        target = to_patches(image, self.view.patch_px)  # (n, patches, pixels)
        if self.config.normalise_target:
            target = normalise_patches(target)
        tokens, predicted, hidden = self._hide_and_rebuild(image, draw, known)
        return pool(tokens), reconstruction_loss(predicted, target, hidden, present)

    def reconstruct(
        self, photo: Image, draw: torch.Generator, known: Float[Tensor, "n width"] | None = None
    ) -> Reconstruction:
        """Hide patches and rebuild them, for pictures."""
        image = self.normalise(photo)
        _, predicted, hidden = self._hide_and_rebuild(image, draw, known)
        patches = to_patches(image, self.view.patch_px)
        if self.config.normalise_target:
            predicted = denormalise_patches(predicted, patches)
        gone = hidden[..., None].expand_as(patches)

        def picture(tokens: Float[Tensor, "n tokens pixels"]) -> Float[Tensor, "n 3 height_px width_px"]:
            return from_patches(tokens, self.view.patch_px, self.view.side, self.view.side)

        return Reconstruction(
            photo=self.normalise.undo(image),
            hidden=picture(gone),
            rebuilt=self.normalise.undo(picture(torch.where(gone > 0, predicted, patches))),
        )

    def _hide_and_rebuild(
        self,
        image: Float[Tensor, "n 3 height_px width_px"],
        draw: torch.Generator,
        known: Float[Tensor, "n width"] | None,
    ) -> tuple[Float[Tensor, "n visible width"], Float[Tensor, "n tokens pixels"], Float[Tensor, "n tokens"]]:
        """Tokens of class and visible patches; every patch as predicted; 1 where it was hidden."""
        visible = draw_visible(len(image), self.view.tokens, self.config.hidden_share, draw).to(image.device)
        tokens = self.encoder([image], [visible])  # (n, 1 + visible, width)
        summary = tokens[:, :1] if known is None else tokens[:, :1] + known[:, None]
        predicted = self.decoder(summary, tokens[:, 1:], visible)  # (n, patches, pixels)
        return tokens, predicted, hidden_mask(visible, self.view.tokens)
