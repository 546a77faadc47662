"""Training from start to end, and what may come between."""

import dataclasses
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recorded import RecordedProgress
from safetensors.torch import load_file

from birdsat.dataset.row_groups import Dataset
from birdsat.errors import CheckpointError, ConfigError, DatasetError, TrainingError
from birdsat.methods.cve_mae import CveMae, CveMaeConfig
from birdsat.methods.moco_geo import MocoGeoConfig
from birdsat.training.config import RunConfig
from birdsat.training.metrics import read_metrics
from birdsat.training.module import TrainingModule
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import BEST_WEIGHTS, LAST_CHECKPOINT, MODEL_FILE, load_run
from birdsat.training.stopping import TrainingStopped

TIMED = ("images_per_second", "waiting_share", "seconds")


def during_step(monkeypatch: pytest.MonkeyPatch, step: int, action: Callable[[], Any]) -> None:
    """Do `action` within optimiser step `step` (1 is the first)."""
    usual = TrainingModule.optimizer_step

    def with_action(self: TrainingModule, *args: Any, **kwargs: Any) -> None:
        if self.trainer.global_step == step - 1:
            action()
        usual(self, *args, **kwargs)

    monkeypatch.setattr(TrainingModule, "optimizer_step", with_action)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def untimed(run: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k not in TIMED} for record in read_metrics(run)]


def assert_same_run(a: Path, b: Path) -> None:
    first, second = (torch.load(run / LAST_CHECKPOINT, weights_only=True) for run in (a, b))
    assert any(name.startswith("average.") for name in first["state_dict"])
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "callbacks", "global_step"):
        assert same(first[part], second[part]), part
    assert same(load_file(a / MODEL_FILE), load_file(b / MODEL_FILE))
    assert untimed(a) == untimed(b)


def test_a_run_stopped_by_sigterm_resumes_to_the_numbers_of_an_uninterrupted_one(
    finished: Path, config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch, pytest.raises(TrainingStopped, match=r"step 6 is saved.*Resume it") as stopped:
        during_step(patch, 6, lambda: signal.raise_signal(signal.SIGTERM))
        pretrain(config, dataset, out)
    assert stopped.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) == before
    assert torch.load(out / LAST_CHECKPOINT, weights_only=True)["global_step"] == 6
    pretrain(dataclasses.replace(config, workers=1), dataset, out, resume=True)
    assert_same_run(finished, out)


def test_a_run_that_crashed_resumes_from_its_last_checkpoint_to_the_same_numbers(
    finished: Path, config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise OSError("power cut")

    out = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(OSError, match="power cut"):
        during_step(patch, 11, crash)
        pretrain(config, dataset, out)
    assert read_metrics(out)[-1]["step"] == 10
    assert torch.load(out / LAST_CHECKPOINT, weights_only=True)["global_step"] == 7
    pretrain(config, dataset, out, resume=True)
    assert_same_run(finished, out)


def test_a_run_killed_after_its_last_step_is_finished_by_resuming(
    finished: Path, config: RunConfig, dataset: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    (out / MODEL_FILE).unlink()
    (out / "README.md").unlink()
    pretrain(config, dataset, out, resume=True)
    assert_same_run(finished, out)
    assert (out / "README.md").read_text() == (finished / "README.md").read_text()


def test_metrics_have_every_loss_of_both_splits_and_the_pace(finished: Path) -> None:
    records = read_metrics(finished)
    assert [r["step"] for r in records if r["split"] == "train"] == [2, 4, 6, 8, 10, 12]
    assert [r["step"] for r in records if r["split"] == "val"] == [5, 10, 12]
    for record in records:
        assert set(record["losses"]) == {"contrast", "reconstruct"}
        assert record["loss"] == pytest.approx(sum(record["losses"].values()))
    train = next(r for r in records if r["split"] == "train")
    assert train["images_per_second"] > 0
    assert 0 <= train["waiting_share"] <= 1


def test_the_kept_weights_are_the_average_at_the_step_with_the_lowest_val_loss(finished: Path) -> None:
    best = min((r for r in read_metrics(finished) if r["split"] == "val"), key=lambda r: r["loss"])
    assert f"step {best['step']}" in (finished / "README.md").read_text()
    kept = load_file(finished / MODEL_FILE)
    assert same(kept, load_file(finished / BEST_WEIGHTS))
    last = torch.load(finished / LAST_CHECKPOINT, weights_only=True)["state_dict"]
    averages = {name: last[f"average.{name}"] for name in kept}
    assert same(kept, averages) == (best["step"] == 12)


def test_the_run_folder_holds_no_clutter(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == [
        "README.md",
        "checkpoints",
        "config.json",
        "dataset.json",
        "metrics.jsonl",
        "model.safetensors",
        "run.json",
        "tensorboard",
    ]
    assert sorted(path.name for path in (finished / "checkpoints").iterdir()) == ["best.safetensors", "last.ckpt"]


def test_band_statistics_of_the_dataset_reach_the_method_and_its_config(finished: Path, dataset: Dataset) -> None:
    run = load_run(finished)
    assert run.config.method.photo_mean == dataset.manifest.photo_mean
    assert run.config.method.chip_std == dataset.manifest.chip_std  # type: ignore[union-attr]


def test_a_finished_run_is_not_trained_over(finished: Path, config: RunConfig, dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"a finished training run already; resume it"):
        pretrain(config, dataset, finished)


def test_resuming_a_finished_run_reads_it(finished: Path, config: RunConfig, dataset: Dataset) -> None:
    before = (finished / MODEL_FILE).stat().st_mtime_ns
    run = pretrain(config, dataset, finished, resume=True)
    assert run.path == finished
    assert (finished / MODEL_FILE).stat().st_mtime_ns == before


def test_resuming_with_other_settings_names_them(finished: Path, config: RunConfig, dataset: Dataset) -> None:
    other = dataclasses.replace(config, batch_size=4, optimiser=dataclasses.replace(config.optimiser, lr=0.5))
    with pytest.raises(ConfigError, match=r"optimiser\.lr is 0\.5, was 0\.001; batch_size is 4, was 8"):
        pretrain(other, dataset, finished, resume=True)


def test_resuming_on_another_dataset_is_refused(
    finished: Path, config: RunConfig, dataset_without_val: Dataset
) -> None:
    with pytest.raises(ConfigError, match="fingerprint"):
        pretrain(config, dataset_without_val, finished, resume=True)


def test_a_folder_of_something_else_is_left_alone(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="choose another folder"):
        pretrain(config, dataset, tmp_path, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_batch_larger_than_the_train_split_is_refused(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Lower the batch size"):
        pretrain(dataclasses.replace(config, batch_size=64), dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_damaged_checkpoint_is_named(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "run"
    pretrain(dataclasses.replace(config, steps=1), dataset, out)
    (out / MODEL_FILE).unlink()
    checkpoint = out / LAST_CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=r"last\.ckpt cannot be read"):
        pretrain(dataclasses.replace(config, steps=1), dataset, out, resume=True)


def test_a_run_without_a_checkpoint_may_start_again_with_other_settings(
    config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise OSError("power cut")

    out = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(OSError, match="power cut"):
        during_step(patch, 1, crash)
        pretrain(config, dataset, out)
    run = pretrain(dataclasses.replace(config, steps=1), dataset, out)
    assert load_run(out).config.steps == run.config.steps == 1


def test_without_a_val_split_the_last_weights_are_kept_and_the_card_says_so(
    config: RunConfig, dataset_without_val: Dataset, tmp_path: Path
) -> None:
    short = dataclasses.replace(config, steps=3)
    run = pretrain(short, dataset_without_val, tmp_path / "run")
    last = torch.load(run.path / LAST_CHECKPOINT, weights_only=True)["state_dict"]
    kept = run.method.state_dict()
    assert same(kept, {name: last[f"average.{name}"] for name in kept})
    assert "no val split" in (run.path / "README.md").read_text()


def test_a_loss_that_is_not_finite_stops_training_and_leaves_the_last_good_checkpoint(
    config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = CveMae.losses
    calls = 0

    def spoilt(self: CveMae, *args: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        nonlocal calls
        calls += self.training
        losses = usual(self, *args, **kwargs)
        return losses | {"contrast": losses["contrast"] * float("nan")} if calls == 2 * 9 - 1 else losses

    monkeypatch.setattr(CveMae, "losses", spoilt)
    out = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"'contrast' is nan at step 9.*lr is 0\.001.*step 7.*last\.ckpt"):
        pretrain(dataclasses.replace(config, checkpoint_every=7), dataset, out)
    checkpoint = torch.load(out / LAST_CHECKPOINT, weights_only=True)
    assert checkpoint["global_step"] == 7
    assert all(value.isfinite().all() for value in checkpoint["state_dict"].values())
    assert not (out / MODEL_FILE).exists()


def test_a_gradient_that_is_not_finite_is_never_saved(
    config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = TrainingModule.on_before_optimizer_step

    def spoilt(self: TrainingModule, optimizer: torch.optim.Optimizer) -> None:
        if self.trainer.global_step == 1:
            next(p for p in self.method.parameters() if p.grad is not None).grad.fill_(torch.inf)  # type: ignore[union-attr]
        usual(self, optimizer)

    monkeypatch.setattr(TrainingModule, "on_before_optimizer_step", spoilt)
    out = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"gradient norm.*step 2.*step 1"):
        pretrain(dataclasses.replace(config, checkpoint_every=1), dataset, out)
    assert torch.load(out / LAST_CHECKPOINT, weights_only=True)["global_step"] == 1


def test_progress_counts_steps_and_says_the_losses_and_nothing_is_printed(
    config: RunConfig, dataset: Dataset, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    quick = dataclasses.replace(config, steps=20, accumulate=1, val_every=20, log_every=1)
    progress = RecordedProgress()
    pretrain(quick, dataset, tmp_path / "run", progress=progress)
    assert capfd.readouterr() == ("", "")
    (bar,) = progress.bars
    assert (bar.title, bar.done, bar.total, bar.unit) == ("training", 20, 20, "steps")
    assert bar.figures[0].startswith("train loss ") and bar.figures[-1].startswith("val loss ")


def test_moco_geo_resumes_with_its_queue_to_the_same_numbers(
    config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise OSError("power cut")

    assert isinstance(config.method, CveMaeConfig)
    method = MocoGeoConfig(encoder=config.method.photo.encoder, queue=13, clusters=4)
    views = dataclasses.replace(config.views, photo_views=2)
    moco = dataclasses.replace(config, method=method, views=views)
    pretrain(moco, dataset, tmp_path / "straight")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="power cut"):
        during_step(patch, 11, crash)
        pretrain(moco, dataset, tmp_path / "crashed")
    pretrain(moco, dataset, tmp_path / "crashed", resume=True)
    assert_same_run(tmp_path / "straight", tmp_path / "crashed")


def test_a_method_of_chips_refuses_a_dataset_without_any(
    config: RunConfig, dataset_without_chips: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=r"no chips.*mae for photos alone"):
        pretrain(config, dataset_without_chips, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_views_of_another_size_than_the_encoders_are_refused(config: RunConfig) -> None:
    with pytest.raises(ConfigError, match=r"views.chip_px is 99.*sees 16 px"):
        dataclasses.replace(config, views=dataclasses.replace(config.views, chip_px=99))


def test_a_folder_with_another_tool_s_config_json_is_left_alone(
    config: RunConfig, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["BertModel"]}')
    with pytest.raises(ConfigError, match="not a training run"):
        pretrain(config, dataset, tmp_path)
    assert "BertModel" in (tmp_path / "config.json").read_text()


def test_a_second_view_is_made_exactly_for_methods_that_look_at_it(config: RunConfig) -> None:
    with pytest.raises(ConfigError, match=r"photo_views is 2"):
        dataclasses.replace(config, views=dataclasses.replace(config.views, photo_views=2))
