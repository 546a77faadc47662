"""Log odds to probabilities, by what was held out of the fit; and how good those are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from birdsat.metrics import boyce_index, map_scores, reliability

LEAST_POINTS = 5  # held out, without which nothing is calibrated or evaluated
_MOST_BOYCE = 200  # taxa whose Boyce index is averaged


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """p = 1 / (1 + exp(-(scale z + photo s + shift))): Platt (1999), shared by all taxa, so that rare ones borrow it.

    z: a member's log odds; s: the cosine of the taxon's photos with the place, 0 on average and of variance 1 over the
    background, where the map is made from photos as well.
    """

    scale: float = 1.0
    shift: float = 0.0
    photo: float = 0.0
    fitted: bool = False  # False: nothing could be held out, and the log odds are taken as they are

    def __call__(self, logit: Tensor, photo: Tensor | float = 0.0) -> Tensor:
        """Probabilities of any shape."""
        return (self.scale * logit).add_(self.photo * photo + self.shift).sigmoid_()


def balanced_weights(taxon: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(r,) weights with which every taxon's points and its background weigh alike; 0 for a taxon with one kind."""
    kinds = taxon * 2 + present
    count = np.bincount(kinds, minlength=2 * (int(taxon.max(initial=0)) + 1))
    both = (count[0::2] > 0) & (count[1::2] > 0)
    weight = 1.0 / count[kinds] * both[taxon]
    return np.asarray(weight)


def fit_calibration(
    logit: NDArray[np.float32],
    taxon: NDArray[np.int64],
    present: NDArray[np.bool_],
    photo: NDArray[np.float32] | None = None,
) -> Calibration:
    """Fit to rows (r,) that were held out. photo: standardised cosines (r,), 0 for a taxon without photos."""
    weight = balanced_weights(taxon, present)
    used = weight > 0
    if np.count_nonzero(present & used) < LEAST_POINTS:
        return Calibration()
    inputs = logit[:, None] if photo is None else np.stack([logit, photo], axis=1)
    # Its penalty counts as one row of weight 1 in each coefficient; the rows weigh as many as there are points.
    rows = weight * np.count_nonzero(present & used) / weight[present].sum()
    factors = np.zeros(inputs.shape[1])
    kept, shift = list(range(inputs.shape[1])), 0.0
    while kept:
        model = LogisticRegression(C=10.0).fit(inputs[used][:, kept], present[used], sample_weight=rows[used])
        factor = model.coef_[0]
        if factor.min() >= 0:
            factors[kept], shift = factor, float(model.intercept_[0])
            break
        kept.pop(int(factor.argmin()))  # a factor below 0 would turn the map over
    scale, *photos = factors.tolist()
    return Calibration(
        scale=max(scale, 1e-3),  # at 0 a map would have no order at all
        shift=shift,
        photo=photos[0] if photos else 0.0,
        fitted=True,
    )


def held_out_figures(
    probability: NDArray[np.float32], taxon: NDArray[np.int64], present: NDArray[np.bool_]
) -> dict[str, float]:
    """How points that were held out stand against background that was: means over the taxa that have both.

    auc, boyce: of each taxon. calibration_error, brier: of all rows, points and background weighing alike, so that
    a probability of .5 is a place as likely among points as among background.
    """
    weight = balanced_weights(taxon, present)
    used = np.flatnonzero(weight > 0)
    used = used[np.argsort(taxon[used], kind="stable")]
    areas: list[float] = []
    boyces: list[float] = []
    for rows in np.split(used, np.flatnonzero(np.diff(taxon[used])) + 1) if len(used) else []:
        areas.append(map_scores(probability[rows], present[rows])[0])
        if len(boyces) < _MOST_BOYCE:
            boyces.append(boyce_index(probability[rows], probability[rows[present[rows]]]))
    if np.count_nonzero(present & (weight > 0)) < LEAST_POINTS:  # figures of so few would be chance
        return {}
    # Reliability wants rows that count alike: as many background rows as points, at even steps of each taxon's order.
    evaluated = _even(weight, present)
    found = reliability(probability[evaluated], present[evaluated])
    return {
        "held_out_taxa": float(len(areas)),
        "held_out_points": float(np.count_nonzero(present & (weight > 0))),
        "held_out_auc": float(np.mean(areas)),
        "held_out_boyce": float(np.nanmean(boyces)) if np.isfinite(boyces).any() else float("nan"),
        "held_out_calibration_error": found.error,
        "held_out_brier": found.brier,
    }


def _even(weight: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows drawn so that each kind comes in proportion to its weight, the same at every call."""
    random = np.random.default_rng(0)
    count = min(20_000, 4 * int(np.count_nonzero(present)) + 1000)
    drawn: NDArray[np.int64] = random.choice(len(weight), count, p=weight / weight.sum())
    return drawn
