"""What Apple's GPUs and macOS ask, checked where there is no Mac: no float64 on the way of a batch, and no fork."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from no_float64 import NoFloat64

import birdsat.dataset.read
import birdsat.training.pretrain as pretraining
from birdsat.dataset.read import TrainingStream, read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.training.config import RunConfig
from birdsat.training.module import seeded_generator


def test_a_run_is_trained_and_asked_without_float64(
    config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = pretraining._fit

    def guarded(*arguments: Any) -> None:
        with NoFloat64():  # a method is made on the CPU, and may use it there
            fit(*arguments)

    monkeypatch.setattr(pretraining, "_fit", guarded)
    run = pretraining.pretrain(config, dataset, tmp_path / "run")
    with NoFloat64():
        embed_split(run, dataset, "val")


def test_the_guard_sees_float64() -> None:
    with NoFloat64(), pytest.raises(TypeError, match="float64"):
        torch.ones(2).double()


def test_what_apples_gpus_cannot_do_falls_back_to_the_cpu_unless_it_is_forbidden() -> None:
    ask = "import birdsat, os, sys; assert 'torch' not in sys.modules; print(os.environ['PYTORCH_ENABLE_MPS_FALLBACK'])"
    for given, said in (({}, "1"), ({"PYTORCH_ENABLE_MPS_FALLBACK": "0"}, "0")):
        around = {name: value for name, value in os.environ.items() if name != "PYTORCH_ENABLE_MPS_FALLBACK"}
        asked = subprocess.run(
            [sys.executable, "-c", ask], env=around | given, capture_output=True, text=True, check=True
        )
        assert asked.stdout.strip() == said


def test_what_is_drawn_does_not_need_a_gpu_of_apple() -> None:
    assert seeded_generator(1, 2, device="mps").device == torch.device("cpu")


def test_batches_are_the_same_from_workers_that_are_not_forked(
    config: RunConfig, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = TrainingStream(dataset, batch_size=8, views=config.views, seed=0)
    sizes = {"batch_size": 8, "photo_px": 16, "chip_px": 16}
    forked = [next(iter(birdsat.dataset.read.Batches(stream, workers=1)))]
    forked += read_split(dataset, "val", **sizes, workers=1)

    monkeypatch.setattr(birdsat.dataset.read, "_START_METHOD", "spawn")

    spawned = [next(iter(birdsat.dataset.read.Batches(stream, workers=1)))]
    spawned += read_split(dataset, "val", **sizes, workers=1)
    assert len(forked) == len(spawned) == 3
    for one, other in zip(forked, spawned, strict=True):
        assert torch.equal(one.row, other.row)
        assert torch.equal(one.photo, other.photo) and torch.equal(one.chip, other.chip)
