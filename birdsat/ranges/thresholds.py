"""From which value a map counts as range: thresholds by name, chosen on what was held out of the fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.ranges.calibrate import LEAST_POINTS, balanced_weights

_OMITTED = 0.1  # share of the held-out presences below p10
BY_CONSTRUCTION = 0.5  # the prevalence of rows of which points and background weigh alike
_ALIKE = 1e-12  # shares that differ by less are sums in another order

Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Values of one taxon; a place is in its range where the map has the value or more.

    p10: nine tenths of the held-out presences have it or more. max_sss: sensitivity and specificity add up to the most,
    background standing for absences, which moves their sum and not where it is largest (Liu, White and Newell 2013,
    doi 10.1111/jbi.12058). equal: they are as nearly alike as they get. prevalence: that of the rows fitted to (Liu and
    others 2005, doi 10.1111/j.0906-7590.2005.03957.x, approach 3); as points and background weigh alike in a fit, it
    is 0.5, a place as likely among the one as among the other.
    """

    p10: float
    max_sss: float
    equal: float
    prevalence: float
    points: int  # held out, that they were chosen on
    pooled: bool  # of all taxa together, as too few points of this one could be held out


def fit_thresholds(
    probability: NDArray[np.float32], taxon: NDArray[np.int64], present: NDArray[np.bool_], taxa: int
) -> tuple[Thresholds, ...]:
    """Of each of `taxa` labels, from rows (r,) that were held out, as the map has them (calibrated).

    A taxon with fewer than five points among them, or without background, has those of all taxa pooled, in which every
    taxon weighs alike. None at all where even these are fewer than five.
    """
    weight = balanced_weights(taxon, present)
    used = np.flatnonzero(weight > 0)
    if np.count_nonzero(present[used]) < LEAST_POINTS:
        return ()
    pooled = _chosen(probability[used], present[used], weight[used], pooled=True)
    of_taxon = [pooled] * taxa
    used = used[np.argsort(taxon[used], kind="stable")]
    for rows in np.split(used, np.flatnonzero(np.diff(taxon[used])) + 1):
        if np.count_nonzero(present[rows]) >= LEAST_POINTS:
            of_taxon[taxon[rows[0]]] = _chosen(probability[rows], present[rows], weight[rows], pooled=False)
    return tuple(of_taxon)


def _chosen(
    probability: NDArray[np.float32], present: NDArray[np.bool_], weight: NDArray[np.float64], *, pooled: bool
) -> Thresholds:
    """Of rows (r,) with presences and background among them."""
    presences = _Below.of(probability[present], weight[present])
    background = _Below.of(probability[~present], weight[~present])
    there, both = presences.values, np.union1d(presences.values, background.values)
    # Between two presences, the upper has the same sensitivity and no less specificity.
    sums = 1 - presences.share(there) + background.share(there)
    apart = np.abs(1 - presences.share(both) - background.share(both))
    return Thresholds(
        p10=float(there[presences.share(there) <= _OMITTED + _ALIKE].max()),
        # Of several alike, the lowest: it misses the fewest places.
        max_sss=float(there[sums >= sums.max() - _ALIKE].min()),
        equal=float(both[apart <= apart.min() + _ALIKE].min()),
        prevalence=BY_CONSTRUCTION,
        points=int(np.count_nonzero(present)),
        pooled=pooled,
    )


@dataclass(frozen=True, slots=True)
class _Below:
    """What share of the weight of some rows lies below a value: of presences what is missed, of background what is
    rightly left out."""

    values: Scores  # (v,) that occur, ascending
    shares: Scores  # (v + 1,) below each of them, and in the end 1

    @classmethod
    def of(cls, values: NDArray[np.float32], weight: NDArray[np.float64]) -> "_Below":
        known, kind = np.unique(values.astype(np.float64), return_inverse=True)
        added = np.cumsum(np.bincount(kind.reshape(-1), weights=weight))
        return cls(known, np.concatenate([[0.0], added / added[-1]]))

    def share(self, at: Scores) -> Scores:
        """Below each of these values (n,), themselves not counted."""
        return self.shares[np.searchsorted(self.values, at)]
