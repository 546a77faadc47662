"""The transformer block that every encoder and decoder is made of."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from birdsat.encoders.convolution import ConvolutionBranch, TokenGrid


class Attention(nn.Module):
    """Self-attention over all tokens, by PyTorch's fused kernel."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Float[Tensor, "n tokens width"]) -> Float[Tensor, "n tokens width"]:
        n, count, width = tokens.shape
        packed = self.query_key_value(tokens).view(n, count, 3, self.heads, width // self.heads)
        query, key, value = packed.permute(2, 0, 3, 1, 4)  # each (n, heads, tokens, width / heads)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).reshape(n, count, width))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Pre-norm attention, then a pre-norm multilayer perceptron (Dosovitskiy et al. 2021, section 3.1).

    With `convolution`, a branch of convolutions runs beside the attention on the block's input, as in ViTAE (Xu et al.
    2021, "ViTAE: Vision Transformer Advanced by Exploring Intrinsic Inductive Bias", section 3.3). With `drop_path`
    > 0, each branch is left out of so many samples in training (stochastic depth, Huang et al. 2016).
    """

    def __init__(
        self, width: int, heads: int, mlp_ratio: float = 4.0, *, convolution: bool = False, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads)
        self.mlp_norm = nn.LayerNorm(width, eps=1e-6)
        hidden = int(width * mlp_ratio)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.convolution = ConvolutionBranch(width) if convolution else None
        self.drop_path = drop_path

    def matrices(self) -> Iterator[tuple[nn.Parameter, int]]:
        """The weights that are matrices, each with how many of equal shape it holds, one below the other."""
        for parameter in self.parameters():
            if parameter.ndim == 2:
                yield parameter, 3 if parameter is self.attention.query_key_value.weight else 1

    def forward(
        self,
        tokens: Float[Tensor, "n tokens width"],
        grid: TokenGrid | None = None,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n tokens width"]:
        """grid: where the tokens after the class token lie, for the convolutions. generator: who skips, in training."""
        mixed = self._kept(self.attention(self.attention_norm(tokens)), generator)
        if self.convolution is not None and grid is not None:
            beside = self._kept(self.convolution(tokens[:, 1:], grid), generator)
            mixed = mixed + F.pad(beside, (0, 0, 1, 0))  # nothing for the class token
        tokens = tokens + mixed
        return tokens + self._kept(self.mlp(self.mlp_norm(tokens)), generator)

    def _kept(
        self, branch: Float[Tensor, "n tokens_ width"], generator: torch.Generator | None
    ) -> Float[Tensor, "n tokens_ width"]:
        """What a branch gives, scaled up where kept, so that its mean is as in eval mode."""
        if not (self.training and self.drop_path > 0 and generator is not None):
            return branch
        kept = torch.rand(len(branch), 1, 1, generator=generator, device=generator.device) >= self.drop_path
        return branch * kept.to(branch.device, branch.dtype) / (1 - self.drop_path)


def initialise(module: nn.Module) -> None:
    """Xavier-uniform linear layers with zero biases, as in He et al. 2022, appendix A.1."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            torch.nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                torch.nn.init.zeros_(part.bias)
