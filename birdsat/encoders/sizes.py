"""Encoder sizes by name."""

from typing import Literal

from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig

Size = Literal["tiny", "small", "base", "large"]

# width, blocks, heads; base and large are ViT-B and ViT-L (Dosovitskiy et al. 2021, table 1)
_ENCODERS: dict[Size, tuple[int, int, int]] = {
    "tiny": (128, 4, 4),
    "small": (384, 12, 6),
    "base": (768, 12, 12),
    "large": (1024, 24, 16),
}
# width, blocks, heads
_DECODERS: dict[Size, tuple[int, int, int]] = {
    "tiny": (64, 2, 4),
    "small": (256, 4, 8),
    "base": (512, 8, 16),
    "large": (512, 8, 16),
}


def encoder_of(size: Size, *, px: int, patch_px: int) -> ViewEncoderConfig:
    """An encoder of one view. `tiny` trains on two CPU cores; `base` and `large` are ViT-B and ViT-L."""
    width, depth, heads = _ENCODERS[size]
    view = View(px=px, patch_px=patch_px)
    return ViewEncoderConfig(views=(view,), width=width, depth=depth, heads=heads)


def decoder_of(size: Size) -> PixelDecoderConfig:
    """The decoder that goes with an encoder of this size (512 wide, 8 blocks for ViT-B: He et al. 2022, table 1)."""
    width, depth, heads = _DECODERS[size]
    return PixelDecoderConfig(width=width, depth=depth, heads=heads)
