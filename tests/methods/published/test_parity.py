"""Our numbers against those of the published code, for every pair of files in the parity folder."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor

from birdsat.encoders.tokens import to_patches
from birdsat.methods.cve_mae import CveMae
from birdsat.methods.cvm_mae import CvmMae
from birdsat.methods.method import Method
from birdsat.methods.published.weights import Wanted, from_published, read_checkpoint

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("BIRDSAT_PARITY") or ROOT.parent / "shared" / "parity")
NAMES = sorted(path.name.removesuffix(".ckpt") for path in FOLDER.glob("*.ckpt"))
every_pair = pytest.mark.parametrize("name", NAMES)
pytestmark = pytest.mark.skipif(not NAMES, reason=f"no checkpoints in {FOLDER}; set BIRDSAT_PARITY to their folder")


@dataclass(frozen=True)
class Pair:
    """A published checkpoint as our method, and what the published code makes of it."""

    method: Method
    config: dict[str, Any]
    tensors: dict[str, Tensor]

    def close(self, got: Tensor, name: str) -> None:
        """Within 1e-5 of the expected tensor's largest value."""
        wanted = self.tensors[f"expect.{name}"]
        assert got.shape == wanted.shape, name
        assert float((got - wanted).abs().max() / wanted.abs().max()) < 1e-5, name


@pytest.fixture
def pair(name: str) -> Pair:
    with safe_open(FOLDER / f"{name}.io.safetensors", framework="pt") as file:
        config = json.loads(file.metadata()["config"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    wanted = Wanted(
        heads=config["num_heads"],
        decoder_heads=config["decoder_num_heads"],
        photo_px=config["ground_image"],
        chip_px=config["satellite_image"],
    )
    return Pair(from_published(read_checkpoint(FOLDER / f"{name}.ckpt"), wanted).method, config, tensors)


def visible_and_hidden(noise: Tensor, mask_ratio: float) -> tuple[Tensor, Tensor]:
    """Indices of the kept tokens in ascending order of their noise, and 1 where hidden: the published rule."""
    kept = noise.argsort(dim=1)[:, : int(noise.shape[1] * (1 - mask_ratio))]
    return kept, torch.ones_like(noise).scatter(1, kept, 0.0)


def with_metadata(method: CveMae | CvmMae, features: Tensor, tensors: dict[str, Tensor]) -> Tensor:
    assert method.place_time is not None
    known = method.place_time.place(tensors["input.location"]) + method.place_time.date(tensors["input.date"])
    return F.normalize(features + known, dim=1)


@every_pair
@torch.no_grad()
def test_embeddings_are_those_of_the_published_code(pair: Pair) -> None:
    method, photo, chip = pair.method, pair.tensors["input.ground"], pair.tensors["input.satellite"]
    if isinstance(method, CveMae):
        features = method.chip_encoder.features([chip])
        pair.close(F.normalize(method.photo.encoder.features([photo]), dim=1), "ground_embedding")
        pair.close(F.normalize(features, dim=1), "satellite_embedding")
        if "expect.satellite_embedding_with_metadata" in pair.tensors:
            pair.close(with_metadata(method, features, pair.tensors), "satellite_embedding_with_metadata")
    else:
        assert isinstance(method, CvmMae)
        features = method.images.encoder.features([photo, chip])
        pair.close(features, "joint_cls")
        if "expect.embedding_with_metadata" in pair.tensors:
            embedded = with_metadata(method, features, pair.tensors)
            pair.close(embedded, "embedding_with_metadata")
            pair.close(method.matching(embedded), "match_logit_of_embedding")


@every_pair
@torch.no_grad()
def test_hidden_patches_are_rebuilt_as_by_the_published_code(pair: Pair) -> None:
    method, config = pair.method, pair.config
    kept, hidden = visible_and_hidden(pair.tensors["mask_noise"], config["mask_ratio"])
    pair.close(hidden, "mask")
    photo, chip = pair.tensors["input.ground"], pair.tensors["input.satellite"]
    if isinstance(method, CveMae):
        rebuilt = method.photo([photo], [kept])
        pair.close(rebuilt.predicted[0], "pred_ground")
        present = torch.ones(len(photo), dtype=torch.bool)
        pair.close(method.photo.loss(rebuilt, [photo], [present])[None], "reconstruction_loss")
        assert torch.equal(rebuilt.hidden[0], pair.tensors["expect.mask"])
        return
    assert isinstance(method, CvmMae)
    photo_tokens = pair.tensors["expect.pred_ground"].shape[1]
    guessed: list[list[Tensor]] = [[], []]
    for i in range(len(photo)):  # how many patches of each view are kept differs from sample to sample
        of_photo, of_chip = kept[i][kept[i] < photo_tokens], kept[i][kept[i] >= photo_tokens] - photo_tokens
        rebuilt = method.images([photo[i : i + 1], chip[i : i + 1]], [of_photo[None], of_chip[None]])
        for view, predicted in zip(guessed, rebuilt.predicted, strict=True):
            view.append(predicted)
    predicted = [torch.cat(view) for view in guessed]
    pair.close(predicted[0], "pred_ground")
    pair.close(predicted[1], "pred_satellite")
    patches = [to_patches(photo, config["ground_patch"]), to_patches(chip, config["satellite_patch"])]
    errors = [(guess - true).square().mean(dim=2) for guess, true in zip(predicted, patches, strict=True)]
    loss = (torch.cat(errors, dim=1) * hidden).sum() / hidden.sum()
    pair.close(loss[None], "reconstruction_loss")
