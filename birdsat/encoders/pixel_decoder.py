"""From visible tokens back to the pixels of every patch."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from birdsat.encoders.blocks import Block, initialise
from birdsat.encoders.tokens import grid_positions


@dataclass(frozen=True, kw_only=True)
class PixelDecoderConfig:
    """Settings of the light decoder that is thrown away after pretraining."""

    width: int = 512
    depth: int = 8  # blocks
    heads: int = 16


class PixelDecoder(nn.Module):
    """Rebuild all patches of one view from its visible tokens (He et al. 2022, section 3)."""

    def __init__(self, config: PixelDecoderConfig, *, from_width: int, rows: int, columns: int, patch_px: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(from_width, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=1e-6)
        self.pixels = nn.Linear(config.width, patch_px**2 * 3)
        initialise(self)
        self.hidden_token = nn.Parameter(torch.zeros(config.width))
        self.positions: Tensor
        self.register_buffer("positions", grid_positions(rows, columns, config.width), persistent=False)

    def forward(
        self,
        summary: Float[Tensor, "n 1 from_width"],
        visible_tokens: Float[Tensor, "n visible from_width"],
        visible: Int64[Tensor, "n visible"],
    ) -> Float[Tensor, "n tokens pixels"]:
        """Predict every patch's pixels; `visible` says where the visible tokens lie."""
        known = self.narrow(visible_tokens)
        canvas = self.hidden_token.to(known.dtype).expand(len(known), len(self.positions), -1)
        canvas = canvas.scatter(1, visible[..., None].expand_as(known), known)  # hidden patches: the learned token
        tokens = torch.cat([self.narrow(summary), canvas + self.positions], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.pixels(self.norm(tokens[:, 1:]))  # type: ignore[no-any-return]
