"""Contrast against a queue: two views of one sample belong together, those of earlier samples do not."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from birdsat.objectives.gather import mean_where


def queue_contrast_loss(
    query: Float[Tensor, "n width"],
    key: Float[Tensor, "n width"],
    queue: Float[Tensor, "q width"],
    temperature: float,
    present: Bool[Tensor, " n"],
) -> Float[Tensor, ""]:
    """Cross-entropy of finding each query's key among it and the queue (He et al. 2020, "MoCo", equation 1).

    query, key: unit vectors of two views of each sample, counted where `present`. queue: unit vectors of other samples.
    Under torch.distributed the mean over ranks of this value is the whole batch's loss.
    """
    query, key = query.float(), key.float()
    own = (query * key).sum(dim=1, keepdim=True)
    with torch.autocast(query.device.type, enabled=False):  # as exact as each query's own key
        others = query @ queue.float().T
    logits = torch.cat([own, others], dim=1) / temperature
    each = F.cross_entropy(logits, torch.zeros(len(query), dtype=torch.long, device=query.device), reduction="none")
    return mean_where(each, present)
