"""What a fit held out, to be asked about again: with the inputs of some places in place of those of others."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from birdsat.metrics import area_within
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


def auc_by_taxon(out: HeldOut, taxa: int) -> NDArray[np.float64]:
    """(taxa,) areas under the ROC curve of rows that were held out, each member's by themselves (`area_within`); NaN
    for a taxon of which no member held out both points and background."""
    areas = np.full(taxa, np.nan)
    order = np.argsort(out.taxon, kind="stable")
    edges = np.searchsorted(out.taxon[order], np.arange(taxa + 1))
    for label, (start, end) in enumerate(pairwise(edges.tolist())):
        rows = order[start:end]
        there = out.present[rows]
        if there.any() and not there.all():  # of thousands of taxa a member holds out few
            evenly = np.ones((1, len(rows)), np.int64)
            (areas[label],) = area_within(out.logit[rows], there, out.member[rows], evenly)
    return areas


def auc_by_member(out: HeldOut, members: int, taxa: int) -> NDArray[np.float64]:
    """(members, taxa) the same of each member; NaN where it did not hold out both kinds."""
    return np.stack([auc_by_taxon(out.where(out.member == member), taxa) for member in range(members)])
