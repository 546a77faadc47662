"""Rebuild hidden patches."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from birdsat.objectives.gather import gather_rows, process_count

PATCH_VARIANCE_FLOOR = 1e-2  # of pixels in units of the data's standard deviation; flat sky stays flat


def normalise_patches(patches: Float[Tensor, "n tokens pixels"]) -> Float[Tensor, "n tokens pixels"]:
    """Each patch with mean 0 and variance 1 (He et al. 2022, section 3, "Reconstruction target")."""
    mean = patches.mean(dim=2, keepdim=True)
    variance = patches.var(dim=2, keepdim=True)
    return (patches - mean) / (variance + PATCH_VARIANCE_FLOOR).sqrt()


def reconstruction_loss(
    predicted: Sequence[Float[Tensor, "n _tokens _pixels"]],
    target: Sequence[Float[Tensor, "n _tokens _pixels"]],
    hidden: Sequence[Float[Tensor, "n _tokens"]],
    present: Sequence[Bool[Tensor, " n"]],
) -> Float[Tensor, ""]:
    """Mean squared error over the hidden patches of all views, each patch weighing the same.

    One entry a view. Samples that lack the image do not count; 0 if all lack it.
    """
    total, count = torch.zeros((), device=predicted[0].device), torch.zeros((), device=predicted[0].device)
    for guess, truth, mask, there in zip(predicted, target, hidden, present, strict=True):
        weight = mask * there[:, None]
        error = (guess.float() - truth.float()).square().mean(dim=2)  # (n, patches)
        total, count = total + (error * weight).sum(), count + weight.sum()
    whole = gather_rows(count[None]).sum()  # so that the mean over processes is that of all their patches
    return process_count() * total / whole.clamp(min=torch.finfo(torch.float32).tiny)


def denormalise_patches(
    predicted: Float[Tensor, "n tokens pixels"], patches: Float[Tensor, "n tokens pixels"]
) -> Float[Tensor, "n tokens pixels"]:
    """Give predictions of `normalise_patches` the mean and variance of the true patches, for pictures."""
    mean = patches.mean(dim=2, keepdim=True)
    variance = patches.var(dim=2, keepdim=True)
    return predicted * (variance + PATCH_VARIANCE_FLOOR).sqrt() + mean
