"""Pretraining: from settings and a dataset to a run folder."""

import logging
import multiprocessing
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import lightning
import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException

from birdsat.dataset.row_groups import Dataset
from birdsat.engine.device import pick_device
from birdsat.errors import DatasetError
from birdsat.locks import folder_lock
from birdsat.progress import QUIET, Bar, Progress
from birdsat.training.callbacks import BetweenSteps
from birdsat.training.config import RunConfig, fitted_to, lightning_precision
from birdsat.training.data import TrainingData, training_stream
from birdsat.training.manifest import Asked, write_run_manifest
from birdsat.training.module import TrainingModule
from birdsat.training.run_folder import (
    LAST_CHECKPOINT,
    Run,
    check_checkpoint,
    dataset_facts,
    is_finished,
    load_run,
    prepare_folder,
    start_from,
)
from birdsat.training.shared_files import PlainCheckpointIO
from birdsat.training.stopping import StopRequest


def pretrain(
    config: RunConfig,
    dataset: Dataset,
    out: Path,
    *,
    resume: bool = False,
    asked: Asked | None = None,
    progress: Progress = QUIET,
) -> Run:
    """Train a method on the train split of `dataset` into the run folder `out`; the val split chooses the weights.

    The method's band statistics are those of the dataset. With `resume`, a run that was stopped continues from
    its last checkpoint to the numbers that an uninterrupted run gives; a finished one is read as it is. Settings that
    change no gradient (`resuming.FREE`) may be others then, and `steps` may have grown: a run that was stopped or
    finished goes on, and from there on its learning rate is that of a run of the new number of steps, which jumps up
    where the old schedule had come down. It ends with other weights than a run that had so many steps from its start.
    asked: what the run's run.json remembers.

    Raises
    - ConfigError: `out` holds something else, a run that is not to be resumed, or one with other settings.
    - BusyError: another training is at work in it.
    - DatasetError: the train split is smaller than a batch, or has no photos or chips to learn from.
    - TrainingError: a loss or gradient is not finite. The last good checkpoint is kept.
    - TrainingStopped: Ctrl-C or SIGTERM came; the state was saved.
    - CheckpointError: the checkpoint to resume from is damaged, or nothing in the run to start from fits.
    """
    config = fitted_to(config, dataset)
    _check_images(config, dataset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        method = config.method.build()
    checkpoint = out / LAST_CHECKPOINT if resume and (out / LAST_CHECKPOINT).is_file() else None
    if checkpoint is None:
        for run in config.start_from:
            start_from(method, run)
    module = TrainingModule(method, config)
    training_stream(config, dataset)  # a batch size that is too large is refused before anything is written
    done = resume and is_finished(out, config)
    if checkpoint is not None and not done:
        check_checkpoint(checkpoint)  # before the folder is changed
    shown = progress if process_rank() == 0 else QUIET
    # Of processes that train together, the first holds the folder for all.
    with folder_lock(out) if process_rank() == 0 else nullcontext():
        if process_rank() == 0:
            prepare_folder(out, config, dataset_facts(dataset.manifest), resume=resume, progress=shown)
            if not done:
                write_run_manifest(out, asked or Asked(), config, dataset, resumed=checkpoint is not None)
        if not done:
            with _quiet(), StopRequest() as stop, shown.bar("training", config.steps, unit="steps") as bar:
                _fit(module, dataset, out, checkpoint, stop, bar)
        return load_run(out)


def _check_images(config: RunConfig, dataset: Dataset) -> None:
    counts = dataset.manifest.split_counts("train")
    method = config.method
    needs_photos = method.photo_px is not None
    for images, needed, count in (("photos", needs_photos, counts.photos), ("chips", method.needs_chips, counts.chips)):
        if needed and count == 0:
            raise DatasetError(
                f"the train split of {dataset.folder} has no {images}, which the method learns from; take a recipe "
                "that does without (mae for photos alone), or build the dataset with them."
            )


def process_rank() -> int:
    """Of this process among those that train together, before any of them has met the others."""
    rank: int = getattr(rank_zero_only, "rank", 0)
    return rank


def _fit(
    module: TrainingModule,
    dataset: Dataset,
    out: Path,
    checkpoint: Path | None,
    stop: StopRequest,
    bar: Bar,
) -> None:
    config, device = module.config, pick_device()
    data = TrainingData(config, dataset)
    between = BetweenSteps(config, dataset, out, data=data, stop=stop, bar=bar)
    trainer = lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else device.type,
        devices=config.devices or ("auto" if device.type == "cuda" else 1),
        num_nodes=config.nodes,
        precision=lightning_precision(config.precision),
        max_epochs=-1,
        max_steps=config.steps,
        accumulate_grad_batches=config.accumulate,
        callbacks=[between],
        default_root_dir=out,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        plugins=[PlainCheckpointIO()],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    others = set(multiprocessing.active_children())
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except (RuntimeError, SIGTERMException) as error:
        # A signal may take a loader's worker with it, or come while Lightning's handlers are in place.
        if stop.signal is None:
            raise
        raise stop.stopped(between.state_is_kept()) from error
    finally:
        for worker in set(multiprocessing.active_children()) - others:
            worker.kill()  # they ignore SIGTERM, and nobody reads from them any more
    if stop.signal is not None and trainer.global_step < config.steps:
        raise stop.stopped(between.state_is_kept())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's notes and hints, which speak of its own loggers and loaders."""
    names = ("lightning", "lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
