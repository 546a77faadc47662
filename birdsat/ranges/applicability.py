"""Where a fitted model may be asked: places whose inputs are like those of the places it learned from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.errors import ConfigError

_MOST_REFERENCES = 1024
_FARTHEST = 1e18  # of inputs, whose own deviation is about 1; its square still fits float32
_MOST_PAIRS = 500  # places of which the mean distance is taken


@dataclass(frozen=True, kw_only=True, slots=True)
class Applicability:
    """The area of applicability of Meyer and Pebesma (2021, "Predicting into unknown space?", section 2).

    The dissimilarity of a place is the distance of its inputs to the nearest reference, over the mean distance between
    references. It is inside when that is no more than `threshold`: the upper whisker (third quartile and 1.5
    interquartile ranges, or the largest) of the references' own, each to those of other blocks.
    """

    references: Tensor  # (r, d) inputs of places learned from
    mean_distance: float
    threshold: float

    def __post_init__(self) -> None:
        for name in ("mean_distance", "threshold"):
            if not 0 <= getattr(self, name) <= _FARTHEST:
                raise ConfigError(f"{name} of the area of applicability is {getattr(self, name):g}; it is a distance.")

    @classmethod
    def fit(cls, inputs: Tensor, block: NDArray[np.int64], seed: int = 0) -> "Applicability":
        """inputs (n, d) of places with records, block (n,) that each lies in."""
        _, first = np.unique(inputs.numpy(), axis=0, return_index=True)
        if len(first) > _MOST_REFERENCES:
            first = np.random.default_rng(seed).choice(first, _MOST_REFERENCES, replace=False)
        first.sort()
        some, own = inputs[first], torch.from_numpy(block[first])
        pairs = torch.pdist(some[:: max(1, len(some) // _MOST_PAIRS)])
        mean = float(pairs.mean()) if len(pairs) else 0.0
        apart = torch.cdist(some, some)
        apart[own[:, None] == own[None]] = torch.inf
        nearest = apart.min(dim=1).values / max(mean, 1e-12)
        nearest = nearest[nearest.isfinite()]
        if len(nearest) == 0:  # a single block: as far as its own places are from each other
            return cls(references=some, mean_distance=mean, threshold=1.0)
        low, high = np.quantile(nearest.numpy(), (0.25, 0.75))
        return cls(references=some, mean_distance=mean, threshold=float(min(nearest.max(), high + 1.5 * (high - low))))

    def inside(self, inputs: Tensor) -> NDArray[np.bool_]:
        """(n,) which places (n, d) lie inside."""
        # Of squares, as torch.cdist and a minimum along rows take more than twice as long.
        own, theirs = (places.square().sum(dim=1) for places in (inputs, self.references))
        nearest = torch.addmm(theirs, inputs, self.references.T, alpha=-2).amin(dim=1) + own
        rounding = 1e-5 * (own + theirs.max())  # a reference itself is not at 0
        return (nearest <= (self.threshold * self.mean_distance) ** 2 + rounding).numpy()
