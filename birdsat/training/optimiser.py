"""AdamW, or Muon beside it; weight decay where it belongs; a learning rate that warms up and falls along a cosine."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from birdsat.encoders.blocks import Block
from birdsat.encoders.encoder import Encoder
from birdsat.errors import ConfigError
from birdsat.training.muon import Muon


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimiserConfig:
    """How the weights are changed."""

    lr: float = 1e-3  # highest learning rate, reached at the end of the warm-up
    muon_lr: float = 0.0  # the same for Muon, which takes the matrices within transformer blocks; 0: AdamW takes all
    lr_floor: float = 0.01  # last learning rate, as a part of the highest; 0..1
    warmup: float = 0.05  # part of all steps in which the learning rate rises from 0; 0..1
    restart_every: int = 0  # steps after which the cosine starts again from the highest rate; 0: one cosine for all
    weight_decay: float = 0.05  # of weight matrices and kernels only, per step and unit of learning rate
    betas: tuple[float, float] = (0.9, 0.95)  # decay of the running mean of gradients and of their squares
    clip_norm: float = 1.0  # gradients longer than this (L2 norm over all parameters) are shortened; 0: never
    head_rate: float = 1.0  # factor on the rates of what lies outside of encoders, such as a classifier's head
    layer_decay: float = 1.0  # factor on the rates of an encoder's block for each block that follows it; 1: all alike
    average_decay: float = 0.0  # of the running mean of weights, per step; 0 keeps no mean

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise ConfigError(f"lr is {self.lr}; allowed: above 0, such as 1e-3.")
        for name in ("lr_floor", "warmup"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0..1.")
        for name in ("weight_decay", "clip_norm", "muon_lr"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0 (none) or more.")
        if not 0 < self.head_rate < math.inf:
            raise ConfigError(f"head_rate is {self.head_rate}; allowed: above 0, such as 1 or 10.")
        if not 0 < self.layer_decay <= 1:
            raise ConfigError(f"layer_decay is {self.layer_decay}; allowed: above 0, up to 1 (all layers alike).")
        if self.restart_every < 0:
            raise ConfigError(f"restart_every is {self.restart_every}; allowed: 0 (never) or more steps.")
        if not 0 <= self.average_decay < 1:
            raise ConfigError(f"average_decay is {self.average_decay}; allowed: 0 (no mean) to below 1.")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas are {self.betas}; allowed: two numbers from 0 to below 1.")


def rate(config: OptimiserConfig, step: int, steps: int) -> float:
    """Learning rate of optimiser step `step` (0 is the first) of a run of `steps`, as a part of the highest.

    A cosine, or with `restart_every` several (Loshchilov and Hutter 2017, "SGDR", equation 5).
    """
    warmup_steps = round(config.warmup * steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    done, length = step - warmup_steps, max(1, steps - 1 - warmup_steps)
    if config.restart_every:
        done, length = done % config.restart_every, config.restart_every
    progress = min(1.0, done / length)
    cosine = (1 + math.cos(math.pi * progress)) / 2
    return config.lr_floor + (1 - config.lr_floor) * cosine


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


def rate_factors(module: nn.Module, *, layer_decay: float, head_rate: float) -> dict[nn.Parameter, float]:
    """The part of the learning rate that each parameter gets: `head_rate` for those outside of encoders.

    With `layer_decay` d and an encoder of n blocks: d^(n + 1) for patches, class token and positions, d^n for the first
    block, d for the last one, 1 for the norm after it (Clark et al. 2020, "ELECTRA"; He et al. 2022, appendix A.1).
    """
    factors = dict.fromkeys(module.parameters(), head_rate)
    for encoder in module.modules():
        if isinstance(encoder, Encoder):
            layers = encoder.layers  # blocks, then the norm
            factors |= dict.fromkeys(encoder.parameters(), layer_decay ** len(layers))
            for later, layer in enumerate(reversed(layers)):
                factors |= dict.fromkeys(layer.parameters(), layer_decay**later)
    return factors


def build_optimiser(module: nn.Module, config: OptimiserConfig) -> Optimizer:
    """The optimiser of the trainable parameters of `module`; AdamW is fused into few kernels where the device can.

    With `muon_lr`, the matrices within transformer blocks go to Muon (Jordan et al. 2024), whose step is the nearest
    orthogonal matrix to the momentum, scaled so that its size is that of an AdamW step (Liu et al. 2025, "Muon is
    Scalable for LLM Training", section 2.2).
    """
    groups = parameter_groups(module, config.weight_decay)
    if not groups:
        raise ConfigError("the method has no trainable parameter; unfreeze a part of it.")
    matrices = _matrices_of_blocks(module) if config.muon_lr > 0 else {}
    for group in groups:
        group["params"] = [parameter for parameter in group["params"] if parameter not in matrices]
    factors = rate_factors(module, layer_decay=config.layer_decay, head_rate=config.head_rate)
    fused = all(p.device.type in ("cpu", "cuda") for group in groups for p in group["params"])
    adamw = AdamW(_by_rate(groups, config.lr, factors), lr=config.lr, betas=config.betas, fused=fused)
    if not matrices:
        return adamw
    muon = Muon(
        _by_rate([{"params": list(matrices)}], config.muon_lr, factors),
        lr=config.muon_lr,
        weight_decay=config.weight_decay,
        stacks=matrices,
    )
    return CombinedOptimizer([adamw, muon])


def _by_rate(groups: list[dict[str, Any]], lr: float, factors: dict[nn.Parameter, float]) -> list[dict[str, Any]]:
    """The groups, each split by the learning rates of its parameters, the lowest first."""
    split = []
    for group in groups:
        by_rate: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            by_rate.setdefault(lr * factors[parameter], []).append(parameter)
        split += [group | {"params": by_rate[rate], "lr": rate} for rate in sorted(by_rate)]
    return split


def _matrices_of_blocks(module: nn.Module) -> dict[nn.Parameter, int]:
    """The trainable matrices within transformer blocks, each with how many are stacked in it."""
    blocks = [part for part in module.modules() if isinstance(part, Block)]
    return {p: count for block in blocks for p, count in block.matrices() if p.requires_grad}


class CombinedOptimizer(Optimizer):
    """Optimisers of different parameters, stepped, saved and scheduled as one."""

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = tuple(parts)
        super().__init__([group for part in parts for group in part.param_groups], defaults={})
        self._share_groups()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step every part, after `closure` has made the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            with nullcontext() if isinstance(part, Muon) else _on_one_thread():
                part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The state of each part."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Give each part its state back."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()

    def _share_groups(self) -> None:
        # The very dicts of the parts, so that a scheduler's learning rates reach them.
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def clip_gradients(module: nn.Module, most: float) -> torch.Tensor:
    """Shorten the gradients to the L2 norm `most` (0: leave them). Returns the norm they had, a scalar."""
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    with _on_one_thread():
        return nn.utils.clip_grad_norm_(parameters, most if most > 0 else math.inf)


@contextmanager
def _on_one_thread() -> Iterator[None]:
    """For work on a hundred small tensors, one after the other: to wake the other threads for each costs more than they
    do (docs/performance.md)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
