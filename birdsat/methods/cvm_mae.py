"""CVM-MAE: one encoder over photo and chip together, which says whether the two match and rebuilds both; with
metadata, place and date join what it says."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.encoders.encoder import Encoder
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
from birdsat.objectives.match import draw_hard_negatives, match_loss
from birdsat.objectives.near import near_pairs


@dataclass(frozen=True, kw_only=True)
class CvmMaeConfig(MethodSettings):
    """Settings of `cvm_mae`."""

    RENAMED_SETTINGS: ClassVar = {"apart_km": "min_negative_km"}

    images: MaskedConfig  # its encoder has two views, photo and chip
    place_time: AnyPlaceTimeConfig | None = None  # None: without metadata
    heads: bool = True  # a linear layer from features to each embedding; False: features are embeddings
    negatives: Literal["hard", "rolled"] = "hard"  # drawn by similarity, or the next sample's chip (the paper)
    hardness: float = (
        0.5  # of hard negatives; 0: any chip of the batch; 1: as likely as contrast takes it to be the own
    )
    contrast_weight: float = 1.0  # of the photo alone against the chip alone; hard negatives need it
    min_negative_km: float = 1.0  # samples closer than this are not negatives of each other; 0: all are
    temperature: float = 0.07  # of the contrast, to start from; it is learned
    photo_mean: RGB = IMAGENET_MEAN  # of the data, 0..1; filled in from the dataset when training starts
    photo_std: RGB = IMAGENET_STD
    chip_mean: RGB = IMAGENET_MEAN
    chip_std: RGB = IMAGENET_STD

    def __post_init__(self) -> None:
        views = self.images.encoder.views
        if len(views) != 2:
            raise ConfigError(f"the encoder of cvm_mae has {len(views)} view(s); two are needed, photo and chip.")
        if not self.temperature > 0:
            raise ConfigError(f"temperature is {self.temperature}; allowed: above 0, such as 0.07.")
        for name in ("contrast_weight", "min_negative_km"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0 or more.")
        if not 0 <= self.hardness <= 1:
            raise ConfigError(f"hardness is {self.hardness}; allowed: 0 (any chip) to 1 (as contrast has them).")
        if self.negatives == "hard" and self.contrast_weight == 0:
            raise ConfigError("hard negatives are drawn by what contrast learns; give contrast_weight above 0.")

    @property
    def chip_px(self) -> int:
        return self.images.encoder.views[1].px

    @property
    def photo_encoder(self) -> ViewEncoderConfig:
        return self.images.encoder

    @property
    def uses_metadata(self) -> bool:
        return self.place_time is not None

    def build(self) -> "CvmMae":
        return CvmMae(self)

    def without_metadata(self) -> "CvmMaeConfig":
        return replace(self, place_time=None)

    def with_drop_path(self, share: float) -> "CvmMaeConfig":
        return replace(self, images=self.images.with_drop_path(share))


class CvmMae(Method):
    """Cross-View Matching MAE (BirdSAT section 4.3; with place_time, CVM-MAE-Meta).

    The same encoder also sees photos alone and chips alone: what it says then is held in contrast, draws the negatives,
    and is the embedding of each.
    """

    sees_chips = True
    matches_pairs = True

    def __init__(self, config: CvmMaeConfig) -> None:
        super().__init__()
        self.config = config
        features = config.images.encoder.features_width
        width = config.images.encoder.width if config.heads else features
        self.normalise_photo = Normalise(config.photo_mean, config.photo_std)
        self.normalise_chip = Normalise(config.chip_mean, config.chip_std)
        self.images = MaskedAutoencoder(config.images)
        self.pair_head = nn.Linear(features, width) if config.heads else nn.Identity()
        self.place_time = config.place_time.build(width) if config.place_time else None
        self.matching = nn.Linear(width, 1)
        if config.contrast_weight > 0:
            self.photo_head = nn.Linear(features, width) if config.heads else nn.Identity()
            self.chip_head = nn.Linear(features, width) if config.heads else nn.Identity()
            self.log_scale = nn.Parameter(torch.tensor(-math.log(config.temperature)))
        self.uses_metadata = config.uses_metadata

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        photo = self.normalise_photo(batch.photo, batch.has_photo)
        chip = self.normalise_chip(batch.chip, batch.has_chip)
        visible = self.images.draw_visible(len(batch), generator)
        known = self._where_and_when(batch.lon_lat, batch.year_fraction, generator if self.training else None)
        paired = batch.has_photo & batch.has_chip
        losses: dict[str, Tensor] = {}
        if self.config.contrast_weight > 0:
            one = self._photo_alone(self.images.encoder.features([photo, None], [visible[0], None], generator))
            other = self._chip_alone(self.images.encoder.features([None, chip], [None, visible[1]], generator), known)
            contrast = contrast_loss(one, other, self.log_scale, paired, batch.lon_lat, self.config.min_negative_km)
            losses["contrast"] = self.config.contrast_weight * contrast
        if self.config.negatives == "hard":
            wrong, found = self._hard_negatives(inverse_temperature(self.log_scale) * one @ other.T, batch, generator)
        else:
            wrong = torch.arange(len(batch), device=photo.device).roll(1)
            found = wrong != wrong.roll(-1)  # false in a batch of one
        rebuilt = self.images([photo, chip], visible, generator=generator)
        together = self._match_logit(self.images.features(rebuilt), known)
        wrong_chip = [visible[0], visible[1][wrong]]
        apart = self.images.encoder.features([photo, chip[wrong]], wrong_chip, generator)
        losses["match"] = match_loss(
            positive=together,
            negative=self._match_logit(apart, None if known is None else known[wrong]),
            paired=paired,
            unpaired=found & batch.has_photo & batch.has_chip[wrong],
        )
        losses["reconstruct"] = self.images.loss(rebuilt, [photo, chip], [batch.has_photo, batch.has_chip])
        return losses

    def encoders(self) -> dict[str, Encoder]:
        return {"photo and chip": self.images.encoder}

    def place_time_encoder(self) -> nn.Module | None:
        return self.place_time

    def embed_features(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n width"]:
        return self._photo_alone(features)

    def similarity_scale(self) -> float | None:
        return inverse_temperature(self.log_scale).item() if self.config.contrast_weight > 0 else None

    def photo_features(
        self, photo: Image, mask_ratio: float = 0.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n features"]:
        return self.images.encoder.features_of_view(0, self.normalise_photo(photo), mask_ratio, generator)

    def encode_chip(self, chip: Image) -> Float[Tensor, "n chip_features"]:
        return self.images.encoder.features_of_view(1, self.normalise_chip(chip))

    def embed_chip(
        self,
        features: Float[Tensor, "n chip_features"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
    ) -> Float[Tensor, "n width"]:
        return self._chip_alone(features, self._where_and_when(lon_lat, year_fraction, None))

    def embed_pair(
        self, photo: Image, chip: Image, lon_lat: Float[Tensor, "n 2"], year_fraction: Float[Tensor, " n"]
    ) -> Float[Tensor, "n width"]:
        """Unit vectors of photo and chip seen together, with place and date."""
        features = self.images.encoder.features([self.normalise_photo(photo), self.normalise_chip(chip)])
        return self._pair(features, self._where_and_when(lon_lat, year_fraction, None))

    def match(
        self, photo: Image, chip: Image, lon_lat: Float[Tensor, "n 2"], year_fraction: Float[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        return self.matching(self.embed_pair(photo, chip, lon_lat, year_fraction))[:, 0]  # type: ignore[no-any-return]

    def reconstruct(self, batch: Batch, generator: torch.Generator) -> Reconstruction:
        images = [self.normalise_photo(batch.photo), self.normalise_chip(batch.chip)]
        rebuilt = self.images(images, self.images.draw_visible(len(batch), generator))
        return self.images.picture(rebuilt, 0, images[0], self.normalise_photo)

    def _hard_negatives(
        self, similarity: Float[Tensor, "n n"], batch: Batch, generator: torch.Generator
    ) -> tuple[Int64[Tensor, " n"], Bool[Tensor, " n"]]:
        """For each photo, a chip that contrast may take for its own; and whether there was one to choose.

        Contrast's softmax learns the odds p of a chip belonging to the photo (van den Oord et al. 2018, "CPC", equation
        5). Wrong chips drawn by p come as often as true ones that look like them, so that whatever contrast has learned
        tells the two apart no more, and the match stays at chance until it sees what contrast misses. Drawn by
        p^hardness, they leave it the odds p^(1 - hardness) to learn beside that.
        """
        allowed = batch.has_chip[None, :].expand(len(batch), -1)
        if self.config.min_negative_km > 0:
            allowed = allowed & ~near_pairs(batch.lon_lat, batch.lon_lat, self.config.min_negative_km)
        return draw_hard_negatives(self.config.hardness * similarity, allowed, generator)

    def _match_logit(self, features: Float[Tensor, "n features"], known: Float[Tensor, "n width"] | None) -> Tensor:
        return self.matching(self._pair(features, known))[:, 0]  # type: ignore[no-any-return]

    def _pair(self, features: Float[Tensor, "n features"], known: Float[Tensor, "n width"] | None) -> Tensor:
        return F.normalize(_plus(self.pair_head(features), known), dim=1)

    def _photo_alone(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n width"]:
        return F.normalize(self._head("photo_head")(features), dim=1)

    def _chip_alone(
        self, features: Float[Tensor, "n features"], known: Float[Tensor, "n width"] | None
    ) -> Float[Tensor, "n width"]:
        return F.normalize(_plus(self._head("chip_head")(features), known), dim=1)

    def _head(self, name: str) -> nn.Module:
        """Without contrast, as published, one head serves whatever was seen."""
        return self.get_submodule(name if self.config.contrast_weight > 0 else "pair_head")

    def _where_and_when(
        self, lon_lat: Float[Tensor, "n 2"], year_fraction: Float[Tensor, " n"], generator: torch.Generator | None
    ) -> Float[Tensor, "n width"] | None:
        return None if self.place_time is None else self.place_time(lon_lat, year_fraction, generator)


def _plus(one: Float[Tensor, "n width"], other: Float[Tensor, "n width"] | None) -> Float[Tensor, "n width"]:
    return one if other is None else one + other
