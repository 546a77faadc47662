"""Rebuild hidden patches."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

PATCH_VARIANCE_FLOOR = 1e-2  # of pixels in units of the data's standard deviation; flat sky stays flat


def normalise_patches(patches: Float[Tensor, "n tokens pixels"]) -> Float[Tensor, "n tokens pixels"]:
    """Each patch with mean 0 and variance 1 (He et al. 2022, section 3, "Reconstruction target")."""
    mean = patches.mean(dim=2, keepdim=True)
    variance = patches.var(dim=2, keepdim=True)
    return (patches - mean) / (variance + PATCH_VARIANCE_FLOOR).sqrt()


def reconstruction_loss(
    predicted: Float[Tensor, "n tokens pixels"],
    target: Float[Tensor, "n tokens pixels"],
    hidden: Float[Tensor, "n tokens"],
    present: Bool[Tensor, " n"],
) -> Float[Tensor, ""]:
    """Mean squared error over the hidden patches of samples that have the image; 0 if none has."""
    weight = hidden * present[:, None]
    error = (predicted.float() - target.float()).square().mean(dim=2)
    return (error * weight).sum() / weight.sum().clamp(min=torch.finfo(torch.float32).tiny)


def denormalise_patches(
    predicted: Float[Tensor, "n tokens pixels"], patches: Float[Tensor, "n tokens pixels"]
) -> Float[Tensor, "n tokens pixels"]:
    """Give predictions of `normalise_patches` the mean and variance of the true patches, for pictures."""
    mean = patches.mean(dim=2, keepdim=True)
    variance = patches.var(dim=2, keepdim=True)
    return predicted * (variance + PATCH_VARIANCE_FLOOR).sqrt() + mean
