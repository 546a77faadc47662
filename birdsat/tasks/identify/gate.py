"""Whether a photo is like those of the known taxa at all, before any prior: by distance and by energy."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from birdsat.errors import InputError
from birdsat.tasks.identify.seen import Seen, unit

NEIGHBOURS = 10  # the distance to the tenth nearest photo counts
_SHRINKAGE = 0.1  # of the covariance towards its diagonal, so that few photos of many features do not make it singular
_BLOCK = 1024
PARTS = ("distance from taxa", "distance before the head", "nearest photos", "energy", "largest logit")
# How much of the mean of the first three, and of the largest logit, is added to the least of the first four. Of some
# forty ways these gained on birds kept out and on drawn things alike, seen on val photos (docs/identify-figures.md).
_OF_MEAN, _OF_LARGEST_LOGIT = 0.5, 0.25

Features = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cloud:
    """Features of width d around the mean of each of t taxa."""

    means: Features  # (t, d); NaN rows have no photo
    factor: Features  # (d, d) lower Cholesky factor of the covariance around the means

    def distance(self, features: Features) -> NDArray[np.float64]:
        """(n,) root of the Mahalanobis distance from the nearest taxon (Lee et al. 2018, "A simple unified framework
        for detecting out-of-distribution samples", section 2.1)."""
        white = _whitened(self.factor, self.means[~np.isnan(self.means).any(axis=1)])
        found = np.empty(len(features))
        for start in range(0, len(features), _BLOCK):
            some = slice(start, start + _BLOCK)
            here = _whitened(self.factor, features[some])
            square = (here**2).sum(axis=1)[:, None] - 2 * here @ white.T + (white**2).sum(axis=1)
            found[some] = np.sqrt(np.maximum(square.min(axis=1), 0))
        return found

    def with_means(self, features: Features, labels: NDArray[np.int64]) -> "Cloud":
        """With the means of other taxa's photos (n, d), labels (n,)."""
        near = [features[labels == label].mean(axis=0) for label in np.unique(labels)]
        return replace(self, means=np.concatenate([self.means, np.stack(near)]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How photos of known taxa lie among features, and g of them to compare with."""

    named: Cloud  # of the features that photos are named by
    deep: Cloud  # of what the encoder says before any head, which forgets less of what a photo is
    gallery: Features  # (g, d) unit vectors
    temperature: float  # of logits, for energy

    def parts(self, seen: Seen, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, 5) how familiar photos are, more being more, and their free energy.

        Less the distances from the nearest taxon in both clouds, the cosine with the tenth nearest photo (Sun et al.
        2022, "Out-of-distribution detection with deep nearest neighbors", section 3), the log of the sum of the logits'
        exponentials (Liu et al. 2020, "Energy-based out-of-distribution detection", section 3), and the largest logit
        (Hendrycks et al. 2022, "Scaling out-of-distribution detection for real-world settings", section 3).
        """
        found = np.empty((len(seen), len(PARTS)))
        found[:, 0] = -self.named.distance(seen.features)
        found[:, 1] = -self.deep.distance(seen.deep)
        place = min(NEIGHBOURS, len(self.gallery))
        ones = unit(seen.features)
        for start in range(0, len(ones), _BLOCK):
            cosine = ones[start : start + _BLOCK] @ self.gallery.T
            found[start : start + _BLOCK, 2] = np.partition(cosine, -place, axis=1)[:, -place]
        found[:, 3] = logsumexp(logits.astype(np.float64) / self.temperature, axis=1)
        found[:, 4] = logits.max(axis=1)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The shape, and how each part is spread over photos of known taxa, which brings them to one scale."""

    shape: Shape
    centre: NDArray[np.float64]  # (5,)
    spread: NDArray[np.float64]  # (5,)

    def __call__(self, seen: Seen, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n,) how familiar photos are: the least of the first four parts, each in its standard deviations over photos
        of known taxa, and of all that is somewhat strange in every way a little more. A photo that is strange in one
        way is strange; and no part is weighed by things that are not birds, of which nobody can list all.

        Energy counts by how far it is from what is usual, to either side: the logits of a linear head grow with the
        distance of strange features as much as they shrink, so that low energy alone lets a blank sky through.
        """
        return self.of_parts(self.shape.parts(seen, logits))

    def with_taught(self, taught: Seen, labels: NDArray[np.int64]) -> "Gate":
        """With taxa of a few photos (n) and their labels (n,): a photo near one of these is as near to the rest."""
        shape = replace(
            self.shape,
            named=self.shape.named.with_means(taught.features, labels),
            deep=self.shape.deep.with_means(taught.deep, labels),
            gallery=np.concatenate([self.shape.gallery, np.repeat(unit(taught.features), NEIGHBOURS, axis=0)]),
        )
        return replace(self, shape=shape)

    def of_parts(self, parts: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n,) of parts (n, 5)."""
        scaled = (parts - self.centre) / self.spread
        scaled[:, 3] = -np.abs(scaled[:, 3])
        known = scaled[:, :4].min(axis=1) + _OF_MEAN * scaled[:, :3].mean(axis=1) + _OF_LARGEST_LOGIT * scaled[:, 4]
        found: NDArray[np.float32] = known.astype(np.float32)
        return found


def fit_shape(seen: Seen, labels: NDArray[np.int64], taxa: int, temperature: float) -> Shape:
    """Of training photos (n) with labels (n,). Raises InputError for fewer than two."""
    if len(seen) < 2:
        raise InputError(f"{len(seen)} photos tell nothing of what the taxa look like; give more.")
    return Shape(
        named=_cloud(seen.features, labels, taxa),
        deep=_cloud(seen.deep, labels, taxa),
        gallery=unit(seen.features),
        temperature=temperature,
    )


def _cloud(features: Features, labels: NDArray[np.int64], taxa: int) -> Cloud:
    wide = features.astype(np.float64)
    means = np.full((taxa, wide.shape[1]), np.nan)
    for label in np.unique(labels):
        means[label] = wide[labels == label].mean(axis=0)
    return Cloud(means=means.astype(np.float32), factor=_factor(wide - means[labels]))


def fit_gate(shape: Shape, parts: NDArray[np.float64]) -> Gate:
    """parts (n, 5): `Shape.parts` of photos of known taxa that the shape was not fitted on."""
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
    variance = np.diag(covariance)
    least = max(float(variance.mean()), 1e-12) * 1e-3  # of a feature that never varies
    mixed = (1 - _SHRINKAGE) * covariance + np.diag(_SHRINKAGE * variance + least)
    factor: Features = np.linalg.cholesky(mixed).astype(np.float32)
    return factor


def _whitened(factor: Features, features: NDArray[np.floating]) -> NDArray[np.float64]:
    white: NDArray[np.float64] = solve_triangular(
        factor.astype(np.float64), features.astype(np.float64).T, lower=True
    ).T
    return white
