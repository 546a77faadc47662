"""MAE: a masked autoencoder on photos alone."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from birdsat.dataset.batch import Batch
from birdsat.methods.masked_photo import MaskedPhoto, MaskedPhotoConfig
from birdsat.methods.method import Image, Method, Reconstruction


@dataclass(frozen=True, kw_only=True)
class MaeConfig:
    """Settings of `mae`."""

    photo: MaskedPhotoConfig


class Mae(Method):
    """Rebuild hidden patches of photos (He et al. 2022; BirdSAT section 4.1)."""

    sees_chips = False
    uses_metadata = False

    def __init__(self, config: MaeConfig) -> None:
        super().__init__()
        self.config = config
        self.photo = MaskedPhoto(config.photo)

    def losses(
        self, batch: Batch, draw: torch.Generator, chip_features: Float[Tensor, "n chip_pooled"] | None = None
    ) -> dict[str, Tensor]:
        _, reconstruct = self.photo(batch.photo, batch.has_photo, draw)
        return {"reconstruct": reconstruct}

    def embed_photo(self, photo: Image) -> Float[Tensor, "n width"]:
        return F.normalize(self.photo.features(photo), dim=1)

    def reconstruct(self, batch: Batch, draw: torch.Generator) -> Reconstruction:
        return self.photo.reconstruct(batch.photo, draw)
