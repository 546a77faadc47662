"""How a trained method is asked: in eval mode, without gradients, on the GPU when there is one."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from birdsat.engine.device import pick_device
from birdsat.methods.method import Method


@contextmanager
def inference(method: Method, device: torch.device | str | None = None) -> Iterator[torch.device]:
    """Move `method` to `device` (default: what `pick_device` picks) and yield the device to send batches to.

    Inside, the method is in eval mode and no gradients are kept; after it, it trains again if it did before.
    """
    where = pick_device(device)
    was_training = method.training
    method.to(where).eval()
    try:
        with torch.inference_mode():
            yield where
    finally:
        method.train(was_training)
