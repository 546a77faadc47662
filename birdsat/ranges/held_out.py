"""What a fit held out, to be asked about again: with the inputs of some places in place of those of others."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from birdsat.metrics import map_scores
from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.named import CHIP, PLACE
from birdsat.ranges.held_out_rows import HeldOut
from birdsat.ranges.projection import InputProjection


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeldOutPlaces:
    """Places of a fit, points before background, and what its members say of those that they held out."""

    chip: NDArray[np.float32]  # (p + b, f)
    lon_lat: NDArray[np.float64]  # (p + b, 2)
    covariates: NDArray[np.float32] | None  # (p + b, k); None: the model has none
    names: tuple[Covariate, ...]  # of the covariates, in the order of their columns
    presences: int  # p
    background_weight: NDArray[np.float64]  # (b,)
    projection: InputProjection
    again: Callable[[Tensor, Tensor], HeldOut]

    def said(self, group: str = "", columns: slice | None = None, order: NDArray[np.int64] | None = None) -> HeldOut:
        """Of the places as they are; or with one group of inputs as in the places in another order (p + b,).

        group: chip or place, or columns: those of a covariate.
        """
        chip, lon_lat, covariates = self.chip, self.lon_lat, self.covariates
        if order is not None:
            if group == CHIP:
                chip = chip[order]
            elif group == PLACE:
                lon_lat = lon_lat[order]
            elif covariates is not None and columns is not None:
                covariates = covariates.copy()
                covariates[:, columns] = covariates[order, columns]
        inputs = self.projection(chip, lon_lat, covariates)
        return self.again(inputs[: self.presences], inputs[self.presences :])


def auc_by(out: HeldOut, group: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    """(groups,) areas under the ROC curve of rows that were held out, by the group (r,) of each; NaN for a group
    without points or without background."""
    areas = np.full(groups, np.nan)
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(groups + 1))
    for number in range(groups):
        rows = order[edges[number] : edges[number + 1]]
        there = out.present[rows]
        if there.any() and not there.all():
            areas[number] = map_scores(out.logit[rows], there)[0]
    return areas
