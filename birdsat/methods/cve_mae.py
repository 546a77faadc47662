"""CVE-MAE: two encoders, photo against chip in contrast, and the photo rebuilt; with metadata, place and date join
the chip's embedding."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.encoders.encoder import Encoder, EncoderSettings
from birdsat.encoders.place_time import AnyPlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import ConfigError
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
from birdsat.objectives.contrast import contrast_loss, inverse_temperature


@dataclass(frozen=True, kw_only=True)
class CveMaeConfig(MethodSettings):
    """Settings of `cve_mae`."""

    RENAMED_SETTINGS: ClassVar = {
        "twin_weight": "second_view_weight",
        "twin_temperature": "second_view_temperature",
        "apart_km": "min_negative_km",
        "chip_hidden_share": "chip_mask_ratio",
    }

    photo: MaskedConfig
    chip_encoder: EncoderSettings
    place_time: AnyPlaceTimeConfig | None = None  # None: without metadata
    heads: bool = True  # a linear layer from each encoder's features to the shared space; False: features are shared
    contrast_from: Literal["visible", "full"] = "visible"  # photo features of the one masked pass, or of a second one
    contrast_weight: float = 1.0  # of photo against chip, beside the reconstruction
    second_view_weight: float = 0.0  # of photo against another view of the same photo; 0: one view of each
    second_view_temperature: float = 0.2  # to start from; it is learned, as the other
    min_negative_km: float = 1.0  # samples closer than this are not negatives of each other; 0: all are
    temperature: float = 0.07  # to start from
    learn_temperature: bool = True
    chip_mask_ratio: float = 0.5  # of a chip's patches, in training
    chip_encoder_frozen: bool = False
    photo_mean: RGB = IMAGENET_MEAN  # of the data, 0..1; filled in from the dataset when training starts
    photo_std: RGB = IMAGENET_STD
    chip_mean: RGB = IMAGENET_MEAN
    chip_std: RGB = IMAGENET_STD

    def __post_init__(self) -> None:
        self.photo.one_view("photo")
        if len(self.chip_encoder.views) != 1:
            raise ConfigError(f"the chip encoder has {len(self.chip_encoder.views)} views; exactly one is allowed.")
        widths = self.photo.encoder.features_width, self.chip_encoder.features_width
        if not self.heads and widths[0] != widths[1]:
            raise ConfigError(
                f"photo and chip features are {widths[0]} and {widths[1]} long; only heads let them meet."
            )
        if not 0 <= self.chip_mask_ratio < 1:
            raise ConfigError(f"chip_mask_ratio is {self.chip_mask_ratio}; allowed: 0 to below 1.")
        for name in ("temperature", "second_view_temperature"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: above 0, such as 0.07.")
        for name in ("contrast_weight", "second_view_weight", "min_negative_km"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0 or more.")

    @property
    def chip_px(self) -> int:
        return self.chip_encoder.views[0].px

    @property
    def photo_views(self) -> int:
        return 2 if self.second_view_weight > 0 else 1

    @property
    def photo_encoder(self) -> ViewEncoderConfig:
        return self.photo.encoder

    @property
    def uses_metadata(self) -> bool:
        return self.place_time is not None

    @property
    def chips_are_frozen(self) -> bool:
        return self.chip_encoder_frozen

    def build(self) -> "CveMae":
        return CveMae(self)

    def without_metadata(self) -> "CveMaeConfig":
        return replace(self, place_time=None)

    def with_drop_path(self, share: float) -> "CveMaeConfig":
        return replace(self, photo=self.photo.with_drop_path(share))

    def with_frozen_chips(self) -> "CveMaeConfig":
        return replace(self, chip_encoder_frozen=True)


class CveMae(Method):
    """Cross-View Embedding MAE (BirdSAT section 4.2; with place_time, CVE-MAE-Meta)."""

    sees_chips = True

    def __init__(self, config: CveMaeConfig) -> None:
        super().__init__()
        self.config = config
        width, features = config.photo.encoder.width, config.photo.encoder.features_width
        self.normalise_photo = Normalise(config.photo_mean, config.photo_std)
        self.photo = MaskedAutoencoder(config.photo)
        self.normalise_chip = Normalise(config.chip_mean, config.chip_std)
        self.chip_encoder = config.chip_encoder.build()
        self.photo_head = nn.Linear(features, width) if config.heads else nn.Identity()
        self.chip_head = nn.Linear(config.chip_encoder.features_width, width) if config.heads else nn.Identity()
        shared = width if config.heads else features
        self.place_time = config.place_time.build(shared) if config.place_time else None
        self.log_scale = nn.Parameter(torch.tensor(-math.log(config.temperature)), config.learn_temperature)
        self.twin_head: nn.Module | None = None
        if config.second_view_weight > 0:  # a head of its own, as in SimCLR (Chen et al. 2020, section 4.2)
            self.twin_head = nn.Sequential(nn.Linear(features, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            self.twin_log_scale = nn.Parameter(torch.tensor(-math.log(config.second_view_temperature)))
        self.uses_metadata = config.uses_metadata
        self.chips_are_frozen = config.chips_are_frozen
        if self.chips_are_frozen:
            self.chip_encoder.requires_grad_(False).eval()

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        image = self.normalise_photo(batch.photo, batch.has_photo)
        rebuilt = self.photo([image], self.photo.draw_visible(len(batch), generator), generator=generator)
        photo = self.photo.features(rebuilt)
        if self.config.contrast_from == "full":
            photo = self.photo.encoder.features([image], generator=generator)
        chip = self._chip_in_training(batch, generator)
        losses = {
            "contrast": self._contrast(photo, chip, batch),
            "reconstruct": self.photo.loss(rebuilt, [image], [batch.has_photo]),
        }
        if self.twin_head is not None and len(batch.photos) > 1:
            second = self.photo_features(batch.photos[1], self.config.photo.mask_ratio, generator)
            losses["contrast"] = (losses["contrast"] + self._contrast(second, chip, batch)) / 2
            losses["twin"] = self.config.second_view_weight * contrast_loss(
                one=F.normalize(self.twin_head(photo), dim=1),
                other=F.normalize(self.twin_head(second), dim=1),
                log_scale=self.twin_log_scale,
                paired=batch.has_photo,
            )
        losses["contrast"] = self.config.contrast_weight * losses["contrast"]
        return losses

    def train(self, mode: bool = True) -> "CveMae":
        super().train(mode)
        if self.chips_are_frozen:  # the statistics of its batch norms too
            self.chip_encoder.eval()
        return self

    def encoders(self) -> dict[str, Encoder]:
        return {"photo": self.photo.encoder, "chip": self.chip_encoder}

    def place_time_encoder(self) -> nn.Module | None:
        return self.place_time

    def embed_features(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n width"]:
        return F.normalize(self.photo_head(features), dim=1)

    def similarity_scale(self) -> float | None:
        return inverse_temperature(self.log_scale).item()

    def photo_features(
        self, photo: Image, mask_ratio: float = 0.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n features"]:
        return self.photo.encoder.features_of_view(0, self.normalise_photo(photo), mask_ratio, generator)

    def encode_chip(self, chip: Image) -> Float[Tensor, "n chip_features"]:
        return self.chip_encoder.features([self.normalise_chip(chip)])

    def embed_chip(
        self,
        features: Float[Tensor, "n chip_features"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
    ) -> Float[Tensor, "n width"]:
        return self._join(features, lon_lat, year_fraction, generator=None)

    def reconstruct(self, batch: Batch, generator: torch.Generator) -> Reconstruction:
        image = self.normalise_photo(batch.photo)
        rebuilt = self.photo([image], self.photo.draw_visible(len(image), generator))
        return self.photo.picture(rebuilt, 0, image, self.normalise_photo)

    def _contrast(
        self, photo: Float[Tensor, "n features"], chip: Float[Tensor, "n width"], batch: Batch
    ) -> Float[Tensor, ""]:
        return contrast_loss(
            one=F.normalize(self.photo_head(photo), dim=1),
            other=chip,
            log_scale=self.log_scale,
            paired=batch.has_photo & batch.has_chip,
            lon_lat=batch.lon_lat,
            min_negative_km=self.config.min_negative_km,
        )

    def _chip_in_training(self, batch: Batch, generator: torch.Generator) -> Float[Tensor, "n width"]:
        """The chips, partly hidden, with place and date, some of them dropped."""
        features = batch.chip_features
        if features is None and self.chips_are_frozen:  # as when the features are made once, before training
            with torch.no_grad():
                features = self.encode_chip(batch.chip)
        elif features is None:
            chip = self.normalise_chip(batch.chip, batch.has_chip)
            features = self.chip_encoder.features_of_view(0, chip, self.config.chip_mask_ratio, generator)
        return self._join(features, batch.lon_lat, batch.year_fraction, generator if self.training else None)

    def _join(
        self,
        chip_features: Float[Tensor, "n chip_features"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
        generator: torch.Generator | None,
    ) -> Float[Tensor, "n width"]:
        """The chip's features, with those of place and date added, as a unit vector."""
        joined = self.chip_head(chip_features)
        if self.place_time is not None:
            joined = joined + self.place_time(lon_lat, year_fraction, generator)
        return F.normalize(joined, dim=1)
