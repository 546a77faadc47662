"""Covariates bent at knots, so that a straight line follows an optimum or a threshold."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_QUANTILES = 10  # of each covariate that are its knots, its least and its largest value among them
_MOST_COLUMNS = 2000  # of all covariates together: of many, as the bands of an embedding, each has fewer knots
_MOST = 64  # main directions of all columns that are kept
_AT_ONCE = 16_384  # places
_TENSORS = ("unit", "knots", "centre", "directions")


class Hinges(nn.Module):
    """The main directions of covariates, their squares, and slopes that rise from each knot and fall to each (Phillips
    and Dudik 2008).

    Covariates, which are the last of a place's inputs, are held within the range that they were fitted on, so that
    nothing is carried on beyond it. One of two values, as a flag, is taken as it is. All columns of an input have its
    own variance together, so that classes, which share theirs, weigh no more than a number does.
    """

    unit: Tensor  # () that inputs are in
    knots: Tensor  # (k, q) ascending, of inputs as multiples of the unit
    centre: Tensor  # (c,) mean of columns
    directions: Tensor  # (c, h)

    def __init__(self, unit: Tensor, knots: Tensor, centre: Tensor, directions: Tensor) -> None:
        super().__init__()
        self.register_buffer("unit", unit)
        self.register_buffer("knots", knots)
        self.register_buffer("centre", centre)
        self.register_buffer("directions", directions)

    @classmethod
    def of_tensors(cls, tensors: dict[str, Tensor], covariates: int) -> "Hinges":
        """Of the tensors of a file, by name. Raises ValueError where they are not those of so many covariates."""
        unit, knots, centre, directions = every = [tensors[name] for name in _TENSORS]
        columns = 2 * knots.shape[-1]
        wanted = (), (covariates, columns // 2), (covariates * columns,), (covariates * columns, directions.shape[-1])
        found = tuple(tuple(one.shape) for one in every)
        if found != wanted:
            raise ValueError(f"hinges of {covariates} covariates have {found} in place of {wanted}")
        if not all(one.dtype == torch.float32 and one.isfinite().all() for one in every):
            raise ValueError("hinges hold other than finite float32 numbers")
        return cls(unit, knots, centre, directions)

    def in_unit(self, unit: float) -> "Hinges":
        """The same of inputs that are in another unit."""
        return Hinges(torch.tensor(unit), self.knots, self.centre, self.directions)

    @property
    def outputs(self) -> int:
        """h."""
        return self.directions.shape[1]

    @classmethod
    def fit(cls, covariates: Float[Tensor, "n k"], unit: float = 1.0) -> "Hinges":
        """To the covariates of background places, as a network reads them, each place as often as it counts."""
        covariates, k = covariates / unit, covariates.shape[1]
        at = torch.linspace(0, 1, max(2, min(_QUANTILES, _MOST_COLUMNS // (2 * k))))
        knots = torch.quantile(covariates, at, dim=0).T.contiguous()
        bent = _bent(covariates, knots)  # (n, k, c)
        centre = bent.mean(dim=0)
        deviation = (bent - centre).square().mean(dim=0).sqrt()
        kept = deviation > 1e-6 * (1 + centre.abs())
        kept[:, 2:] &= (knots[:, 1:] > knots[:, :-1]).repeat(1, 2)
        if len(at) == 2:
            kept[:, 2:] = False  # one slope up and one down over all of it: the covariate itself
        kept[torch.tensor([len(column.unique()) <= 2 for column in covariates.T]), 1:] = False
        own = covariates.std(dim=0, keepdim=True).T
        count = kept.sum(dim=1, keepdim=True).clamp(min=1)
        scale = torch.where(kept, own / own.max().clamp(min=1e-12) / (deviation * count.sqrt()), 0.0).flatten()
        columns = ((bent - centre).flatten(1) * scale)[:, kept.flatten()]
        # Of the covariance, which is small however many places there are.
        values, vectors = torch.linalg.eigh((columns.T @ columns).double() / len(columns))
        largest = values.argsort(descending=True)[:_MOST]
        largest = largest[values[largest] > 1e-6 * values.max()]
        directions = torch.zeros(len(scale), len(largest))
        directions[kept.flatten()] = vectors[:, largest].float()
        return cls(torch.tensor(unit), knots, centre.flatten(), scale[:, None] * directions)

    def forward(self, inputs: Float[Tensor, "*n d"]) -> Float[Tensor, "*n h"]:
        """Of all inputs of places."""
        columns = _bent(inputs[..., inputs.shape[-1] - len(self.knots) :] / self.unit, self.knots).flatten(-2)
        return (columns - self.centre) @ self.directions

    def of_many(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n h"]:
        """The same of any number of places, some at once."""
        return torch.cat([self(some) for some in torch.split(inputs, _AT_ONCE)])


def _bent(covariates: Float[Tensor, "*n k"], knots: Float[Tensor, "k q"]) -> Float[Tensor, "*n k c"]:
    least, most = knots[:, 0], knots[:, -1]
    x = torch.minimum(torch.maximum(covariates, least), most)[..., None]
    below, above = knots[:, :-1], knots[:, 1:]
    rising = (x - below).clamp(min=0) / (most[:, None] - below).clamp(min=1e-6)
    falling = (above - x).clamp(min=0) / (above - least[:, None]).clamp(min=1e-6)
    return torch.cat([x, x.square(), rising, falling], dim=-1)
