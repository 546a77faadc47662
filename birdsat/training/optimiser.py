"""AdamW with weight decay where it belongs, and a learning rate that warms up and falls along a cosine."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW

from birdsat.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimiserConfig:
    """How the weights are changed."""

    lr: float = 1e-3  # highest learning rate, reached at the end of the warm-up
    lr_floor: float = 0.01  # last learning rate, as a part of `lr`; 0..1
    warmup: float = 0.05  # part of all steps in which the learning rate rises from 0 to `lr`; 0..1
    weight_decay: float = 0.05  # of weight matrices and kernels only, per step and unit of learning rate
    betas: tuple[float, float] = (0.9, 0.95)  # decay of the running mean of gradients and of their squares
    clip_norm: float = 1.0  # gradients longer than this (L2 norm over all parameters) are shortened; 0: never
    average_decay: float = 0.0  # of the running mean of weights, per step; 0 keeps no mean

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise ConfigError(f"lr is {self.lr}; allowed: above 0, such as 1e-3.")
        for name in ("lr_floor", "warmup"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0..1.")
        for name in ("weight_decay", "clip_norm"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0 (none) or more.")
        if not 0 <= self.average_decay < 1:
            raise ConfigError(f"average_decay is {self.average_decay}; allowed: 0 (no mean) to below 1.")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas are {self.betas}; allowed: two numbers from 0 to below 1.")


def learning_rate(config: OptimiserConfig, step: int, steps: int) -> float:
    """The learning rate of optimiser step `step` (0 is the first) of a run of `steps`."""
    warmup_steps = round(config.warmup * steps)
    if step < warmup_steps:
        return config.lr * (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, steps - 1 - warmup_steps))
    cosine = (1 + math.cos(math.pi * progress)) / 2
    return config.lr * (config.lr_floor + (1 - config.lr_floor) * cosine)


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The trainable parameters in two groups: matrices and kernels with weight decay, all else without.

    Without decay are norms, biases, look-up tables, and whatever is learned as such: tokens, positions,
    temperature.
    """
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            is_matrix = name.endswith("weight") and parameter.ndim >= 2 and not isinstance(part, nn.Embedding)
            (decayed if is_matrix else plain).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def build_optimiser(module: nn.Module, config: OptimiserConfig) -> AdamW:
    """AdamW over the trainable parameters of `module`; fused into few kernels where the device can."""
    groups = parameter_groups(module, config.weight_decay)
    if not groups:
        raise ConfigError("the method has no trainable parameter; unfreeze a part of it.")
    fused = all(p.device.type in ("cpu", "cuda") for group in groups for p in group["params"])
    return AdamW(groups, lr=config.lr, betas=config.betas, fused=fused)


def clip_gradients(module: nn.Module, most: float) -> torch.Tensor:
    """Shorten the gradients to the L2 norm `most` (0: leave them). Returns the norm they had, a scalar."""
    return nn.utils.clip_grad_norm_([p for p in module.parameters() if p.requires_grad], most if most > 0 else math.inf)
