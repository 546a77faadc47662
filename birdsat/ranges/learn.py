"""What a fit learns from, chip, place and covariates, and what learns it: the network, or classifiers in its place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from birdsat.embeddings.regions.region import RegionPoints
from birdsat.progress import QUIET, Progress, WithoutNotes
from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.hinge_regression import HingeRegression
from birdsat.ranges.covariates.named import CHIP, COVARIATES, PLACE, chosen_inputs
from birdsat.ranges.covariates.scaling import CovariateScaling
from birdsat.ranges.estimator_network import fit_estimators
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points
from birdsat.ranges.projection import PLACE_SHARE, InputProjection
from birdsat.ranges.train import Fitted, fit_network


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded:
    """What a region says of places: the columns of a `RegionBlock`, without positions in a grid."""

    chip: NDArray[np.float32]  # (n, f)
    year: NDArray[np.float32]  # (n, 1 + 2 K, d), or (n, 1 + 2 K, 0) where no photos are used
    covariates: NDArray[np.float32] | None = None  # (n, k); NaN where not known

    @classmethod
    def of(cls, points: RegionPoints, some: NDArray[np.bool_] | slice = slice(None)) -> "Embedded":
        """What a region holds of places, or of some of them."""
        covariates = None if points.covariates is None else points.covariates[some]
        return cls(chip=points.chip[some], year=points.year[some], covariates=covariates)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Learned:
    """A fit, and what it sees of the places of points (p, d) and of background (b, d)."""

    inputs: tuple[str, ...]  # of chip, place and covariates
    projection: InputProjection
    at_points: Tensor
    elsewhere: Tensor
    fitted: Fitted

    def or_better(self, other: "Learned") -> "Learned":
        """The other, if it ranks what was held out better by more than the standard error of that.

        What each half of the blocks says of the other half is by the one that it would choose, so that the choice has
        no part in figures.
        """
        mine, theirs = self.fitted, other.fitted
        if not (mine.trials and theirs.trials):
            return self
        better = [_is_above(there, here) for here, there in zip(mine.trials, theirs.trials, strict=True)]
        by_half = tuple(
            there if takes else here
            for here, there, takes in zip(mine.by_half, theirs.by_half, better[1:], strict=True)
        )
        best = other if better[0] else self
        return replace(best, fitted=replace(best.fitted, by_half=by_half))


def _is_above(ranks: Tensor, others: Tensor) -> bool:
    """Whether the mean of ranks (n,) is above that of others of the same by more than its standard error."""
    above = ranks - others
    return bool(len(above) > 1 and above.mean() > above.std() / math.sqrt(len(above)))


def learn(
    points: Points,
    presences: Embedded,
    background: Embedded,
    settings: RangeNetworkConfig,
    covariates: Sequence[Covariate] = (),
    inputs_of: Sequence[str] = (),
    *,
    visits: Embedded | None = None,
    estimator: str = "",
    progress: Progress = QUIET,
) -> Learned:
    """Learn from the inputs that are named; where none is, from all, or from covariates alone if that is better.

    Covariates measured where records are may say all that a chip, which shows what lies around, can only guess at. Such
    a choice is not made of surveys, or for classifiers.
    """
    inputs = chosen_inputs(inputs_of, bool(covariates))

    def learn_from(inputs: tuple[str, ...], progress: Progress, regressions: Sequence[HingeRegression] = ()) -> Learned:
        projection = fit_projection(points, background, covariates, inputs, settings.inputs, progress)
        at_points = projection(presences.chip, points.presences.lon_lat, presences.covariates)
        elsewhere = projection(background.chip, points.background.lon_lat, background.covariates)
        visited = None
        if points.surveys is not None and visits is not None:
            visited = projection(visits.chip, points.surveys.visits.lon_lat, visits.covariates)
        if estimator:
            fitted = fit_estimators(points, at_points, elsewhere, settings, estimator)
        else:
            fitted = fit_network(
                points,
                at_points,
                elsewhere,
                settings,
                progress,
                visits=visited,
                covariates=projection.covariates,
                fitted=regressions,
            )
        return Learned(inputs=inputs, projection=projection, at_points=at_points, elsewhere=elsewhere, fitted=fitted)

    of_all = learn_from(inputs, progress)
    if inputs_of or not of_all.fitted.trials:  # no trials: without covariates, or where nothing tells which is better
        return of_all
    alone = learn_from((COVARIATES,), WithoutNotes(progress), of_all.fitted.regressions)  # its notes were said
    best = of_all.or_better(alone)
    if best.inputs != inputs:
        left = " and ".join(one for one in inputs if one != COVARIATES)
        mean, with_all = (f"{float(one.fitted.trials[0].mean()):.3f}" for one in (alone, of_all))
        progress.note(
            f"{left} are left out: covariates alone rank the records held out better ({mean}, with all {with_all}). "
            f"`--inputs {' '.join(inputs)}` keeps them."
        )
    return best


def fit_projection(
    points: Points,
    background: Embedded,
    covariates: Sequence[Covariate],
    chosen: Sequence[str],
    most: int,
    progress: Progress = QUIET,
) -> InputProjection:
    """The inputs that are chosen, of chip, place and covariates, fitted to the background."""
    scaling = None
    if COVARIATES in chosen:
        assert background.covariates is not None
        scaling = CovariateScaling.fit(background.covariates, covariates, progress)
    return InputProjection.fit(
        background.chip,
        points.background.lon_lat,
        most,
        PLACE_SHARE if PLACE in chosen else 0.0,
        use_chip=CHIP in chosen,
        covariates=scaling,
    )
