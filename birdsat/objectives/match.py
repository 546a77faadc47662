"""Match: does this photo belong to this chip?"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from birdsat.objectives.gather import mean_where


def draw_hard_negatives(
    similarity: Float[Tensor, "n n"], allowed: Bool[Tensor, "n n"], generator: torch.Generator
) -> tuple[Int64[Tensor, " n"], Bool[Tensor, " n"]]:
    """For each row, another column drawn in proportion to exp(similarity), among those `allowed`; and whether any was.

    So that the pairs that contrast finds hard to tell apart are those that are looked at together (Li et al. 2021,
    "Align before Fuse", section 3.2); the larger similarities are, the harder. The diagonal, a row's own pair, is never
    drawn.
    """
    n = len(similarity)
    allowed = allowed & ~torch.eye(n, dtype=torch.bool, device=similarity.device)
    weight = similarity.detach().float().masked_fill(~allowed, -torch.inf)
    # The largest of logits with Gumbel noise is a draw from their softmax.
    noise = torch.rand(n, n, generator=generator, device=generator.device).clamp(1e-9, 1 - 1e-7).to(weight.device)
    return (weight - (-noise.log()).log()).argmax(dim=1), allowed.any(dim=1)


def match_loss(
    positive: Float[Tensor, " n"],
    negative: Float[Tensor, " n"],
    paired: Bool[Tensor, " n"],
    unpaired: Bool[Tensor, " n"],
) -> Float[Tensor, ""]:
    """Cross-entropy of saying which pairs belong together (BirdSAT section 4.3).

    Logits of pairs that do, counted where `paired`, and of pairs that do not, counted where `unpaired`.
    """
    yes = F.binary_cross_entropy_with_logits(positive.float(), torch.ones_like(positive).float(), reduction="none")
    no = F.binary_cross_entropy_with_logits(negative.float(), torch.zeros_like(negative).float(), reduction="none")
    return mean_where(torch.cat([yes, no]), torch.cat([paired, unpaired]))
