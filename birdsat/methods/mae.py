"""MAE: a masked autoencoder on photos alone, or on chips alone."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from birdsat.dataset.batch import Batch
from birdsat.encoders.encoder import Encoder
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.imagery.photos import RGB
from birdsat.methods.masked import MaskedAutoencoder, MaskedConfig
from birdsat.methods.method import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Image,
    Method,
    MethodSettings,
    Normalise,
    Reconstruction,
)


@dataclass(frozen=True, kw_only=True)
class MaeConfig(MethodSettings):
    """Settings of `mae`."""

    image: MaskedConfig
    of: Literal["photo", "chip"] = "photo"  # chip: to pretrain the chip encoder of a cross-view method
    place_time: PlaceTimeConfig | None = None  # None: without metadata
    photo_mean: RGB = IMAGENET_MEAN  # of the data, 0..1; filled in from the dataset when training starts
    photo_std: RGB = IMAGENET_STD
    chip_mean: RGB = IMAGENET_MEAN
    chip_std: RGB = IMAGENET_STD

    def __post_init__(self) -> None:
        self.image.one_view(self.of)

    @property
    def chip_px(self) -> int | None:
        return self.image.encoder.views[0].px if self.of == "chip" else None

    @property
    def photo_encoder(self) -> ViewEncoderConfig | None:
        return self.image.encoder if self.of == "photo" else None

    @property
    def uses_metadata(self) -> bool:
        return self.place_time is not None and self.of == "photo"  # never the embedding of a chip

    def build(self) -> "Mae":
        return Mae(self)

    def without_metadata(self) -> "MaeConfig":
        return replace(self, place_time=None)

    def with_drop_path(self, share: float) -> "MaeConfig":
        return replace(self, image=self.image.with_drop_path(share)) if self.of == "photo" else self


class Mae(Method):
    """Rebuild hidden patches of one kind of image (He et al. 2022; BirdSAT section 4.1).

    With place_time, the decoder is given where and when the photo was taken; the embedding of an image stays its own.
    """

    def __init__(self, config: MaeConfig) -> None:
        super().__init__()
        self.config = config
        self.image = MaskedAutoencoder(config.image)
        self.sees_photos, self.sees_chips = config.of == "photo", config.of == "chip"
        self.normalise = (
            Normalise(config.photo_mean, config.photo_std)
            if self.sees_photos
            else Normalise(config.chip_mean, config.chip_std)
        )
        self.place_time = config.place_time.build(config.image.encoder.width) if config.place_time else None
        self.uses_metadata = config.uses_metadata

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        pixels, present = (batch.photo, batch.has_photo) if self.sees_photos else (batch.chip, batch.has_chip)
        image = self.normalise(pixels, present)
        visible = self.image.draw_visible(len(image), generator)
        rebuilt = self.image(
            [image], visible, self._where_and_when(batch, generator if self.training else None), generator
        )
        return {"reconstruct": self.image.loss(rebuilt, [image], [present])}

    def encoders(self) -> dict[str, Encoder]:
        return {self.config.of: self.image.encoder}

    def embed_features(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n width"]:
        return F.normalize(features, dim=1)

    def photo_features(
        self, photo: Image, mask_ratio: float = 0.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n features"]:
        if not self.sees_photos:
            self._cannot("embed photos")
        return self.image.encoder.features_of_view(0, self.normalise(photo), mask_ratio, generator)

    def encode_chip(self, chip: Image) -> Float[Tensor, "n chip_features"]:
        if not self.sees_chips:
            self._cannot("embed chips")
        return self.image.encoder.features([self.normalise(chip)])

    def embed_chip(
        self,
        features: Float[Tensor, "n chip_features"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
    ) -> Float[Tensor, "n width"]:
        return F.normalize(features, dim=1)

    def reconstruct(self, batch: Batch, generator: torch.Generator) -> Reconstruction:
        image = self.normalise(batch.photo if self.sees_photos else batch.chip)
        visible = self.image.draw_visible(len(image), generator)
        rebuilt = self.image([image], visible, self._where_and_when(batch, None))
        return self.image.picture(rebuilt, 0, image, self.normalise)

    def _where_and_when(self, batch: Batch, generator: torch.Generator | None) -> Float[Tensor, "n width"] | None:
        return None if self.place_time is None else self.place_time(batch.lon_lat, batch.year_fraction, generator)
