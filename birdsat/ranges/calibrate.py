"""Log odds to probabilities, by what was held out of the fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

LEAST_POINTS = 5  # held out, without which nothing is calibrated or evaluated


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
        return self.log_odds(logit, photo).sigmoid_()

    def log_odds(self, logit: Tensor, photo: Tensor | float = 0.0) -> Tensor:
        """Those of the probabilities, of any shape."""
        return (self.scale * logit).add_(self.photo * photo + self.shift)


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
    from sklearn.linear_model import LogisticRegression  # here: it takes a second to import, and maps do without

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
