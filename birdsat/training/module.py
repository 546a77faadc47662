"""A method as Lightning trains it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from birdsat.dataset.batch import Batch
from birdsat.methods.method import Method
from birdsat.observations.observation import Split
from birdsat.training.chip_features import ChipFeatures
from birdsat.training.config import RunConfig
from birdsat.training.ema import averaged_copy, follow
from birdsat.training.optimiser import build_optimiser, clip_gradients, rate

Losses = Callable[[Batch, torch.Generator], dict[str, Tensor]]


def seeded_generator(seed: int, *keys: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator whose numbers depend on nothing but `seed`, `keys` and the kind of device.

    On CUDA it draws there; elsewhere on the CPU, as Apple's GPUs know few distributions.
    """
    state = int(np.random.SeedSequence([seed, *keys]).generate_state(1)[0])
    where = torch.device(device)
    return torch.Generator(where if where.type == "cuda" else "cpu").manual_seed(state)


class TrainingModule(lightning.LightningModule):
    """Feeds batches to a method and its gradients to the optimiser.

    What is drawn at random in a step (colours, masks) depends on the seed, the rank and the number of the batch
    alone, so that a resumed run draws what an uninterrupted one would.
    """

    def __init__(self, method: Method, config: RunConfig) -> None:
        super().__init__()
        self.config = config
        self.method = method
        self.average = averaged_copy(method) if config.optimiser.average_decay > 0 else None
        self.gradient_norm: Tensor | None = None  # before clipping, of the latest optimiser step
        self.frozen_chips: dict[Split, ChipFeatures] = {}  # features of a frozen chip encoder
        self._losses: Losses = torch.compile(method.losses) if config.compile else method.losses

    @property
    def best_method(self) -> Method:
        """The method with the weights to keep: their running mean where there is one."""
        return self.method if self.average is None else self.average  # type: ignore[return-value]

    def with_chip_features(self, batch: Batch, split: Split) -> Batch:
        """The same batch with the features of its chips where they were computed beforehand."""
        known = self.frozen_chips.get(split)
        return batch if known is None else replace(batch, chip_features=known.of(batch.row))

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device, non_blocking=True)

    def training_step(self, batch: Batch, batch_idx: int) -> Mapping[str, Any]:
        generator = seeded_generator(self.config.seed, 0, self.global_rank, batch_idx, device=self.device)
        batch = self.config.views.recolour(self.with_chip_features(batch, "train"), generator)
        losses = self._losses(batch, generator)
        total = torch.stack([loss.float() for loss in losses.values()]).sum()
        return {"loss": total, "losses": {name: loss.detach() for name, loss in losses.items()}}

    def on_train_start(self) -> None:
        # A run that goes on to more steps than it had before has the next step's rate from a schedule of fewer.
        scheduler = self.lr_schedulers()
        assert isinstance(scheduler, LambdaLR)
        for group, highest in zip(scheduler.optimizer.param_groups, scheduler.base_lrs, strict=True):
            group["lr"] = highest * rate(self.config.optimiser, self.global_step, self.config.steps)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.gradient_norm = clip_gradients(self.method, self.config.optimiser.clip_norm)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        step = self.trainer.global_step
        super().optimizer_step(*args, **kwargs)
        if self.average is not None:
            follow(self.average, self.method, decay=self.config.optimiser.average_decay, step=step)

    def configure_optimizers(self) -> Any:
        config = self.config
        optimiser = build_optimiser(self.method, config.optimiser)

        def factor(step: int) -> float:
            return rate(config.optimiser, step, config.steps)

        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": LambdaLR(optimiser, factor), "interval": "step"},
        }
