"""AdamW without the wait for torch's compiler."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.adamw import adamw


class AdamW:
    """`torch.optim.AdamW` with its own betas, by its functional form.

    The class imports torch's compiler when one is made, which takes about a second: longer than a fit to few taxa.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], weight_decay: float) -> None:
        self.weight_decay = weight_decay
        # Of each: itself, the running means of its gradient and of that squared, and the steps taken.
        self.states = [(each, torch.zeros_like(each), torch.zeros_like(each), torch.tensor(0.0)) for each in parameters]

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Take one with the parameters that have gradients, and forget these."""
        some = [state for state in self.states if state[0].grad is not None]
        adamw(
            [parameter for parameter, *_ in some],
            [parameter.grad for parameter, *_ in some if parameter.grad is not None],
            [mean for _, mean, _, _ in some],
            [square for _, _, square, _ in some],
            [],
            [steps for *_, steps in some],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=lr,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )
        for parameter, *_ in some:
            parameter.grad = None
