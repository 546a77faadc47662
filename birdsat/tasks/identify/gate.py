"""Whether a photo is like those of the known taxa at all, before any prior: by distance and by energy."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from birdsat.errors import InputError

NEIGHBOURS = 10  # the distance to the tenth nearest photo counts
_SHRINKAGE = 0.1  # of the covariance towards an even one, so that few photos of many features do not make it singular
_BLOCK = 1024
PARTS = ("Mahalanobis", "nearest photos", "energy")

Features = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How photos of known taxa lie among features of width d, and g of them to compare with."""

    means: Features  # (t, d) of each taxon; NaN rows have no photo
    factor: Features  # (d, d) lower Cholesky factor of the covariance around the taxa's means
    gallery: Features  # (g, d) unit vectors
    temperature: float  # of logits, for energy

    def parts(self, features: Features, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, 3) how familiar photos are, more being more, and their free energy.

        Less the root of the Mahalanobis distance from the nearest taxon (Lee et al. 2018, "A simple unified framework
        for detecting out-of-distribution samples", section 2.1), the cosine with the tenth nearest photo (Sun et al.
        2022, "Out-of-distribution detection with deep nearest neighbors", section 3), and the log of the sum
        of the logits' exponentials (Liu et al. 2020, "Energy-based out-of-distribution detection", section 3).
        """
        known = ~np.isnan(self.means).any(axis=1)
        white = _whitened(self.factor, self.means[known])
        found = np.empty((len(features), 3))
        unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        place = min(NEIGHBOURS, len(self.gallery))
        for start in range(0, len(features), _BLOCK):
            some = slice(start, start + _BLOCK)
            here = _whitened(self.factor, features[some])
            square = (here**2).sum(axis=1)[:, None] - 2 * here @ white.T + (white**2).sum(axis=1)
            found[some, 0] = -np.sqrt(np.maximum(square.min(axis=1), 0))
            cosine = unit[some] @ self.gallery.T
            found[some, 1] = np.partition(cosine, -place, axis=1)[:, -place]
        found[:, 2] = logsumexp(logits.astype(np.float64) / self.temperature, axis=1)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The shape, and how each part is spread over photos of known taxa, which brings them to one scale."""

    shape: Shape
    centre: NDArray[np.float64]  # (3,)
    spread: NDArray[np.float64]  # (3,)

    def __call__(self, features: Features, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n,) how familiar photos are: the mean of the three parts, each in its standard deviations over photos of
        known taxa. No part is weighed by things that are not birds, of which nobody can list all.

        Energy counts by how far it is from what is usual, to either side: the logits of a linear head grow with the
        distance of strange features as much as they shrink, so that low energy alone lets a blank sky through.
        """
        return self.of_parts(self.shape.parts(features, logits))

    def with_taught(self, features: Features, labels: NDArray[np.int64]) -> "Gate":
        """With taxa of a few photos (n, d) and their labels (n,): a photo near one of these is as near to the rest."""
        near = [features[labels == label].mean(axis=0) for label in np.unique(labels)]
        unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        shape = replace(
            self.shape,
            means=np.concatenate([self.shape.means, np.stack(near)]),
            gallery=np.concatenate([self.shape.gallery, np.repeat(unit, NEIGHBOURS, axis=0)]),
        )
        return replace(self, shape=shape)

    def of_parts(self, parts: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n,) of parts (n, 3)."""
        scaled = (parts - self.centre) / self.spread
        scaled[:, 2] = -np.abs(scaled[:, 2])
        known: NDArray[np.float32] = scaled.mean(axis=1).astype(np.float32)
        return known


def fit_shape(features: Features, labels: NDArray[np.int64], taxa: int, gallery: Features, temperature: float) -> Shape:
    """Of training photos (n, d) with labels (n,). Raises InputError for fewer than two."""
    if len(features) < 2:
        raise InputError(f"{len(features)} photos tell nothing of what the taxa look like; give more.")
    wide = features.astype(np.float64)
    means = np.full((taxa, wide.shape[1]), np.nan)
    for label in np.unique(labels):
        means[label] = wide[labels == label].mean(axis=0)
    return Shape(
        means=means.astype(np.float32),
        factor=_factor(wide - means[labels]),
        gallery=gallery,
        temperature=temperature,
    )


def fit_gate(shape: Shape, parts: NDArray[np.float64]) -> Gate:
    """parts (n, 3): `Shape.parts` of photos of known taxa that the shape was not fitted on."""
    spread = parts.std(axis=0)
    return Gate(shape=shape, centre=parts.mean(axis=0), spread=np.where(spread > 1e-12, spread, 1.0))


def gate_threshold(known: NDArray[np.floating], share: float) -> float:
    """From which value photos pass, so that this share of those of known taxa (n,) does; -inf: everything passes."""
    if share >= 1 or len(known) == 0:
        return float("-inf")
    return float(np.quantile(known, 1 - share))


def separation(known: NDArray[np.floating], strange: NDArray[np.floating]) -> tuple[float, float]:
    """Area under the ROC curve, ties counting half, and the share of strangers that pass where 95% of known photos
    do."""
    both = np.concatenate([known, strange]).astype(np.float64)
    _, at, count = np.unique(both, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[at]
    n, m = len(known), len(strange)
    auc = (rank[:n].sum() - n * (n + 1) / 2) / (n * m)
    return float(auc), float((strange >= np.quantile(known, 0.05)).mean())


def _factor(centred: NDArray[np.float64]) -> Features:
    covariance = centred.T @ centred / len(centred)
    even = max(float(np.trace(covariance)) / len(covariance), 1e-12)
    mixed = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * even * np.eye(len(covariance))
    factor: Features = np.linalg.cholesky(mixed).astype(np.float32)
    return factor


def _whitened(factor: Features, features: NDArray[np.floating]) -> NDArray[np.float64]:
    white: NDArray[np.float64] = solve_triangular(
        factor.astype(np.float64), features.astype(np.float64).T, lower=True
    ).T
    return white
