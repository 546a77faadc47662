"""From visible tokens back to the pixels of every patch."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from birdsat.encoders.blocks import Block, initialise
from birdsat.encoders.encoder import View
from birdsat.encoders.positions import POSITIONS, Positions, add_positions
from birdsat.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class PixelDecoderConfig:
    """Settings of the light decoder that is thrown away after pretraining."""

    width: int = 512
    depth: int = 8  # blocks
    heads: int = 16
    positions: Positions = "fixed"  # sine-cosine, or a table that starts as such

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.heads) < 1 or self.width % self.heads or self.width % 4:
            raise ConfigError(
                f"a decoder of width {self.width}, depth {self.depth} and {self.heads} heads is impossible: each must "
                "be 1 or more, and the width a multiple of 4 and of the heads."
            )


class PixelDecoder(nn.Module):
    """Rebuild all patches of the views from their visible tokens (He et al. 2022, section 3)."""

    def __init__(self, config: PixelDecoderConfig, *, from_width: int, views: Sequence[View]) -> None:
        super().__init__()
        self.narrow = nn.Linear(from_width, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=1e-6)
        self.pixels = nn.ModuleList(nn.Linear(config.width, view.patch_px**2 * 3) for view in views)
        initialise(self)
        self.hidden_token = nn.Parameter(torch.zeros(config.width))
        self.view_tokens = nn.Parameter(torch.zeros(1 + len(views), config.width))  # the first is the summary's
        for i, view in enumerate(views):
            add_positions(self, i, view.side, config.width, config.positions)

    def forward(
        self,
        summary: Float[Tensor, "n 1 from_width"],
        visible_tokens: Sequence[Float[Tensor, "n _visible from_width"]],
        visible: Sequence[Int64[Tensor, "n _visible"]],
    ) -> list[Float[Tensor, "n _tokens _pixels"]]:
        """Predict every patch's pixels, view by view; `visible` says where the visible tokens lie."""
        sequence = [self.narrow(summary) + self.view_tokens[0]]
        for i, (tokens, where) in enumerate(zip(visible_tokens, visible, strict=True)):
            known = self.narrow(tokens)
            positions = getattr(self, f"{POSITIONS}{i}")
            canvas = self.hidden_token.to(known.dtype).expand(len(known), len(positions), -1)
            canvas = canvas.scatter(1, where[..., None].expand_as(known), known)  # hidden patches: the learned token
            sequence.append(canvas + positions + self.view_tokens[1 + i])
        lengths = [part.shape[1] for part in sequence]
        tokens = torch.cat(sequence, dim=1)  # (n, 1 + patches of all views, width)
        for block in self.blocks:
            tokens = block(tokens)
        _, *views = self.norm(tokens).split(lengths, dim=1)
        return [pixels(view) for pixels, view in zip(self.pixels, views, strict=True)]
