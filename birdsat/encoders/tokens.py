"""Images as patches, where each patch lies, and which of them are visible."""

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

Pooling = Literal["mean and spread", "class token"]
SPREAD_FLOOR = 1e-4  # added to the variance, so that its root has a gradient where all tokens are alike


def to_patches(image: Float[Tensor, "n bands height width"], patch_px: int) -> Float[Tensor, "n tokens pixels"]:
    """Cut images into square patches, row by row; a patch's pixels are in row, column, band order."""
    n, bands, height, width = image.shape
    rows, columns = height // patch_px, width // patch_px
    tiles = image.reshape(n, bands, rows, patch_px, columns, patch_px)
    return tiles.permute(0, 2, 4, 3, 5, 1).reshape(n, rows * columns, patch_px * patch_px * bands)


def from_patches(
    patches: Float[Tensor, "n tokens pixels"], patch_px: int, rows: int, columns: int
) -> Float[Tensor, "n bands height width"]:
    """The inverse of `to_patches`."""
    n, _, pixels = patches.shape
    bands = pixels // patch_px**2
    tiles = patches.reshape(n, rows, columns, patch_px, patch_px, bands)
    return tiles.permute(0, 5, 1, 3, 2, 4).reshape(n, bands, rows * patch_px, columns * patch_px)


def draw_visible(n: int, tokens: int, mask_ratio: float, generator: torch.Generator) -> Int64[Tensor, "n visible"]:
    """Draw which patches stay visible, for each sample alone; indices ascend, so tokens keep spatial order.

    At least one patch is visible. The draw is made on the generator's device.
    """
    visible = max(1, round(tokens * (1 - mask_ratio)))
    noise = torch.rand(n, tokens, generator=generator, device=generator.device)
    return noise.argsort(dim=1)[:, :visible].sort(dim=1).values


def hidden_mask(visible: Int64[Tensor, "n visible"], tokens: int) -> Float[Tensor, "n tokens"]:
    """1 where a patch is hidden, 0 where it is visible."""
    return torch.ones(len(visible), tokens, device=visible.device).scatter(1, visible, 0.0)


def take(tokens: Tensor, index: Int64[Tensor, "n taken"]) -> Tensor:
    """Pick tokens by index: (n, tokens, width) and (n, taken) -> (n, taken, width)."""
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[2]))


def pool(tokens: Float[Tensor, "n tokens width"], pooling: Pooling) -> Float[Tensor, "n features"]:
    """Tokens, the class token first, as one vector: the class token, or mean and standard deviation of the others.

    A bird fills a few patches. Their mean fades into the background's; how far tokens spread around it does not.
    """
    if pooling == "class token":
        return tokens[:, 0].float()
    patches = tokens[:, 1:].float()
    spread = (patches.var(dim=1, correction=0) + SPREAD_FLOOR).sqrt()
    return torch.cat([patches.mean(dim=1), spread], dim=1)  # twice the width
