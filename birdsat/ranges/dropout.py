"""Dropout whose masks cost little beside the products of a small network."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """As `nn.Dropout`, to a share in steps of 1/256: each number is kept or dropped by one random byte.

    On a processor, `nn.Dropout` draws a number of 32 bits for each, one after the other, which takes three times as
    long as the product of a layer 128 wide.
    """

    def __init__(self, share: float) -> None:
        """share: of the numbers that are dropped, from 0 to below 1."""
        super().__init__()
        self.dropped = min(255, round(256 * share))  # of 256 values of a byte

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.dropped):
            return x
        eights = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        byte = eights.view(torch.uint8)[: x.numel()].view(x.shape)
        kept = torch.ge(byte, self.dropped, out=torch.empty(x.shape, dtype=x.dtype))
        return x * kept.mul_(256 / (256 - self.dropped))
