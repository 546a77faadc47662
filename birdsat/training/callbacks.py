"""What happens between steps: metrics, evaluation, the choice of weights, checkpoints, stopping."""

import shutil
import signal
import time
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from birdsat.dataset.batch import Batch
from birdsat.dataset.row_groups import Dataset
from birdsat.errors import ConfigError, TrainingError
from birdsat.files import write_atomic
from birdsat.observations.observation import Split
from birdsat.progress import Bar
from birdsat.training.card import model_card
from birdsat.training.chip_features import ChipFeatures
from birdsat.training.config import RunConfig
from birdsat.training.data import TrainingData
from birdsat.training.frozen_chips import CACHE_FOLDER, encode_all_chips
from birdsat.training.metrics import LossMeter, MetricsLog, Record
from birdsat.training.module import TrainingModule
from birdsat.training.optimiser import rate
from birdsat.training.run_folder import (
    BEST_WEIGHTS,
    CARD_FILE,
    LAST_CHECKPOINT,
    MODEL_FILE,
    dataset_facts,
    load_weights,
    save_weights,
)
from birdsat.training.shared_files import shared_temporary
from birdsat.training.stopping import StopRequest
from birdsat.training.validation import val_losses


class Stopwatch:
    """Adds up the time between laps, but for what is skipped."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = time.perf_counter()

    def lap(self) -> None:
        now = time.perf_counter()
        self.seconds, self._since = self.seconds + now - self._since, now

    def skip(self) -> None:
        self._since = time.perf_counter()


class BetweenSteps(Callback):
    """After each optimiser step, in this order: check and log, evaluate, save, stop."""

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        run: Path,
        *,
        data: TrainingData,
        stop: StopRequest,
        bar: Bar,
    ) -> None:
        self._config, self._dataset, self._run = config, dataset, run
        self._data, self._stop, self._bar = data, stop, bar
        self._meter = LossMeter()
        self._log: MetricsLog | None = None
        self._best: Record | None = None  # the val record of the weights to keep
        self._saved_step: int | None = None  # of the last checkpoint
        self._clock = Stopwatch()  # of training since the last record
        self._images = 0  # photos of this process since the last record
        self._waited_before = 0.0  # seconds, up to the last record
        self._processes = 1  # that train together

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        self._processes = trainer.world_size

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        assert isinstance(pl_module, TrainingModule)
        if not pl_module.method.chips_are_frozen:
            return
        splits: tuple[Split, ...] = ("train", "val")
        for split in splits:
            path = self._run / CACHE_FOLDER / f"chips-{split}.npy"
            if self._dataset.rows(split) == 0:
                continue
            if trainer.ckpt_path is None or not path.is_file():
                encode_all_chips(pl_module, self._dataset, split, path, stop=self._stop)
            pl_module.frozen_chips[split] = ChipFeatures(path)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._stop.take_over()
        step = trainer.global_step
        self._saved_step = step or None
        if trainer.is_global_zero:
            self._log = MetricsLog(self._run, after_step=step)
        self._bar.reach(step)
        self._waited_before = self._data.waited_seconds
        self._clock.skip()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, TrainingModule)
        config = self._config
        self._clock.lap()
        self._images += len(batch)
        is_step = (batch_idx + 1) % config.accumulate == 0
        step = trainer.global_step if is_step else trainer.global_step + 1
        self._meter.add(step, outputs["losses"], pl_module.gradient_norm if is_step else None)
        if pl_module.device.type == "cpu":
            self._settle()
        if not is_step:
            return
        is_last = step == config.steps
        stopping = trainer.strategy.reduce_boolean_decision(self._stop.signal is not None, all=False)
        if is_last or step % config.log_every == 0:
            self._write_train(trainer, step)
        if (is_last or step % config.val_every == 0) and self._dataset.rows("val") >= trainer.world_size:
            self._settle()
            self._evaluate(trainer, pl_module, step)
        if is_last or stopping or step % config.checkpoint_every == 0:
            self._settle()
            self._save(trainer, step)
        self._bar.reach(step)
        if stopping and self._stop.signal is None:
            self._stop.signal = signal.SIGTERM  # another process was asked to stop
        trainer.should_stop = stopping

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        assert isinstance(pl_module, TrainingModule)
        # Not on_train_end, which does not come when the last step was done before but not all files written.
        if trainer.is_global_zero and trainer.global_step >= self._config.steps:
            self._finish(pl_module)
        trainer.strategy.barrier("the run's files are written")

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def state_dict(self) -> dict[str, Any]:
        return {"meter": self._meter.state_dict(), "best": self._best, "processes": self._processes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if state_dict["processes"] != self._processes:
            raise ConfigError(
                f"the run was trained by {state_dict['processes']} processes, and cannot go on to the same numbers "
                f"with {self._processes}; resume it on as many devices."
            )
        self._meter.load_state_dict(state_dict["meter"])
        self._best = state_dict["best"]

    def state_is_kept(self) -> str:
        """Words on which step was saved, and where."""
        if self._saved_step is None:
            return "no checkpoint was saved yet"
        return f"step {self._saved_step:,} is saved in {self._run / LAST_CHECKPOINT}"

    def _settle(self) -> None:
        try:
            self._meter.settle()
        except TrainingError as error:
            raise TrainingError(f"{error} {self._remedy()}") from error

    def _remedy(self) -> str:
        lower = f"Lower the learning rate (lr is {self._config.optimiser.lr:g}) or raise the warm-up"
        if self._saved_step is None:
            return f"{lower}, and train in another folder; no checkpoint was saved yet."
        return (
            f"{lower}, and train in another folder. The checkpoint of step {self._saved_step:,} is kept in "
            f"{self._run / LAST_CHECKPOINT}; resumed, the run continues from it with the same settings."
        )

    def _write_train(self, trainer: lightning.Trainer, step: int) -> None:
        self._settle()
        self._clock.lap()
        losses, gradient_norm = self._meter.take()
        if trainer.world_size > 1:
            means = torch.tensor(list(losses.values()), device=trainer.strategy.root_device)
            losses = dict(zip(losses, trainer.strategy.reduce(means, reduce_op="mean").tolist(), strict=True))
        seconds, waited = self._clock.seconds, self._data.waited_seconds - self._waited_before
        self._record(
            {
                "step": step,
                "split": "train",
                "loss": sum(losses.values()),
                "losses": losses,
                "learning_rate": self._config.optimiser.lr * rate(self._config.optimiser, step - 1, self._config.steps),
                "gradient_norm": gradient_norm,
                "images_per_second": self._images * trainer.world_size / seconds,
                "waiting_share": min(1.0, waited / seconds),
                "seconds": seconds,
            }
        )
        self._clock, self._images = Stopwatch(), 0
        self._waited_before = self._data.waited_seconds

    def _evaluate(self, trainer: lightning.Trainer, module: TrainingModule, step: int) -> None:
        try:
            losses = val_losses(module, self._dataset, self._config)
        except TrainingError as error:
            raise TrainingError(f"{error} {self._remedy()}") from error
        record = {"step": step, "split": "val", "loss": sum(losses.values()), "losses": losses}
        self._record(record)
        if self._best is None or record["loss"] < self._best["loss"]:
            self._best = record
            if trainer.is_global_zero:
                save_weights(module.best_method, self._run / BEST_WEIGHTS, {"step": str(step)})
        self._clock.skip()

    def _record(self, record: Record) -> None:
        self._bar.reach(record["step"], f"{record['split']} loss {record['loss']:.4f}")
        if self._log is not None:
            self._log.write(record)

    def _save(self, trainer: lightning.Trainer, step: int) -> None:
        with shared_temporary(trainer, self._run / LAST_CHECKPOINT) as partial:
            trainer.save_checkpoint(partial)
        self._saved_step = step
        self._clock.skip()

    def _finish(self, module: TrainingModule) -> None:
        """Write the model card, then the kept weights, whose file says that the run is complete."""
        method = module.best_method
        if self._best is not None:
            load_weights(method, self._run / BEST_WEIGHTS)
        step = self._config.steps if self._best is None else self._best["step"]
        card = model_card(
            self._config,
            dataset_facts(self._dataset.manifest),
            parameters=sum(p.numel() for p in method.parameters()),
            kept=self._best,
            step=step,
        )
        write_atomic(self._run / CARD_FILE, card)
        save_weights(method, self._run / MODEL_FILE, {"step": str(step)})
        shutil.rmtree(self._run / CACHE_FOLDER, ignore_errors=True)
