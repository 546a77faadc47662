"""Contrast: two views of one sample belong together, all other pairs of the batch do not."""

import torch
import torch.distributed
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from birdsat.earth.place import EARTH_RADIUS_KM


def contrast_loss(
    one: Float[Tensor, "n width"],
    other: Float[Tensor, "n width"],
    log_scale: Float[Tensor, ""],
    paired: Bool[Tensor, " n"],
    lon_lat: Float[Tensor, "n 2"] | None = None,
    apart_km: float = 0.0,
) -> Float[Tensor, ""]:
    """Symmetric cross-entropy of finding each sample's other view (InfoNCE; Radford et al. 2021, figure 3).

    one, other: unit vectors, such as of photos and chips; a sample counts where `paired`. log_scale: log of the learned
    inverse temperature. With `apart_km` > 0, two different samples closer than that are not negatives of each other
    (one site, two birds); samples without a place (NaN) are negatives of all. Under torch.distributed the negatives are
    those of all ranks and gradients flow back to them; the mean over ranks of this value is the whole batch's loss.
    """
    rank, ranks = _rank(), _ranks()
    ones, others = _gather(one.float()), _gather(other.float())
    pairs = _gather(paired)
    scale = log_scale.float().clamp(max=4.6052).exp()  # at most 100, as in CLIP
    own = torch.arange(len(one), device=one.device) + rank * len(one)  # columns of this rank's own pairs
    ignored = ~pairs[None, :].expand(len(one), -1)
    if apart_km > 0 and lon_lat is not None:
        ignored = ignored | (_distance_km(lon_lat, _gather(lon_lat)) < apart_km)
    ignored = ignored.scatter(1, own[:, None], False)
    there = (scale * one.float() @ others.T).masked_fill(ignored, -torch.inf)
    back = (scale * other.float() @ ones.T).masked_fill(ignored, -torch.inf)
    each = F.cross_entropy(there, own, reduction="none") + F.cross_entropy(back, own, reduction="none")
    return ranks * (each * paired).sum() / (2 * pairs.sum().clamp(min=1))


def _distance_km(a: Float[Tensor, "n 2"], b: Float[Tensor, "m 2"]) -> Float[Tensor, "n m"]:
    """Great-circle distance by the haversine formula; NaN where a place is missing."""
    lam_a, phi_a = a.double().deg2rad().unbind(dim=1)
    lam_b, phi_b = b.double().deg2rad().unbind(dim=1)
    across = (lam_b[None] - lam_a[:, None]) / 2
    along = (phi_b[None] - phi_a[:, None]) / 2
    h = along.sin().square() + phi_a.cos()[:, None] * phi_b.cos()[None] * across.sin().square()
    return 2 * EARTH_RADIUS_KM * h.clamp(0, 1).sqrt().asin()


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _rank() -> int:
    return torch.distributed.get_rank() if _distributed() else 0


def _ranks() -> int:
    return torch.distributed.get_world_size() if _distributed() else 1


def _gather(rows: Tensor) -> Tensor:
    """All ranks' rows in rank order; the gradient of floating rows flows back to the rank they came from."""
    if _ranks() == 1:
        return rows
    gathered: Tensor = _GatherRows.apply(rows)  # type: ignore[no-untyped-call]
    return gathered


class _GatherRows(torch.autograd.Function):
    """torch.distributed.nn.functional.all_gather does the same, but is deprecated since torch 2.13."""

    @staticmethod
    def forward(ctx: object, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(_ranks())]
        torch.distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous()
        torch.distributed.all_reduce(total)  # every rank's loss depends on these rows
        return total.chunk(_ranks())[_rank()]
