"""A ridge regression of each taxon on hinges of covariates, beside the network that learns all taxa at once.

The two are wrong in different places: the network borrows from other taxa and bends as it likes, the regression is
smooth. Their mean ranks held-out places better than either (Wide & Deep, Cheng et al. 2016, has the same form). How
much each counts is chosen on the blocks that the members held out.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from birdsat.progress import QUIET, Progress, counted
from birdsat.ranges.covariates.hinges import Hinges
from birdsat.ranges.covariates.scaling import CovariateScaling
from birdsat.ranges.fit_data import Data, evenly

NETWORK_SHARES = (0.25, 0.5, 0.75)  # that are tried
_CS = (0.1, 0.3, 1.0)  # that are tried; ascending, as each fit starts from the one before
_MOST_BACKGROUND = 4096  # places that a regression learns from, drawn by their weights
_MOST_POINTS = 4096  # of a taxon; of more, so many evenly spread
_BENDS = 8  # second derivatives of a fit at most
_STEPS_A_BEND = 4
_HALVINGS = 6  # of a step that goes too far
_CLOSE = 1e-4  # fall of the loss of a taxon with which its fit ends


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HingeRegression:
    """Weights and biases of every member and taxon; 0 of a taxon without points."""

    c: float  # inverse strength of the penalty, as scikit-learn has it
    hinges: Hinges
    weight: Float[Tensor, "members h taxa"]
    bias: Float[Tensor, "members taxa"]

    def of(self, scaling: CovariateScaling) -> "HingeRegression":
        """The same of covariates that are scaled otherwise, all by one factor."""
        return replace(self, hinges=self.hinges.in_unit(scaling.unit))


def fit_regressions(data: Data, scaling: CovariateScaling, progress: Progress = QUIET) -> tuple[HingeRegression, ...]:
    """One for each strength of the penalty, of the points and background that each member learns from.

    scaling: of the covariates, which are the last inputs. The loss is that of a logistic regression in which background
    weighs as much as the taxon's points, which in the limit is MaxEnt (Fithian and Hastie 2013), with a ridge for the
    lasso.
    """
    rows = data.background_rows(_MOST_BACKGROUND)
    behind = data.places[data.background[rows]]
    hinges = Hinges.fit(behind[:, behind.shape[1] - scaling.inputs :], scaling.unit)
    seen, elsewhere = hinges.of_many(data.places), hinges.of_many(behind)
    absent = (~data.out[1][:, rows]).float()
    absent = absent / absent.sum(dim=1, keepdim=True).clamp(min=1)
    members, taxa, by_taxon = len(absent), data.taxa, data.taxon.argsort(stable=True)
    ends = torch.bincount(data.taxon, minlength=taxa).cumsum(0).tolist()
    fits = tuple(
        HingeRegression(
            c=c, hinges=hinges, weight=torch.zeros(members, hinges.outputs, taxa), bias=torch.zeros(members, taxa)
        )
        for c in _CS
    )
    for label in counted(range(taxa), progress, "fitting regressions", unit="taxa"):
        points = by_taxon[(ends[label - 1] if label else 0) : ends[label]]
        if not len(points):
            continue
        points = points[evenly(len(points), _MOST_POINTS)]
        learned = (~data.out[0][:, points]).float()
        counts = learned.sum(dim=1, keepdim=True).clamp(min=1)
        x = torch.cat([seen[data.seen[data.row[points]]], elsewhere])
        sign = torch.cat([torch.ones(len(points)), -torch.ones(len(elsewhere))])
        weight = torch.cat([learned / counts, absent], dim=1) / 2
        found = torch.zeros(members, hinges.outputs + 1)
        for fit in fits:
            found = _ridge(x, sign, weight, 1 / (2 * fit.c * counts), found)
            fit.weight[:, :, label], fit.bias[:, label] = found[:, :-1], found[:, -1]
    return fits


def _ridge(
    x: Float[Tensor, "n h"],
    sign: Float[Tensor, " n"],
    weight: Float[Tensor, "members n"],
    penalty: Float[Tensor, "members 1"],
    start: Float[Tensor, "members h1"],
) -> Float[Tensor, "members h1"]:
    """Logistic regressions of rows with sign 1 or -1, by Newton's steps, each halved until the loss falls; several with
    one second derivative, which costs most."""
    x = F.pad(x, (0, 1), value=1.0)
    ridge = penalty * F.pad(torch.ones(x.shape[1] - 1), (0, 1), value=1e-6)  # hardly any of the bias

    def losses(beta: Tensor) -> Tensor:
        return (F.softplus(-sign * (beta @ x.T)) * weight).sum(dim=1) + (ridge * beta.square()).sum(dim=1) / 2

    beta, loss = start, losses(start)
    for _ in range(_BENDS):
        before = loss
        pull = torch.sigmoid(beta @ x.T)
        bend = torch.stack([(x * one[:, None]).T @ x for one in weight * pull * (1 - pull)])
        factor = torch.linalg.cholesky(bend + torch.diag_embed(ridge))
        for _ in range(_STEPS_A_BEND):
            slope = -((torch.sigmoid(-sign * (beta @ x.T)) * sign * weight) @ x) + ridge * beta
            step = torch.cholesky_solve(slope[..., None], factor)[..., 0]
            tried = losses(beta - step)
            for _ in range(_HALVINGS):
                if not (worse := tried > loss).any():
                    break
                step = torch.where(worse[:, None], step / 2, step)
                tried = losses(beta - step)
            better = tried < loss
            fall = float((loss - tried).clamp(min=0).max())
            beta, loss = torch.where(better[:, None], beta - step, beta), torch.minimum(tried, loss)
            if fall < _CLOSE:
                break
        if float((before - loss).max()) < 10 * _CLOSE:
            break
    return beta
