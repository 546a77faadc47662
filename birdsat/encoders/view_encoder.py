"""A transformer over the patches of one or several views of the same observation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from birdsat.encoders.blocks import Block, initialise
from birdsat.encoders.convolution import Convolve, TokenGrid
from birdsat.encoders.encoder import Encoder, EncoderSettings, View
from birdsat.encoders.positions import POSITIONS, Positions, add_positions
from birdsat.encoders.tokens import Pooling, draw_visible, pool, take, to_patches
from birdsat.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ViewEncoderConfig(EncoderSettings):
    """Settings of an encoder; `encoders.sizes` has the usual ones."""

    RENAMED_SETTINGS: ClassVar = {"skipped": "drop_path"}

    views: tuple[View, ...]
    width: int = 768
    depth: int = 12  # blocks
    heads: int = 12
    block: Literal["vit", "vitae"] = "vit"  # vitae: with convolutions beside the attention; for one view
    convolve: Convolve = "in place"  # how vitae blocks see tokens when patches are hidden
    positions: Positions = "fixed"  # sine-cosine, or a table that starts as such
    pooling: Pooling = "mean and spread"  # from tokens to one vector of features
    drop_path: float = 0.0  # of samples by the last block's branches, in training; fewer by those before it

    def __post_init__(self) -> None:
        if not self.views:
            raise ConfigError("an encoder needs at least one view.")
        if min(self.width, self.depth, self.heads) < 1:
            raise ConfigError(f"width {self.width}, depth {self.depth}, heads {self.heads}: each must be 1 or more.")
        if self.width % self.heads or self.width % 4:
            raise ConfigError(f"encoder width {self.width} must be a multiple of 4 and of its {self.heads} heads.")
        if self.block == "vitae" and len(self.views) > 1:
            raise ConfigError(f"vitae blocks convolve over one view, and this encoder has {len(self.views)}; use vit.")
        if not 0 <= self.drop_path < 1:
            raise ConfigError(f"drop_path is {self.drop_path}; allowed: 0 (no block is skipped) to below 1.")

    @property
    def features_width(self) -> int:
        return self.width if self.pooling == "class token" else 2 * self.width

    def build(self) -> "ViewEncoder":
        return ViewEncoder(self)

    def with_drop_path(self, share: float) -> "ViewEncoderConfig":
        return replace(self, drop_path=share)


class ViewEncoder(Encoder):
    """Tokens of one or several views through one transformer, after a class token; order is spatial, view by view."""

    def __init__(self, config: ViewEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.stems = nn.ModuleList(nn.Linear(3 * view.patch_px**2, config.width) for view in config.views)
        self.blocks = nn.ModuleList(
            Block(
                config.width,
                config.heads,
                convolution=config.block == "vitae",
                drop_path=config.drop_path * (number / max(1, config.depth - 1)),
            )
            for number in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width, eps=1e-6)
        initialise(self)
        self.class_token = nn.Parameter(torch.empty(config.width).normal_(std=0.02))
        self.view_tokens = nn.Parameter(torch.zeros(len(config.views), config.width))
        for i, view in enumerate(config.views):
            add_positions(self, i, view.side, config.width, config.positions)

    @property
    def views(self) -> tuple[View, ...]:
        return self.config.views

    @property
    def layers(self) -> tuple[nn.Module, ...]:
        return (*self.blocks, self.norm)

    def forward(
        self,
        images: Sequence[Float[Tensor, "n 3 _height _width"] | None],
        visible: Sequence[Int64[Tensor, "n _visible"] | None] | None = None,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n tokens width"]:
        """Encode one normalised image a view; None leaves a view out.

        With `visible` (indices a view, see `draw_visible`) only those patches are looked at. Returns the class token
        and then each view's tokens in the order of its indices. generator: chance of stochastic depth, in training.
        """
        if len(images) != len(self.config.views):
            raise ConfigError(f"got {len(images)} images a sample for an encoder of {len(self.config.views)} view(s).")
        shown = visible or [None] * len(images)
        # Not len, here and below, by which an exported model would be of one batch size.
        n = next(image.shape[0] for image in images if image is not None)
        sequence = [self.class_token.expand(n, 1, -1)]
        sequence += [self._embed(i, image, shown[i]) for i, image in enumerate(images) if image is not None]
        tokens = torch.cat(sequence, dim=1)  # (n, 1 + visible of all views, width)
        grid = None
        if self.config.block == "vitae":
            grid = TokenGrid(side=self.config.views[0].side, visible=shown[0], convolve=self.config.convolve)
        for block in self.blocks:
            tokens = block(tokens, grid, generator)
        return self.norm(tokens)  # type: ignore[no-any-return]

    def features(
        self,
        images: Sequence[Float[Tensor, "n 3 _height _width"] | None],
        visible: Sequence[Int64[Tensor, "n _visible"] | None] | None = None,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n features"]:
        return pool(self(images, visible, generator), self.config.pooling)

    def draw_visible(self, i: int, n: int, mask_ratio: float, generator: torch.Generator) -> Int64[Tensor, "n visible"]:
        tokens = self.config.views[i].tokens
        return draw_visible(n, tokens, mask_ratio, generator).to(self.class_token.device)

    def _embed(
        self, i: int, image: Float[Tensor, "n 3 height_px width_px"], visible: Int64[Tensor, "n visible"] | None
    ) -> Float[Tensor, "n tokens width"]:
        view = self.config.views[i]
        if image.shape[-2:] != (view.px, view.px):
            raise ConfigError(f"got an image of {tuple(image.shape[-2:])} px; this encoder was made for {view.px} px.")
        patches = to_patches(image, view.patch_px)  # (n, patches, pixels)
        positions = (getattr(self, f"{POSITIONS}{i}") + self.view_tokens[i]).expand(image.shape[0], -1, -1)
        if visible is not None:
            patches, positions = take(patches, visible), take(positions, visible)  # (n, visible, ...)
        return self.stems[i](patches) + positions  # type: ignore[no-any-return]
