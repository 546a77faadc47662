"""A ridge regression of each taxon on hinges of covariates, beside the network that learns all taxa at once.

The two are wrong in different places: the network borrows from other taxa and bends as it likes, the regression is
smooth and has one optimum. Their mean ranks held-out places better than either (Wide & Deep, Cheng et al. 2016, has the
same form). What is shared between them is chosen on the blocks that the members held out.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from birdsat.ranges.covariates.hinges import Hinges
from birdsat.ranges.fit_data import Data

SHARES = (0.25, 0.5, 0.75)  # of the network, that are tried
_PENALTIES = (0.1, 0.3, 1.0)  # inverse strengths that are tried; ascending, as each fit starts from the one before
_MOST_BACKGROUND = 4096  # places that a regression learns from, drawn by their weights
_NEWTON_STEPS = 25
_HALVINGS = 6  # of a step that goes too far
_CLOSE = 1e-4  # fall of the loss of a taxon with which its fit ends


@dataclass(frozen=True, kw_only=True, slots=True)
class RegressionShare:
    """What is remembered of the regression that was chosen."""

    penalty: float  # its inverse strength, as scikit-learn's C
    share: float  # of the log odds of the year's mean; the network has the rest

    def __str__(self) -> str:
        return f"a hinge regression of covariates (C {self.penalty:g}), for {self.share:.0%} of the year's log odds"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HingeRegression:
    """Weights and biases of every member and taxon; 0 of a taxon of which a member has no points."""

    penalty: float  # its inverse strength, as scikit-learn's C
    hinges: Hinges
    weight: Float[Tensor, "members h taxa"]
    bias: Float[Tensor, "members taxa"]


def fit_regressions(data: Data, covariates: int) -> list[HingeRegression]:
    """One for each penalty, of the points and background that each member learns from.

    covariates: how many of the last inputs are. The loss is that of a logistic regression in which background weighs as
    much as the taxon's points, which in the limit is MaxEnt (Fithian and Hastie 2013), with a ridge for the lasso.
    """
    rows = data.background_rows(_MOST_BACKGROUND)
    behind = data.places[data.background[rows]]
    hinges = Hinges.fit(behind[:, behind.shape[1] - covariates :])
    there, elsewhere = hinges(data.places[data.seen[data.row]]), hinges(behind)
    learned = data.learned[0]  # (m, p)
    absent = (~data.out[1][:, rows]).float()
    absent = absent / absent.sum(dim=1, keepdim=True).clamp(min=1)
    members, taxa = len(learned), data.taxa
    fits = [
        HingeRegression(
            penalty=penalty,
            hinges=hinges,
            weight=torch.zeros(members, hinges.outputs, taxa),
            bias=torch.zeros(members, taxa),
        )
        for penalty in _PENALTIES
    ]
    for label in range(taxa):
        points = torch.nonzero(data.taxon == label)[:, 0]
        of_points = learned[:, points]
        counts = (of_points > 0).sum(dim=1)
        if not len(points):
            continue
        x = torch.cat([there[points], elsewhere])
        sign = torch.cat([torch.ones(len(points)), -torch.ones(len(elsewhere))])
        weight = torch.cat([of_points, absent], dim=1) / 2
        found = torch.zeros(members, hinges.outputs + 1)
        for fit in fits:
            found = _ridge(x, sign, weight, 1 / (2 * fit.penalty * counts.clamp(min=1)), found)
            found[counts == 0] = 0
            fit.weight[:, :, label], fit.bias[:, label] = found[:, :-1], found[:, -1]
    return fits


def _ridge(
    x: Float[Tensor, "n h"],
    sign: Float[Tensor, " n"],
    weight: Float[Tensor, "members n"],
    penalty: Float[Tensor, " members"],
    start: Float[Tensor, "members h1"],
) -> Float[Tensor, "members h1"]:
    """Logistic regressions of rows with sign 1 or -1, by Newton's steps, each halved until the loss falls."""
    x = F.pad(x, (0, 1), value=1.0)
    ridge = penalty[:, None] * F.pad(torch.ones(x.shape[1] - 1), (0, 1), value=1e-6)  # hardly any of the bias

    def losses(beta: Tensor) -> Tensor:
        return (F.softplus(-sign * (beta @ x.T)) * weight).sum(dim=1) + (ridge * beta.square()).sum(dim=1) / 2

    beta, loss = start, losses(start)
    for _ in range(_NEWTON_STEPS):
        odds = beta @ x.T
        pull = torch.sigmoid(-sign * odds)
        slope = -((pull * sign * weight) @ x) + ridge * beta
        bend = torch.einsum("mn,nh,ng->mhg", weight * pull * (1 - pull), x, x) + torch.diag_embed(ridge)
        step = torch.linalg.solve(bend, slope[..., None])[..., 0]
        size = torch.ones(len(beta), 1)
        for _ in range(_HALVINGS):
            tried = losses(beta - size * step)
            if (worse := tried > loss).any():
                size = torch.where(worse[:, None], size / 2, size)
                continue
            break
        moved = torch.where((tried <= loss)[:, None], beta - size * step, beta)
        fall = loss - torch.minimum(tried, loss)
        beta, loss = moved, torch.minimum(tried, loss)
        if float(fall.max()) < _CLOSE:
            break
    return beta
