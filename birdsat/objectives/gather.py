"""Rows of all processes that train together."""

import torch
import torch.distributed
from jaxtyping import Bool, Float
from torch import Tensor


def process_rank() -> int:
    """Of this process; 0 when it trains alone."""
    return torch.distributed.get_rank() if _distributed() else 0


def process_count() -> int:
    """Processes that train together."""
    return torch.distributed.get_world_size() if _distributed() else 1


def gather_rows(rows: Tensor) -> Tensor:
    """All processes' rows in rank order; the gradient of floating rows flows back to the rank they came from."""
    if process_count() == 1:
        return rows
    gathered: Tensor = _GatherRows.apply(rows)  # type: ignore[no-untyped-call]
    return gathered


def mean_where(each: Float[Tensor, " n"], counted: Bool[Tensor, " n"]) -> Float[Tensor, ""]:
    """Mean of the values that count, 0 where none does; its mean over the processes is that of all their rows.

    A mean of each process's own would give a row more weight where fewer count beside it.
    """
    return process_count() * (each * counted).sum() / gather_rows(counted).sum().clamp(min=1)


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


class _GatherRows(torch.autograd.Function):
    """torch.distributed.nn.functional.all_gather does the same, but is deprecated since torch 2.13."""

    @staticmethod
    def forward(ctx: object, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(process_count())]
        torch.distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous()
        torch.distributed.all_reduce(total)  # every rank's loss depends on these rows
        return total.chunk(process_count())[process_rank()]
