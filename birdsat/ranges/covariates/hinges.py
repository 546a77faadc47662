"""Covariates bent at knots, so that a straight line follows an optimum or a threshold."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

KNOTS = 8  # of each covariate between its least and its largest value, at even quantiles
_MOST_BENT = 100  # covariates; more, as the bands of an embedding, are taken with their squares alone
_MOST = 64  # main directions of all columns that are kept


class Hinges(nn.Module):
    """The main directions of covariates, their squares, and slopes that rise from each knot and fall to each (Phillips
    and Dudik 2008).

    Covariates, which are the last of a place's inputs, are held within the range that they were fitted on, so that
    nothing is carried on beyond it. One of two values, as a class or a flag, is taken as it is. The columns of a
    covariate have the variance 1 together, whether it is bent or not.
    """

    knots: Tensor  # (k, q) ascending
    centre: Tensor  # (c,) mean of columns
    directions: Tensor  # (c, h)

    def __init__(self, knots: Tensor, centre: Tensor, directions: Tensor) -> None:
        super().__init__()
        self.register_buffer("knots", knots)
        self.register_buffer("centre", centre)
        self.register_buffer("directions", directions)

    @classmethod
    def shaped_as(cls, knots: Tensor, directions: Tensor) -> "Hinges":
        """Of the shape of these tensors of a file, all of it 0. Raises ValueError where they do not fit each other."""
        (k, q), (columns, _) = knots.shape, directions.shape
        if columns != k * 2 * q:
            raise ValueError(f"hinges of {k} covariates and {q} knots have {columns} columns")
        return cls(torch.zeros_like(knots), torch.zeros(columns), torch.zeros_like(directions))

    @property
    def outputs(self) -> int:
        """h."""
        return self.directions.shape[1]

    @classmethod
    def fit(cls, covariates: Float[Tensor, "n k"]) -> "Hinges":
        """To the covariates of background places, as a network reads them, each place as often as it counts."""
        at = torch.linspace(0, 1, KNOTS + 2 if covariates.shape[1] <= _MOST_BENT else 2)
        knots = torch.quantile(covariates, at, dim=0).T.contiguous()
        bent = _bent(covariates, knots)  # (n, k, c)
        centre = bent.mean(dim=0)
        deviation = (bent - centre).square().mean(dim=0).sqrt()
        varies = deviation > 1e-6 * (1 + centre.abs())
        slopes = torch.cat([torch.ones(len(knots), 2, dtype=torch.bool), *[knots[:, 1:] > knots[:, :-1]] * 2], dim=1)
        two_values = torch.tensor([len(column.unique()) <= 2 for column in covariates.T])
        slopes[two_values, 1:] = False
        kept = varies & slopes
        count = kept.sum(dim=1, keepdim=True).clamp(min=1)
        scale = torch.where(kept, 1 / torch.where(kept, deviation * count.sqrt(), 1.0), 0.0).flatten()
        columns = (bent - centre).flatten(1) * scale
        # Of the covariance, which is small however many places there are.
        values, vectors = torch.linalg.eigh((columns.T @ columns).double() / len(columns))
        largest = values.argsort(descending=True)[:_MOST]
        largest = largest[values[largest] > 1e-6 * values.max()]
        return cls(knots, centre.flatten(), scale[:, None] * vectors[:, largest].float())

    def forward(self, inputs: Float[Tensor, "*n d"]) -> Float[Tensor, "*n h"]:
        """Of all inputs of places."""
        columns = _bent(inputs[..., inputs.shape[-1] - len(self.knots) :], self.knots).flatten(-2)
        return (columns - self.centre) @ self.directions


def _bent(covariates: Float[Tensor, "*n k"], knots: Float[Tensor, "k q"]) -> Float[Tensor, "*n k c"]:
    least, most = knots[:, 0], knots[:, -1]
    x = torch.minimum(torch.maximum(covariates, least), most)[..., None]
    below, above = knots[:, :-1], knots[:, 1:]
    rising = (x - below).clamp(min=0) / (most[:, None] - below).clamp(min=1e-6)
    falling = (above - x).clamp(min=0) / (above - least[:, None]).clamp(min=1e-6)
    return torch.cat([x, x.square(), rising, falling], dim=-1)
