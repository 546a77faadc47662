"""A running mean of a module's weights, which is often better than the last weights themselves."""

import copy

import torch
from torch import nn


def averaged_copy(module: nn.Module) -> nn.Module:
    """A copy of `module` in eval mode whose weights are to follow it by `follow`; none of them is trainable."""
    return copy.deepcopy(module).requires_grad_(False).eval()


@torch.no_grad()
def follow(average: nn.Module, module: nn.Module, *, decay: float, step: int) -> None:
    """Move `average` towards `module` after optimiser step `step` (0 is the first).

    The decay grows from 0.1 to `decay` over the first steps, so that random first weights are soon forgotten.
    Buffers are copied.
    """
    decay = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), 1 - decay)
    for mean, value in zip(average.buffers(), module.buffers(), strict=True):
        mean.copy_(value)
