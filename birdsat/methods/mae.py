"""MAE: a masked autoencoder on photos alone."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from birdsat.dataset.batch import Batch
from birdsat.encoders.place_time import PlaceTimeConfig, PlaceTimeEncoder
from birdsat.methods.masked_photo import MaskedPhoto, MaskedPhotoConfig
from birdsat.methods.method import Image, Method, Reconstruction


@dataclass(frozen=True, kw_only=True)
class MaeConfig:
    """Settings of `mae`."""

    photo: MaskedPhotoConfig
    place_time: PlaceTimeConfig | None = None  # None: without metadata


class Mae(Method):
    """Rebuild hidden patches of photos (He et al. 2022; BirdSAT section 4.1).

    With place_time, the decoder is told where and when the photo was taken; the embedding of a photo stays its own.
    """

    sees_chips = False

    def __init__(self, config: MaeConfig) -> None:
        super().__init__()
        self.config = config
        self.photo = MaskedPhoto(config.photo)
        width = config.photo.encoder.width
        self.place_time = PlaceTimeEncoder(config.place_time, width) if config.place_time else None
        self.uses_metadata = self.place_time is not None

    def losses(
        self, batch: Batch, draw: torch.Generator, chip_features: Float[Tensor, "n chip_pooled"] | None = None
    ) -> dict[str, Tensor]:
        known = self._where_and_when(batch, draw if self.training else None)
        _, reconstruct = self.photo(batch.photo, batch.has_photo, draw, known)
        return {"reconstruct": reconstruct}

    def embed_photo(self, photo: Image) -> Float[Tensor, "n width"]:
        return F.normalize(self.photo.features(photo), dim=1)

    def reconstruct(self, batch: Batch, draw: torch.Generator) -> Reconstruction:
        return self.photo.reconstruct(batch.photo, draw, self._where_and_when(batch, None))

    def _where_and_when(self, batch: Batch, draw: torch.Generator | None) -> Float[Tensor, "n width"] | None:
        return None if self.place_time is None else self.place_time(batch.lon_lat, batch.year_fraction, draw)
