"""A transformer over the patches of one or several views of the same observation."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from birdsat.encoders.blocks import Block, initialise
from birdsat.encoders.tokens import grid_positions, take, to_patches
from birdsat.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class View:
    """One kind of image that an encoder sees."""

    px: int  # height and width of the image
    patch_px: int  # height and width of a patch

    def __post_init__(self) -> None:
        if self.patch_px < 1 or self.px < 1 or self.px % self.patch_px:
            raise ConfigError(
                f"an image of {self.px} px cannot be cut into patches of {self.patch_px} px; "
                "the patch size must divide the image size."
            )

    @property
    def side(self) -> int:
        """Patches along one side."""
        return self.px // self.patch_px

    @property
    def tokens(self) -> int:
        """Patches in all."""
        return self.side**2


@dataclass(frozen=True, kw_only=True)
class ViewEncoderConfig:
    """Settings of an encoder; `encoders.sizes` has the usual ones."""

    views: tuple[View, ...]
    width: int = 768
    depth: int = 12  # blocks
    heads: int = 12

    def __post_init__(self) -> None:
        if not self.views:
            raise ConfigError("an encoder needs at least one view.")
        if min(self.width, self.depth, self.heads) < 1:
            raise ConfigError(f"width {self.width}, depth {self.depth}, heads {self.heads}: each must be 1 or more.")
        if self.width % self.heads or self.width % 4:
            raise ConfigError(f"encoder width {self.width} must be a multiple of 4 and of its {self.heads} heads.")


class ViewEncoder(nn.Module):
    """Tokens of one or several views through one transformer, after a class token; order is spatial, view by view."""

    def __init__(self, config: ViewEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.stems = nn.ModuleList(nn.Linear(3 * view.patch_px**2, config.width) for view in config.views)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=1e-6)
        initialise(self)
        self.class_token = nn.Parameter(torch.empty(config.width).normal_(std=0.02))
        self.view_tokens = nn.Parameter(torch.zeros(len(config.views), config.width))
        for i, view in enumerate(config.views):
            self.register_buffer(f"positions_{i}", grid_positions(view.side, view.side, config.width), persistent=False)

    def forward(
        self,
        images: Sequence[Float[Tensor, "n 3 _height _width"]],
        visible: Sequence[Int64[Tensor, "n _visible"]] | None = None,
    ) -> Float[Tensor, "n tokens width"]:
        """Encode one normalised image a view.

        With `visible` (indices a view, see `draw_visible`) only those patches are looked at. Returns the class token
        and then each view's tokens in the order of its indices.
        """
        if len(images) != len(self.config.views):
            raise ConfigError(f"got {len(images)} images a sample for an encoder of {len(self.config.views)} view(s).")
        sequence = [self.class_token.expand(len(images[0]), 1, -1)]
        for i, (view, image, stem) in enumerate(zip(self.config.views, images, self.stems, strict=True)):
            if image.shape[-2:] != (view.px, view.px):
                raise ConfigError(
                    f"got an image of {tuple(image.shape[-2:])} px; this encoder was made for {view.px} px."
                )
            patches = to_patches(image, view.patch_px)  # (n, patches, pixels)
            positions = (self.get_buffer(f"positions_{i}") + self.view_tokens[i]).expand(len(image), -1, -1)
            if visible is not None:
                patches, positions = (
                    take(patches, visible[i]),
                    take(positions, visible[i]),
                )  # (n, visible, ...)
            sequence.append(stem(patches) + positions)  # (n, visible, width)
        tokens = torch.cat(sequence, dim=1)  # (n, 1 + visible of all views, width)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)  # type: ignore[no-any-return]
