"""Tell taxa apart: cross-entropy with targets that may be spread over several taxa."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from birdsat.objectives.balance import Balance
from birdsat.objectives.gather import mean_where

_BETA = 0.999  # of the effective number of samples; Cui et al. 2019 try 0.9 to 0.9999


def soft_targets(label: Int64[Tensor, " n"], taxa: int, smoothing: float) -> Float[Tensor, "n taxa"]:
    """1 - smoothing for the label, and smoothing spread over all taxa (Szegedy et al. 2016, section 7)."""
    spread = torch.full((len(label), taxa), smoothing / taxa, device=label.device)
    return spread.scatter_add_(1, label[:, None], torch.full_like(spread[:, :1], 1 - smoothing))


def soft_cross_entropy(
    logits: Float[Tensor, "n taxa"],
    target: Float[Tensor, "n taxa"],
    present: Bool[Tensor, " n"],
    weight: Float[Tensor, " taxa"] | None = None,
) -> Float[Tensor, ""]:
    """Mean over the rows that are present; 0 where none is. weight: of each taxon's part of the loss."""
    loss = -target * torch.log_softmax(logits.float(), dim=1)
    if weight is not None:
        loss = loss * weight
    return mean_where(loss.sum(dim=1), present)


def class_weights(counts: Sequence[int], balance: Balance) -> Float[Tensor, " taxa"] | None:
    """Weights of taxa with so many training rows, whose mean over the rows is 1; 0 for a taxon without any.

    Inverse root: 1 / sqrt(n). Effective number: (1 - beta) / (1 - beta^n) (Cui et al. 2019, "Class-Balanced Loss Based
    on Effective Number of Samples").
    """
    if balance == "none":
        return None
    rows = torch.tensor(counts, dtype=torch.float64)
    raw = rows.rsqrt() if balance == "inverse_root" else (1 - _BETA) / (1 - _BETA**rows)
    raw = torch.where(rows > 0, raw, 0.0)
    return (raw * rows.sum() / (raw * rows).sum()).float()
