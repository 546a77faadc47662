"""Every setting of a training run; saved as the run's config.json."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from birdsat.dataset.read import row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.engine.device import pick_device
from birdsat.errors import ConfigError
from birdsat.methods.method import MethodSettings, TrainingFacts
from birdsat.training.optimiser import OptimiserConfig

LightningPrecision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A complete training run, but for the dataset and the folder it is written to."""

    method: MethodSettings  # what is learned
    views: ViewsConfig = field(default_factory=ViewsConfig)  # sizes and augmentation of photos and chips
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    start_from: tuple[Path, ...] = ()  # runs whose encoders are the first weights; a later one's wins
    batch_size: int = 128  # samples per process that are compared with each other at once
    steps: int = 2000  # optimiser steps in all
    accumulate: int = 1  # batches whose gradients are summed into one optimiser step
    precision: Literal["auto", "32", "bf16"] = "auto"  # of the arithmetic; auto: bf16 on GPUs that have it, else 32
    workers: int = 2  # processes that decode images, for each training process; 0: in the training process
    seed: int = 0  # of first weights, order, augmentation and masks
    log_every: int = 10  # optimiser steps between two lines of metrics
    val_every: int = 200  # optimiser steps between two evaluations on the val split
    checkpoint_every: int = 200  # optimiser steps between two checkpoints
    devices: int | None = None  # training processes on each node; None: one a GPU, or one where there is no GPU
    nodes: int = 1  # machines that train together
    compile: bool = False  # compile the method with torch.compile: minutes at the start, faster steps on GPUs

    def __post_init__(self) -> None:
        for name in ("batch_size", "steps", "accumulate", "log_every", "val_every", "checkpoint_every", "nodes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 1 or more.")
        for name in ("workers", "seed"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0 or more.")
        for name in ("photo_px", "chip_px"):
            px = getattr(self.method, name)
            if px is not None and getattr(self.views, name) != px:
                raise ConfigError(
                    f"views.{name} is {getattr(self.views, name)}, but the method's encoder sees {px} px."
                )
        if self.views.photo_views != self.method.photo_views:
            raise ConfigError(
                f"views.photo_views is {self.views.photo_views}, but the method compares {self.method.photo_views} "
                "view(s) of each photo; change one of the two."
            )
        if self.devices is not None and self.devices < 1:
            raise ConfigError(f"devices is {self.devices}; allowed: 1 or more, or none for every GPU.")


def lightning_precision(precision: Literal["auto", "32", "bf16"]) -> LightningPrecision:
    """The precision in Lightning's words; bf16 keeps the weights in 32 bits."""
    if precision == "auto":
        has_bf16 = pick_device().type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16-mixed" if has_bf16 else "32-true"
    return "bf16-mixed" if precision == "bf16" else "32-true"


def fitted_to(config: RunConfig, dataset: Dataset) -> RunConfig:
    """The same run with what the method's settings take from the training data, such as the statistics of its images.

    Raises InputError when the data lack what the method needs.
    """
    manifest = dataset.manifest
    facts = TrainingFacts(
        photo_mean=manifest.photo_mean,
        photo_std=manifest.photo_std,
        chip_mean=manifest.chip_mean,
        chip_std=manifest.chip_std,
        taxa=dataset.taxa,
        taxon_rows=manifest.split_counts("train").taxon_rows,
        places=lambda: row_facts(dataset, "train").lon_lat,
        starts_from_run=bool(config.start_from),
    )
    return dataclasses.replace(config, method=config.method.fitted_to(facts))
