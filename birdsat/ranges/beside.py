"""A network beside a regression on hinges of covariates: which, and how much each counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from birdsat.ranges.covariates.hinge_regression import NETWORK_SHARES, HingeRegression
from birdsat.ranges.covariates.hinge_share import HingeShare
from birdsat.ranges.fit_data import Data
from birdsat.ranges.network import RangeNetwork


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Beside:
    """A network at its best step, and the regression that was found best beside it."""

    network: RangeNetwork
    regression: HingeShare | None = None
    ranks: Tensor | None = None  # (n,) of each member and taxon, by whose mean it was chosen; None: it was not


@torch.no_grad()
def best_beside(network: RangeNetwork, regressions: Sequence[HingeRegression], data: Data, half: int | None) -> Beside:
    """The network alone, or with one of the regressions for one of the shares: what ranks best what is held out, a half
    of it or, for None, all. The middle one of each where too little is held out to tell."""

    def beside(one: HingeRegression, share: float, ranks: Tensor | None = None) -> Beside:
        both = network.beside(one.hinges, one.weight, one.bias, share)
        return Beside(network=both, regression=HingeShare(c=one.c, share=1 - share), ranks=ranks)

    if not regressions:
        return Beside(network=network)
    if not data.tells:
        return beside(regressions[len(regressions) // 2], NETWORK_SHARES[len(NETWORK_SHARES) // 2])
    there, elsewhere, row = data.said_of_tried(network)
    best: tuple[Tensor, HingeRegression | None, float] = data.ranks(there, elsewhere, row, half), None, 1.0
    for one in regressions:
        # Log odds are sums, so those of any share are between those of none and those of all.
        at_points, behind, _ = data.said_of_tried(network.beside(one.hinges, one.weight, one.bias, 0.0))
        for share in NETWORK_SHARES:
            mixed = torch.lerp(at_points, there, share), torch.lerp(behind, elsewhere, share)
            best = max(best, (data.ranks(*mixed, row, half), one, share), key=lambda found: float(found[0].sum()))
    ranks, regression, share = best
    return Beside(network=network, ranks=ranks) if regression is None else beside(regression, share, ranks)
