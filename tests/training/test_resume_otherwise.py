"""Runs that go on with other settings than they began with."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recorded import RecordedProgress
from safetensors.torch import load_file

from birdsat.dataset.row_groups import Dataset
from birdsat.errors import CheckpointError
from birdsat.training.config import RunConfig
from birdsat.training.metrics import read_metrics
from birdsat.training.module import TrainingModule
from birdsat.training.optimiser import rate
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import LAST_CHECKPOINT, MODEL_FILE, load_run


class PowerCut(OSError):
    pass


def crash_in_step(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    usual = TrainingModule.optimizer_step

    def step_or_crash(self: TrainingModule, *args: Any, **kwargs: Any) -> None:
        if self.trainer.global_step == step - 1:
            raise PowerCut
        usual(self, *args, **kwargs)

    monkeypatch.setattr(TrainingModule, "optimizer_step", step_or_crash)


def rates_of_steps(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """The learning rates that the optimiser really has in each step (0 is the first), filled in as they come."""
    usual, seen = TrainingModule.on_before_optimizer_step, {}

    def note(self: TrainingModule, optimizer: torch.optim.Optimizer) -> None:
        seen[self.trainer.global_step] = optimizer.param_groups[0]["lr"]
        usual(self, optimizer)

    monkeypatch.setattr(TrainingModule, "on_before_optimizer_step", note)
    return seen


def assert_same_weights(a: Path, b: Path) -> None:
    """Of the last step, and those of the optimiser."""
    first, second = (torch.load(run / LAST_CHECKPOINT, weights_only=True) for run in (a, b))
    assert first["global_step"] == second["global_step"]
    for name, value in first["state_dict"].items():
        assert torch.equal(value, second["state_dict"][name]), name


@pytest.fixture
def constant(config: RunConfig) -> RunConfig:
    """The same run with a learning rate that does not depend on the number of steps."""
    return dataclasses.replace(config, optimiser=dataclasses.replace(config.optimiser, warmup=0.0, lr_floor=1.0))


def test_a_run_that_logs_and_saves_otherwise_from_the_middle_on_ends_with_the_same_weights(
    finished: Path, config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        crash_in_step(patch, 9)
        pretrain(config, dataset, out)
    other = dataclasses.replace(config, log_every=3, checkpoint_every=2, workers=1)
    run = pretrain(other, dataset, out, resume=True)
    assert run.config == load_run(out).config
    assert (run.config.log_every, run.config.checkpoint_every) == (3, 2)
    assert_same_weights(finished, out)
    kept, wanted = load_file(out / MODEL_FILE), load_file(finished / MODEL_FILE)
    assert kept.keys() == wanted.keys() and all(torch.equal(kept[name], wanted[name]) for name in wanted)
    steps = [record["step"] for record in read_metrics(out) if record["split"] == "train"]
    assert steps == [2, 4, 6, 9, 12]


def finished_first(out: Path, config: RunConfig, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    pretrain(config, dataset, out)


def crashed_first(out: Path, config: RunConfig, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        crash_in_step(patch, 9)
        pretrain(config, dataset, out)


@pytest.mark.parametrize("begin", [finished_first, crashed_first])
def test_a_run_whose_steps_grow_has_the_weights_of_one_that_had_so_many_where_the_rate_is_constant(
    begin: Callable[..., None], constant: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = dataclasses.replace(constant, steps=16)
    pretrain(longer, dataset, tmp_path / "straight")
    begin(tmp_path / "grown", constant, dataset, monkeypatch)
    progress = RecordedProgress()
    run = pretrain(longer, dataset, tmp_path / "grown", resume=True, progress=progress)
    assert_same_weights(tmp_path / "straight", tmp_path / "grown")
    assert run.config.steps == 16
    assert any("goes on to 16 steps, 12 before" in note for note in progress.notes)
    assert [record["step"] for record in read_metrics(tmp_path / "grown")][-1] == 16
    assert progress.bars[-1].total == 16


def test_from_there_on_the_learning_rate_is_that_of_a_run_of_the_new_number_of_steps(
    finished: Path, config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, tmp_path / "grown")
    seen = rates_of_steps(monkeypatch)
    pretrain(dataclasses.replace(config, steps=16), dataset, tmp_path / "grown", resume=True)
    optimiser = config.optimiser
    assert seen == {step: pytest.approx(optimiser.lr * rate(optimiser, step, 16)) for step in (12, 13, 14, 15)}
    assert seen[12] > 5 * optimiser.lr * rate(optimiser, 11, 12)  # it had come down


def test_a_finished_run_is_not_touched_where_its_checkpoint_cannot_be_read(
    finished: Path, config: RunConfig, dataset: Dataset, tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path / "grown")
    checkpoint = tmp_path / "grown" / LAST_CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=r"last\.ckpt cannot be read"):
        pretrain(dataclasses.replace(config, steps=16), dataset, tmp_path / "grown", resume=True)
    assert load_run(tmp_path / "grown").config == load_run(finished).config
