"""Muon: the step of a matrix is the nearest orthogonal matrix to its momentum (Jordan et al. 2024).

https://kellerjordan.github.io/posts/muon. Ours, and not torch's, for processors without arithmetic in bfloat16: these
emulate it, and torch's Muon, which knows nothing else, then takes longer than the rest of a step
(docs/performance.md).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from birdsat.errors import ConfigError

# Coefficients and number of steps of the iteration, from Jordan's post: they pull small singular values up as fast as
# can be, and leave all of them between about 0.7 and 1.2 rather than at 1.
A, B, C = 3.4445, -4.7750, 2.0315
STEPS = 5
SMALLEST_NORM = 1e-7  # what a matrix is divided by at the least
# Root mean square of the entries of an AdamW step, as a part of its learning rate (Liu et al. 2025, "Muon is Scalable
# for LLM Training", section 2.2): rates and weight decays of AdamW then serve Muon as well.
ADAMW_RMS = 0.2


class Muon(Optimizer):
    """Nesterov momentum made orthogonal, and weight decay apart from it, for parameters that are matrices.

    The state is that of `torch.optim.Muon`, whose checkpoints it reads.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        *,
        lr: float,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        stacks: Mapping[nn.Parameter, int] | None = None,
    ) -> None:
        """stacks: parameters that hold so many matrices of equal shape, one below the other; each is one of its own.

        Raises ConfigError for a parameter that is not a matrix, or not a stack of so many.
        """
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self._stacks = dict(stacks or {})
        for group in self.param_groups:
            for parameter in group["params"]:
                count = self._stacks.get(parameter, 1)
                if parameter.ndim != 2 or count < 1 or len(parameter) % count:
                    raise ConfigError(
                        f"Muon got a parameter of shape {tuple(parameter.shape)} as a stack of {count}; allowed: "
                        "matrices whose rows are a multiple of it. Leave the others to AdamW."
                    )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, after `closure` has made the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        changed: list[tuple[dict[str, Any], list[Tensor]]] = []  # groups and their weights
        directions: list[Tensor] = []  # of all groups: matrices of different rates share a batch
        for group in self.param_groups:
            weights, gradients, momenta = self._matrices(group["params"])
            if weights:
                torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
                directions += torch._foreach_lerp(gradients, momenta, group["momentum"])
                changed.append((group, weights))
        steps = iter(steps_along(directions))
        for group, weights in changed:
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(weights, list(islice(steps, len(weights))), alpha=-group["lr"])
        return loss

    def _matrices(self, parameters: Iterable[nn.Parameter]) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Weights, gradients and momenta of those that have a gradient, as views of the matrices stacked in each."""
        weights: list[Tensor] = []
        gradients: list[Tensor] = []
        momenta: list[Tensor] = []
        for parameter in parameters:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(parameter.grad)
            count = self._stacks.get(parameter, 1)
            weights += parameter.chunk(count)
            gradients += parameter.grad.chunk(count)
            momenta += state["momentum_buffer"].chunk(count)
        return weights, gradients, momenta


def steps_along(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Each matrix with its singular vectors kept and its singular values made alike, as large as an AdamW step.

    Matrices of one shape, lying or standing, go through the iteration as one batch: small ones by themselves leave
    most of a processor idle.
    """
    lying = [matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix for matrix in matrices]
    batches: dict[tuple[Any, ...], list[int]] = {}
    for number, matrix in enumerate(lying):
        batches.setdefault((matrix.device, matrix.dtype, matrix.shape), []).append(number)
    for (device, dtype, _), numbers in batches.items():
        stack = torch.stack([lying[number] for number in numbers]).to(product_dtype(device))
        steps = _iterate(stack).to(dtype) * (ADAMW_RMS * math.sqrt(stack.shape[2]))
        for number, step in zip(numbers, steps.unbind(), strict=True):
            lying[number] = step
    return [step if step.shape == matrix.shape else step.mT for step, matrix in zip(lying, matrices, strict=True)]


def product_dtype(device: torch.device) -> torch.dtype:
    """Of the iteration's products: bfloat16 where the device is sure to be faster by it."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def _iterate(stack: Float[Tensor, "n rows columns"]) -> Float[Tensor, "n rows columns"]:
    """The Newton-Schulz iteration X <- (A + B G + C G^2) X with G = X X^T, on matrices no taller than wide."""
    stack = stack / torch.linalg.vector_norm(stack, dim=(1, 2), keepdim=True).clamp(min=SMALLEST_NORM)
    if stack.dtype == torch.float32 and stack.shape[2] > 1.5 * stack.shape[1]:
        return _iterate_on_squares(stack)
    for _ in range(STEPS):
        gram = stack @ stack.mT
        stack = torch.baddbmm(stack, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), stack, beta=A)
    return stack


def _iterate_on_squares(stack: Float[Tensor, "n rows columns"]) -> Float[Tensor, "n rows columns"]:
    """The same, for wide matrices in fewer operations: the factors before X are polynomials in the first G.

    So they commute, and G after a step is P G P. Needs float32: what is rounded in the first G grows with each step.
    """
    gram = stack @ stack.mT
    factors = factor = _factor(gram)
    for _ in range(STEPS - 1):
        gram = factor @ gram @ factor
        factor = _factor(gram)
        factors = factor @ factors
    return factors @ stack


def _factor(gram: Float[Tensor, "n rows rows"]) -> Float[Tensor, "n rows rows"]:
    """A + B G + C G^2."""
    factor = torch.baddbmm(gram, gram, gram, beta=B, alpha=C)
    factor.diagonal(dim1=1, dim2=2).add_(A)
    return factor
