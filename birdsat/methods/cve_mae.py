"""CVE-MAE: two encoders, photo against chip in contrast, and the photo rebuilt; with metadata, place and date join
the chip's embedding."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.dataset.manifest import RGB
from birdsat.encoders.place_time import PlaceTimeConfig, PlaceTimeEncoder
from birdsat.encoders.tokens import draw_visible, pool
from birdsat.encoders.view_encoder import ViewEncoder, ViewEncoderConfig
from birdsat.errors import ConfigError
from birdsat.methods.masked_photo import MaskedPhoto, MaskedPhotoConfig
from birdsat.methods.method import IMAGENET_MEAN, IMAGENET_STD, Image, Method, Normalise, Reconstruction
from birdsat.objectives.contrast import contrast_loss


@dataclass(frozen=True, kw_only=True)
class CveMaeConfig:
    """Settings of `cve_mae`."""

    photo: MaskedPhotoConfig
    chip_encoder: ViewEncoderConfig
    place_time: PlaceTimeConfig | None = None  # None: without metadata
    contrast_from: Literal["visible", "full"] = "visible"  # photo features of the one masked pass, or of a second one
    contrast_weight: float = 1.0  # of photo against chip, beside the reconstruction
    twin_weight: float = 0.0  # of photo against another view of the same photo; 0: one view of each
    twin_temperature: float = 0.2  # to start from; it is learned, as the other
    apart_km: float = 1.0  # samples closer than this are not negatives of each other; 0: all are
    temperature: float = 0.07  # to start from; it is learned
    chip_hidden_share: float = 0.5  # of a chip's patches, in training
    chip_encoder_frozen: bool = False
    chip_mean: RGB = IMAGENET_MEAN  # of the data, 0..1; filled in from the dataset when training starts
    chip_std: RGB = IMAGENET_STD

    def __post_init__(self) -> None:
        if len(self.chip_encoder.views) != 1:
            raise ConfigError(f"the chip encoder has {len(self.chip_encoder.views)} views; exactly one is allowed.")
        if not 0 <= self.chip_hidden_share < 1:
            raise ConfigError(f"chip_hidden_share is {self.chip_hidden_share}; allowed: 0 to below 1.")
        for name in ("temperature", "twin_temperature"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: above 0, such as 0.07.")
        for name in ("contrast_weight", "twin_weight", "apart_km"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0 or more.")


class CveMae(Method):
    """Cross-View Embedding MAE (BirdSAT section 4.2; with place_time, CVE-MAE-Meta)."""

    sees_chips = True

    def __init__(self, config: CveMaeConfig) -> None:
        super().__init__()
        self.config = config
        width, chip_width = config.photo.encoder.width, config.chip_encoder.width
        self.photo = MaskedPhoto(config.photo)
        self.normalise_chip = Normalise(config.chip_mean, config.chip_std)
        self.chip_encoder = ViewEncoder(config.chip_encoder)
        self.photo_head = nn.Linear(2 * width, width)
        self.chip_head = nn.Linear(2 * chip_width, width)
        self.place_time = PlaceTimeEncoder(config.place_time, width) if config.place_time else None
        self.log_scale = nn.Parameter(torch.tensor(-math.log(config.temperature)))
        self.twin_head: nn.Module | None = None
        if config.twin_weight > 0:  # a head of its own, as in SimCLR (Chen et al. 2020, section 4.2)
            self.twin_head = nn.Sequential(nn.Linear(2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            self.twin_log_scale = nn.Parameter(torch.tensor(-math.log(config.twin_temperature)))
        self.uses_metadata = self.place_time is not None
        self.chips_are_frozen = config.chip_encoder_frozen
        if self.chips_are_frozen:
            self.chip_encoder.requires_grad_(False)

    def losses(
        self, batch: Batch, draw: torch.Generator, chip_features: Float[Tensor, "n chip_pooled"] | None = None
    ) -> dict[str, Tensor]:
        photo, reconstruct = self.photo(batch.photo, batch.has_photo, draw)
        if self.config.contrast_from == "full":
            photo = self.photo.features(batch.photo)
        if chip_features is None:
            chip_features = self._encode_part_of_chip(batch.chip, draw)
        chip = self._join(chip_features, batch.lon_lat, batch.year_fraction, draw if self.training else None)
        contrast = self._contrast(photo, chip, batch)
        losses = {"reconstruct": reconstruct}
        if self.twin_head is not None and batch.second_photo is not batch.photo:
            second = self.photo.visible_features(batch.second_photo, draw)
            contrast = (contrast + self._contrast(second, chip, batch)) / 2
            losses["twin"] = self.config.twin_weight * contrast_loss(
                one=F.normalize(self.twin_head(photo), dim=1),
                other=F.normalize(self.twin_head(second), dim=1),
                log_scale=self.twin_log_scale,
                paired=batch.has_photo,
            )
        return {"contrast": self.config.contrast_weight * contrast, **losses}

    def embed_photo(self, photo: Image) -> Float[Tensor, "n width"]:
        return F.normalize(self.photo_head(self.photo.features(photo)), dim=1)

    def encode_chip(self, chip: Image) -> Float[Tensor, "n chip_pooled"]:
        return pool(self.chip_encoder([self.normalise_chip(chip)]))

    def embed_chip(
        self,
        features: Float[Tensor, "n chip_pooled"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
    ) -> Float[Tensor, "n width"]:
        return self._join(features, lon_lat, year_fraction, draw=None)

    def reconstruct(self, batch: Batch, draw: torch.Generator) -> Reconstruction:
        return self.photo.reconstruct(batch.photo, draw)

    def _contrast(
        self, photo: Float[Tensor, "n pooled"], chip: Float[Tensor, "n width"], batch: Batch
    ) -> Float[Tensor, ""]:
        return contrast_loss(
            one=F.normalize(self.photo_head(photo), dim=1),
            other=chip,
            log_scale=self.log_scale,
            paired=batch.has_photo & batch.has_chip,
            lon_lat=batch.lon_lat,
            apart_km=self.config.apart_km,
        )

    def _encode_part_of_chip(self, chip: Image, draw: torch.Generator) -> Float[Tensor, "n chip_pooled"]:
        if self.chips_are_frozen:  # as when the features are made once, before training
            return self.encode_chip(chip)
        tokens = self.config.chip_encoder.views[0].tokens
        visible = draw_visible(len(chip), tokens, self.config.chip_hidden_share, draw).to(chip.device)
        return pool(self.chip_encoder([self.normalise_chip(chip)], [visible]))

    def _join(
        self,
        chip_features: Float[Tensor, "n chip_pooled"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
        draw: torch.Generator | None,
    ) -> Float[Tensor, "n width"]:
        """The chip's features, with those of place and date added, as a unit vector."""
        joined = self.chip_head(chip_features)
        if self.place_time is not None:
            joined = joined + self.place_time(lon_lat, year_fraction, draw)
        return F.normalize(joined, dim=1)
