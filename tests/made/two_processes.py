"""An objective on two gloo processes, each with half of the rows, against the same on one process."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

Given = Mapping[str, torch.Tensor | float]


def _value_and_gradients(
    loss: Callable[..., torch.Tensor], given: Given
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    learned = {
        name: value.clone().requires_grad_()
        for name, value in given.items()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }
    value = loss(**{**given, **learned})
    value.backward()
    return value.detach(), {name: part.grad for name, part in learned.items() if part.grad is not None}


def _one_of_two(rank: int, loss: Callable[..., torch.Tensor], given: Given, whole: tuple[str, ...], out: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{out}/rendezvous", rank=rank, world_size=2)
    local = {
        name: value.chunk(2)[rank] if isinstance(value, torch.Tensor) and name not in whole else value
        for name, value in given.items()
    }
    torch.save(_value_and_gradients(loss, local), f"{out}/{rank}.pt")
    dist.barrier()  # with torch 2.6, leaving gloo at different times could hang
    dist.destroy_process_group()


def check_two_processes_equal_one(
    loss: Callable[..., torch.Tensor], given: Given, folder: Path, *, whole: tuple[str, ...] = ()
) -> None:
    """Value and gradients. The rows of what is `given` are shared out, but for the tensors that are `whole` on both."""
    mp.spawn(_one_of_two, args=(loss, given, whole, str(folder)), nprocs=2)
    value, gradients = _value_and_gradients(loss, given)
    (one, from_one), (other, from_other) = (torch.load(folder / f"{rank}.pt") for rank in range(2))
    # Data-parallel training takes the mean of the ranks' losses and gradients.
    assert torch.allclose((one + other) / 2, value)
    assert gradients and gradients.keys() == from_one.keys() == from_other.keys()
    for name, gradient in gradients.items():
        parts = from_one[name], from_other[name]
        both = parts[0] + parts[1] if name in whole else torch.cat(parts)
        assert gradient.any() and torch.allclose(both / 2, gradient, atol=1e-6), name
