"""A plain re-enactment of the published training step, to be compared with.

Written anew after the published BirdSAT and Remote-Sensing-RVSA code: attention by explicit matrices, tokens shuffled
for masking even where none is hidden, the photo encoded twice, and the frozen chip encoder run in every step.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PlainBlock(nn.Module):
    """Attention and multilayer perceptron; with `convolution`, ViTAE's branch beside the attention."""

    def __init__(self, width: int, heads: int, *, convolution: bool) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.pcm: nn.Module | None = None
        if convolution:
            self.pcm = nn.Sequential(
                nn.Conv2d(width, 4 * width, 3, 1, 1, groups=width // 4),
                nn.BatchNorm2d(4 * width),
                nn.SiLU(),
                nn.Conv2d(4 * width, width, 3, 1, 1, groups=width // 4),
            )

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        beside = None
        if self.pcm is not None:
            side = int((tokens - 1) ** 0.5)
            square = x[:, 1:].reshape(n, side, side, width).permute(0, 3, 1, 2).contiguous()
            beside = self.pcm(square).permute(0, 2, 3, 1).reshape(n, tokens - 1, width)
        q, k, v = self.qkv(self.norm1(x)).reshape(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attention = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1)
        x = x + self.proj((attention @ v).transpose(1, 2).reshape(n, tokens, width))
        if beside is not None:
            x = torch.cat([x[:, :1], x[:, 1:] + beside], dim=1)
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class PlainMae(nn.Module):
    """Encoder and decoder of one kind of image, ViTAE-B by default."""

    def __init__(self, px: int, patch_px: int, width: int = 768, depth: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.patch_px, tokens, narrow = patch_px, (px // patch_px) ** 2, 512
        self.stem = nn.Conv2d(3, width, patch_px, patch_px)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 1 + tokens, width) * 0.02, requires_grad=False)
        self.blocks = nn.ModuleList(PlainBlock(width, heads, convolution=True) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.narrow, self.mask_token = nn.Linear(width, narrow), nn.Parameter(torch.zeros(1, 1, narrow))
        self.decoder_positions = nn.Parameter(torch.randn(1, 1 + tokens, narrow) * 0.02, requires_grad=False)
        self.decoder_blocks = nn.ModuleList(PlainBlock(narrow, 16, convolution=False) for _ in range(8))
        self.decoder_norm, self.pixels = nn.LayerNorm(narrow, eps=1e-6), nn.Linear(narrow, 3 * patch_px**2)

    def encode(self, image: Tensor, mask_ratio: float) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, the mask, and the order that puts tokens back."""
        x = self.stem(image).flatten(2).transpose(1, 2) + self.positions[:, 1:]
        n, tokens, width = x.shape
        order = torch.rand(n, tokens).argsort(dim=1)
        back = order.argsort(dim=1)
        kept = int(tokens * (1 - mask_ratio))
        x = x.gather(1, order[:, :kept, None].expand(-1, -1, width))
        mask = torch.ones(n, tokens)
        mask[:, :kept] = 0
        x = torch.cat([(self.class_token + self.positions[:, :1]).expand(n, -1, -1), x], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x), mask.gather(1, back), back

    def rebuild_loss(self, image: Tensor, mask_ratio: float) -> Tensor:
        """Of un-normalised pixels."""
        x, mask, back = self.encode(image, mask_ratio)
        x = self.narrow(x)
        hidden = self.mask_token.expand(len(x), back.shape[1] + 1 - x.shape[1], -1)
        whole = torch.cat([x[:, 1:], hidden], dim=1).gather(1, back[..., None].expand(-1, -1, x.shape[2]))
        x = torch.cat([x[:, :1], whole], dim=1) + self.decoder_positions
        for block in self.decoder_blocks:
            x = block(x)
        predicted = self.pixels(self.decoder_norm(x))[:, 1:]
        n, side, p = len(image), image.shape[2] // self.patch_px, self.patch_px
        target = image.reshape(n, 3, side, p, side, p).permute(0, 2, 4, 3, 5, 1).reshape(n, side**2, -1)
        return ((predicted - target).square().mean(dim=2) * mask).sum() / mask.sum()


class PublishedCve(nn.Module):
    """CVE-MAE-Meta as published: 0.3 x contrast (no temperature) + reconstruction."""

    def __init__(self, photo_px: int, photo_patch_px: int, chip_px: int, chip_patch_px: int, **sizes: int) -> None:
        super().__init__()
        self.photo, self.chip = PlainMae(photo_px, photo_patch_px, **sizes), PlainMae(chip_px, chip_patch_px, **sizes)
        width = self.photo.norm.normalized_shape[0]
        self.place, self.date = nn.Linear(4, width), nn.Linear(4, width)
        self.chip.requires_grad_(False)

    def loss(self, photo: Tensor, chip: Tensor, place: Tensor, date: Tensor) -> Tensor:
        """The sum that is minimised."""
        ground = F.normalize(self.photo.encode(photo, 0.0)[0][:, 0], dim=1)
        above = F.normalize(self.chip.encode(chip, 0.0)[0][:, 0] + self.place(place) + self.date(date), dim=1)
        logits, own = ground @ above.T, torch.arange(len(photo))
        contrast = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        return 0.3 * contrast + self.photo.rebuild_loss(photo, 0.75)
