"""A frozen chip encoder is run once over the dataset, and no more."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from birdsat.dataset.batch import Batch
from birdsat.dataset.read import read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.methods.cve_mae import CveMae
from birdsat.training.config import RunConfig
from birdsat.training.module import TrainingModule
from birdsat.training.pretrain import pretrain


@pytest.fixture
def frozen(config: RunConfig) -> RunConfig:
    method = dataclasses.replace(config.method, chip_encoder_frozen=True)  # type: ignore[call-arg]
    return dataclasses.replace(config, method=method, steps=6)


def test_each_chip_is_encoded_once_and_its_features_reach_the_losses(
    frozen: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    given: list[tuple[torch.Tensor, torch.Tensor]] = []
    encode, losses = CveMae.encode_chip, CveMae.losses

    def counted(self: CveMae, chip: torch.Tensor) -> torch.Tensor:
        if chip.any():  # a black one only tells the width
            encoded.append(len(chip))
        return encode(self, chip)

    def seen(self: CveMae, batch: Batch, generator: torch.Generator) -> Any:
        if self.training:
            assert batch.chip_features is not None
            given.append((batch.row, batch.chip_features))
        return losses(self, batch, generator)

    with monkeypatch.context() as patch:
        patch.setattr(CveMae, "encode_chip", counted)
        patch.setattr(CveMae, "losses", seen)
        run = pretrain(frozen, dataset, tmp_path / "run")
    assert sum(encoded) == dataset.rows("train") + dataset.rows("val")
    chips = torch.cat([b.chip for b in read_split(dataset, "train", batch_size=8, photo_px=16, chip_px=16, workers=0)])
    with torch.no_grad():
        wanted = run.method.encode_chip(chips)
    for row, features in given:
        torch.testing.assert_close(features, wanted[row], rtol=1e-3, atol=1e-3)
    assert not (run.path / "cache").exists()


def test_a_resumed_run_finds_the_features_again(
    frozen: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = pretrain(frozen, dataset, tmp_path / "straight")

    def crash(*_: object) -> None:
        raise OSError("power cut")

    early = dataclasses.replace(frozen, checkpoint_every=3)
    usual = TrainingModule.optimizer_step
    with monkeypatch.context() as patch, pytest.raises(OSError, match="power cut"):
        patch.setattr(
            TrainingModule,
            "optimizer_step",
            lambda self, *a: crash() if self.trainer.global_step == 4 else usual(self, *a),
        )
        pretrain(early, dataset, tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(CveMae, "encode_chip", crash)
        resumed = pretrain(early, dataset, tmp_path / "run", resume=True)
    wanted = straight.method.state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in resumed.method.state_dict().items())
