"""MoCo-v2-Geo: two views of a photo against a queue of others, and the photo's place guessed."""

import copy
import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.earth.clusters import cluster_places
from birdsat.encoders.encoder import Encoder, EncoderSettings
from birdsat.errors import ConfigError
from birdsat.imagery.photos import RGB
from birdsat.methods.method import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Image,
    Method,
    MethodSettings,
    Normalise,
    TrainingFacts,
)
from birdsat.objectives.gather import gather_rows, mean_where
from birdsat.objectives.queue_contrast import queue_contrast_loss


@dataclass(frozen=True, kw_only=True)
class MocoGeoConfig(MethodSettings):
    """Settings of `moco_geo`."""

    encoder: EncoderSettings  # of photos
    width: int = 128  # of the vectors that are compared
    queue: int = 4096  # vectors of earlier photos that serve as negatives
    momentum: float = 0.99  # of the second encoder's weights, per batch
    temperature: float = 0.2
    place_weight: float = 1.0  # of guessing the place's cluster; 0: MoCo-v2 alone
    clusters: int = 100  # of the training places
    centres: tuple[tuple[float, float], ...] = ()  # lon, lat of each; filled in from the dataset when training starts
    photo_mean: RGB = IMAGENET_MEAN  # of the data, 0..1; filled in from the dataset when training starts
    photo_std: RGB = IMAGENET_STD

    def __post_init__(self) -> None:
        if len(self.encoder.views) != 1:
            raise ConfigError(f"the photo encoder has {len(self.encoder.views)} views; exactly one is allowed.")
        for name in ("width", "queue", "clusters"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 1 or more.")
        if not 0 <= self.momentum < 1:
            raise ConfigError(f"momentum is {self.momentum}; allowed: 0 to below 1, such as 0.99.")
        if not self.temperature > 0:
            raise ConfigError(f"temperature is {self.temperature}; allowed: above 0, such as 0.2.")
        if not self.place_weight >= 0:
            raise ConfigError(f"place_weight is {self.place_weight}; allowed: 0 or more.")

    @property
    def photo_views(self) -> int:
        return 2

    @property
    def photo_encoder(self) -> EncoderSettings:
        return self.encoder

    def build(self) -> "MocoGeo":
        return MocoGeo(self)

    def fitted_to(self, facts: TrainingFacts) -> "MocoGeoConfig":
        """With the centres of the clusters of its places; without places, InputError is raised."""
        fitted = self.with_statistics(facts)
        if self.place_weight == 0 or self.centres:
            return fitted
        centres = cluster_places(facts.places(), self.clusters).round(4)
        return replace(fitted, centres=tuple((float(lon), float(lat)) for lon, lat in centres))

    def without_metadata(self) -> "MocoGeoConfig":
        return replace(self, place_weight=0.0, centres=())

    def with_drop_path(self, share: float) -> "MocoGeoConfig":
        return replace(self, encoder=self.encoder.with_drop_path(share))


class MocoGeo(Method):
    """Momentum contrast (Chen et al. 2020, "MoCo v2") with geo-location classification (Ayush et al. 2021).

    BirdSAT's MoCo-v2-Geo, on the same encoders as the other methods.
    """

    def __init__(self, config: MocoGeoConfig) -> None:
        super().__init__()
        self.config = config
        features = config.encoder.features_width
        self.normalise = Normalise(config.photo_mean, config.photo_std)
        self.encoder = config.encoder.build()
        self.head = nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, config.width))
        self.slow_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.slow_head = copy.deepcopy(self.head).requires_grad_(False)
        self.place_head: nn.Linear | None = None
        if config.place_weight > 0 and config.centres:
            self.place_head = nn.Linear(features, len(config.centres))
            lon, lat = torch.tensor(config.centres).T
            self.centres: Tensor
            self.register_buffer("centres", _unit_sphere(lon, lat), persistent=False)
        self.queue: Tensor
        self.queue_next: Tensor
        self.register_buffer("queue", F.normalize(torch.randn(config.queue, config.width), dim=1))
        self.register_buffer("queue_next", torch.zeros((), dtype=torch.int64))

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        if self.training:
            self._follow()
        # Where there is one view of each photo, as on the val split, the query sees half of what the key does.
        mask_ratio = 0.5 if len(batch.photos) == 1 else 0.0
        features = self.photo_features(batch.photo, mask_ratio, generator)
        with torch.no_grad():
            slow = self.slow_head(self.slow_encoder.features([self.normalise(batch.photos[-1])]))
            keys = F.normalize(slow, dim=1)
        losses = {
            "contrast": queue_contrast_loss(
                query=F.normalize(self.head(features), dim=1),
                key=keys,
                queue=self.queue.clone(),  # it is written to below, before gradients are made
                temperature=self.config.temperature,
                present=batch.has_photo,
            )
        }
        if self.place_head is not None:
            known = batch.has_photo & ~batch.lon_lat.isnan().any(dim=1)
            guessed = self.place_head(features).float()
            each = F.cross_entropy(guessed, self.cluster(batch.lon_lat), reduction="none")
            losses["place"] = self.config.place_weight * mean_where(each, known)
        if self.training:
            self._enqueue(gather_rows(keys), gather_rows(batch.has_photo))
        return losses

    def encoders(self) -> dict[str, Encoder]:
        return {"photo": self.encoder}

    def embed_features(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n width"]:
        return F.normalize(features, dim=1)

    def photo_features(
        self, photo: Image, mask_ratio: float = 0.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n features"]:
        return self.encoder.features_of_view(0, self.normalise(photo), mask_ratio, generator)

    def align_copies(self) -> None:
        for slow, fast in ((self.slow_encoder, self.encoder), (self.slow_head, self.head)):
            slow.load_state_dict(fast.state_dict())

    def cluster(self, lon_lat: Float[Tensor, "n 2"]) -> Int64[Tensor, " n"]:
        """Index of the nearest centre; of no meaning where the place is missing."""
        lon, lat = lon_lat.nan_to_num().unbind(dim=1)
        with torch.autocast(lon_lat.device.type, enabled=False):  # bf16 would move places by hundreds of kilometres
            return (_unit_sphere(lon, lat) @ self.centres.T).argmax(dim=1)

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the slow encoder and head a little towards the trained ones."""
        for slow, fast in ((self.slow_encoder, self.encoder), (self.slow_head, self.head)):
            torch._foreach_lerp_(list(slow.parameters()), list(fast.parameters()), 1 - self.config.momentum)

    @torch.no_grad()
    def _enqueue(self, keys: Float[Tensor, "n width"], present: Tensor) -> None:
        """Put the newest vectors in place of the oldest. Any batch fits any queue: it goes round."""
        newest = keys[present][-self.config.queue :].to(self.queue.dtype)
        where = (self.queue_next + torch.arange(len(newest), device=keys.device)) % self.config.queue
        self.queue[where] = newest
        self.queue_next.copy_((self.queue_next + len(newest)) % self.config.queue)


def _unit_sphere(lon: Float[Tensor, " n"], lat: Float[Tensor, " n"]) -> Float[Tensor, "n 3"]:
    lam, phi = lon.float() * (math.pi / 180), lat.float() * (math.pi / 180)
    return torch.stack([phi.cos() * lam.cos(), phi.cos() * lam.sin(), phi.sin()], dim=1)
