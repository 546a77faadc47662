"""A linear probe: multinomial logistic regression on standardised features, fitted by full-batch L-BFGS.

It minimises what scikit-learn's LogisticRegression does, over the same C, but in row blocks on the method's
own device, so that hundreds of thousands of rows and a thousand taxa fit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.engine.device import pick_device

C_VALUES = (0.01, 0.1, 1.0)  # tried on the validation split
C_DEFAULT = 0.1  # without a validation split
BLOCK_ROWS = 16384
ITERATIONS = 300  # L-BFGS iterations at most


@dataclass(frozen=True, slots=True)
class Standardiser:
    """Shift and scale of each feature to mean 0 and variance 1 over the rows it was fitted on."""

    mean: NDArray[np.float32]  # (f,)
    std: NDArray[np.float32]  # (f,)

    @classmethod
    def fit(cls, features: NDArray[np.float32]) -> Self:
        """Over the known values of features (n, f); NaN is unknown. What never varies is not scaled."""
        count = np.zeros(features.shape[1])
        total, square = np.zeros(features.shape[1]), np.zeros(features.shape[1])
        for rows in _blocks(len(features)):
            count += (~np.isnan(features[rows])).sum(axis=0)
            total += np.nansum(features[rows], axis=0, dtype=np.float64)
        mean = total / np.maximum(count, 1)
        for rows in _blocks(len(features)):
            square += np.nansum((features[rows] - mean) ** 2, axis=0)
        std = np.sqrt(square / np.maximum(count, 1))
        return cls(mean.astype(np.float32), np.where(std > 1e-8, std, 1).astype(np.float32))

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, f) -> (n, f); unknown values become the mean, that is 0."""
        scaled: NDArray[np.float32] = features - self.mean
        scaled /= self.std
        scaled[np.isnan(scaled)] = 0
        return scaled


@dataclass(frozen=True, slots=True)
class Probe:
    """A fitted logistic regression."""

    weight: Tensor  # (f, taxa)
    bias: Tensor  # (taxa,); -inf for a taxon without training rows
    c: float  # inverse strength of the penalty, as in scikit-learn

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, f) standardised features -> (n, taxa) logits; -inf for taxa without training rows."""
        scores = np.empty((len(features), len(self.bias)), dtype=np.float32)
        for rows in _blocks(len(features)):
            x = torch.from_numpy(features[rows]).to(self.weight.device)
            scores[rows] = (x @ self.weight + self.bias).cpu().numpy()
        return scores


def fit_probe(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    taxa: int,
    *,
    c: float = C_DEFAULT,
    start: Probe | None = None,
    device: torch.device | str | None = None,
) -> Probe:
    """Minimise c * sum of cross entropy + |weight|^2 / 2 from `start` (default: zeros).

    features (n, f) standardised, labels (n,) in 0..taxa-1. The bias is not penalised.
    """
    where = pick_device(device)
    x, y = torch.from_numpy(features).to(where), torch.from_numpy(labels).to(where)
    absent = torch.bincount(y, minlength=taxa) == 0
    weight = torch.zeros((x.shape[1], taxa), device=where) if start is None else start.weight.clone()
    bias = torch.zeros(taxa, device=where) if start is None else start.bias.clone().masked_fill_(absent, 0)
    penalty = 1 / (c * len(x))  # on the scale of the mean cross entropy
    silenced = torch.zeros(taxa, device=where).masked_fill_(absent, -torch.inf)

    def objective() -> float:
        loss = 0.0
        weight.grad, bias.grad = penalty * weight, torch.zeros_like(bias)
        for here in _blocks(len(x)):
            log_p = torch.log_softmax(x[here] @ weight + bias + silenced, dim=1)
            loss -= float(log_p.gather(1, y[here, None]).sum())
            error = log_p.exp_()
            error[torch.arange(len(error), device=where), y[here]] -= 1
            weight.grad += x[here].T @ error / len(x)
            bias.grad += error.sum(dim=0) / len(x)
        return loss / len(x) + 0.5 * penalty * float((weight**2).sum())

    optimiser = torch.optim.LBFGS(
        [weight, bias],
        max_iter=ITERATIONS,
        tolerance_grad=1e-5,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )
    with torch.no_grad():
        optimiser.step(objective)  # type: ignore[no-untyped-call]
    return Probe(weight, bias + silenced, c)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, rows, BLOCK_ROWS))
