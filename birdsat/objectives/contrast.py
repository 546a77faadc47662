"""Contrast: two views of one sample belong together, all other pairs of the batch do not."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from birdsat.objectives.gather import gather_rows, mean_where, process_rank
from birdsat.objectives.near import near_pairs


def contrast_loss(
    one: Float[Tensor, "n width"],
    other: Float[Tensor, "n width"],
    log_scale: Float[Tensor, ""],
    paired: Bool[Tensor, " n"],
    lon_lat: Float[Tensor, "n 2"] | None = None,
    min_negative_km: float = 0.0,
) -> Float[Tensor, ""]:
    """Symmetric cross-entropy of finding each sample's other view (InfoNCE; Radford et al. 2021, figure 3).

    one, other: unit vectors, such as of photos and chips; a sample counts where `paired`. log_scale: log of the learned
    inverse temperature. With `min_negative_km` > 0, two different samples closer than that are not negatives of each
    other (one site, two birds); samples without a place (NaN) are negatives of all. Under torch.distributed the
    negatives are those of all ranks, and gradients flow back to them; the mean over ranks of this value is the loss
    of the whole batch.
    """
    ones, others = gather_rows(one.float()), gather_rows(other.float())
    pairs = gather_rows(paired)
    scale = inverse_temperature(log_scale)
    own = torch.arange(len(one), device=one.device) + process_rank() * len(one)  # columns of this rank's own pairs
    ignored = ~pairs[None, :].expand(len(one), -1)
    if min_negative_km > 0 and lon_lat is not None:
        ignored = ignored | near_pairs(lon_lat, gather_rows(lon_lat), min_negative_km)
    ignored = ignored.scatter(1, own[:, None], False)
    with torch.autocast(one.device.type, enabled=False):  # bf16 would round logits near 100 to halves
        there = (scale * one.float() @ others.T).masked_fill(ignored, -torch.inf)
        back = (scale * other.float() @ ones.T).masked_fill(ignored, -torch.inf)
    each = F.cross_entropy(there, own, reduction="none") + F.cross_entropy(back, own, reduction="none")
    return mean_where(each / 2, paired)


def inverse_temperature(log_scale: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """What similarities are multiplied by, at most 100 as in CLIP (Radford et al. 2021, section 2.5)."""
    return log_scale.float().clamp(max=4.6052).exp()
