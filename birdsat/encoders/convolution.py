"""Convolutions over tokens, beside attention: the parallel branch of a ViTAE block."""

import math
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from birdsat.encoders.tokens import take
from birdsat.errors import ConfigError

Convolve = Literal["in place", "packed"]


@dataclass(frozen=True, kw_only=True)
class TokenGrid:
    """Where the tokens of one view lie in its square grid of patches.

    "in place": each at its own patch, and a hidden patch counts as zero. "packed": the visible tokens are laid out as
    a smaller square in their order, as the published BirdSAT code does.
    """

    side: int  # patches along one side
    visible: Int64[Tensor, "n visible"] | None  # of each token, the index of its patch; None: all, in order
    convolve: Convolve = "in place"

    def __post_init__(self) -> None:
        if self.visible is None or self.convolve == "in place":
            return
        count = self.visible.shape[1]
        if math.isqrt(count) ** 2 != count:
            raise ConfigError(
                f"{count} visible patches do not make a square, which packed convolutions need; choose a mask ratio "
                "that leaves a square number, such as 0.75 of a grid with an even side, or convolve in place."
            )

    def spread(self, tokens: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n width rows columns"]:
        """Tokens to images."""
        n, count, width = tokens.shape
        side = self.side
        if self.visible is not None and self.convolve == "packed":
            side = math.isqrt(count)
        elif self.visible is not None:
            where = self.visible[..., None].expand_as(tokens)
            tokens = tokens.new_zeros(n, side**2, width).scatter(1, where, tokens)
        return tokens.transpose(1, 2).reshape(n, width, side, side)

    def gather(self, image: Float[Tensor, "n width rows columns"]) -> Float[Tensor, "n tokens width"]:
        """The inverse of `spread`."""
        tokens = image.flatten(2).transpose(1, 2)
        return take(tokens, self.visible) if self.visible is not None and self.convolve == "in place" else tokens


class ConvolutionBranch(nn.Module):
    """Two grouped 3 x 3 convolutions with batch norm and SiLU between, four times as wide inside.

    As in the published BirdSAT models (ViTAE without its reduction cells). Only visible tokens enter the statistics.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        groups = width // 4
        self.widen = nn.Conv2d(width, 4 * width, kernel_size=3, padding=1, groups=groups)
        self.norm = nn.BatchNorm1d(4 * width)
        self.narrow = nn.Conv2d(4 * width, width, kernel_size=3, padding=1, groups=groups)

    def forward(self, tokens: Float[Tensor, "n tokens width"], grid: TokenGrid) -> Float[Tensor, "n tokens width"]:
        wide = grid.gather(self.widen(grid.spread(tokens)))  # (n, tokens, 4 width)
        # One row a token: as (n, 4 width, tokens) the norm takes seven times as long on a CPU.
        wide = F.silu(self.norm(wide.flatten(0, 1))).view_as(wide)
        return grid.gather(self.narrow(grid.spread(wide)))
