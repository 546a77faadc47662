"""A method that matches pairs by what its images hold, for tests: each image carries its number as its brightness."""

import torch
from torch import Tensor, nn

from birdsat.dataset.batch import Batch
from birdsat.methods.method import Method, Reconstruction


class BrightnessMatcher(Method):
    """Photo and chip belong together where they are equally bright; with a place, rather where it is in the east."""

    sees_chips = True
    uses_metadata = True
    matches_pairs = True

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.largest_batch = 0

    def match(self, photo: Tensor, chip: Tensor, lon_lat: Tensor, year_fraction: Tensor) -> Tensor:
        assert not self.training and not torch.is_grad_enabled()
        self.largest_batch = max(self.largest_batch, len(photo))
        unlike = (photo.float().mean(dim=(1, 2, 3)) - chip.float().mean(dim=(1, 2, 3))).abs()
        return (lon_lat[:, 0].nan_to_num(0) * 1000 - unlike) * self.weight

    def embed_photo(self, photo: Tensor) -> Tensor:
        return nn.functional.normalize(torch.stack([photo.float().mean(dim=(1, 2, 3)), torch.ones(len(photo))], 1))

    def encode_chip(self, chip: Tensor) -> Tensor:
        return self.embed_photo(chip)

    def embed_chip(self, features: Tensor, lon_lat: Tensor, year_fraction: Tensor) -> Tensor:
        return features

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        raise NotImplementedError

    def reconstruct(self, batch: Batch, generator: torch.Generator) -> Reconstruction:
        raise NotImplementedError
