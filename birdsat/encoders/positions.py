"""Where each patch lies, in numbers that a transformer is given."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from birdsat.errors import ConfigError

Positions = Literal["fixed", "learned"]
POSITIONS = "positions_"  # name, before the view's number, of the table in a module


def grid_positions(rows: int, columns: int, width: int) -> Float[Tensor, "tokens width"]:
    """Fixed sine-cosine positions of a grid of patches, half the width for each axis.

    Source: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", section 3 and appendix A.1.
    """
    if width % 4:
        raise ConfigError(f"encoder width {width} is not a multiple of 4, which sine-cosine positions need.")
    frequency = 10_000.0 ** -(torch.arange(width // 4, dtype=torch.float64) / (width // 4))

    def axis(length: int) -> Tensor:
        angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
        return torch.cat([angle.sin(), angle.cos()], dim=1)

    across = axis(columns)[None].expand(rows, columns, -1)
    down = axis(rows)[:, None].expand(rows, columns, -1)
    return torch.cat([across, down], dim=2).reshape(rows * columns, width).float()


def add_positions(module: nn.Module, i: int, side: int, width: int, kind: Positions) -> None:
    """Give `module` the positions of view `i`'s grid of patches: a parameter, or a buffer that is not saved."""
    table = grid_positions(side, side, width)
    if kind == "learned":
        module.register_parameter(f"{POSITIONS}{i}", nn.Parameter(table))
    else:
        module.register_buffer(f"{POSITIONS}{i}", table, persistent=False)


def resized_positions(table: Float[Tensor, "tokens width"], tokens: int) -> Float[Tensor, "resized width"]:
    """Positions of a square grid for a grid of another size, by bicubic interpolation (Dosovitskiy et al. 2021,
    section 3.2)."""
    if len(table) == tokens:
        return table
    side, new_side = math.isqrt(len(table)), math.isqrt(tokens)
    image = table.T.reshape(1, -1, side, side)
    resized = F.interpolate(image, size=(new_side, new_side), mode="bicubic", align_corners=False)
    return resized[0].flatten(1).T.contiguous()
