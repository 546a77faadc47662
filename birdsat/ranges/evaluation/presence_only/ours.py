"""The range network on covariates: alone, on hinges of them, and beside a hinge regression."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.named import CHIP, COVARIATES, PLACE
from birdsat.ranges.evaluation.chosen import Chosen, HeldOutBlocks, held_out_blocks, taxon_aucs
from birdsat.ranges.evaluation.ensemble import standardised
from birdsat.ranges.evaluation.hinges import Hinges
from birdsat.ranges.evaluation.learning import PresenceModel, Scorer
from birdsat.ranges.evaluation.target_group import target_group
from birdsat.ranges.fit import Embedded, Source, fit_ranges
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points

HINGE_INPUTS = 64  # principal components of hinges that the network reads


@dataclass(frozen=True, kw_only=True, slots=True)
class CovariateNetwork:
    """The range network on covariates as `birdsat fit` takes them, or with chip and place beside them."""

    chip_place: bool = False
    settings: RangeNetworkConfig = field(default_factory=RangeNetworkConfig)
    label: str = ""
    probabilities: bool = True

    @property
    def name(self) -> str:
        return self.label or f"range network on covariates{' + chip + place' if self.chip_place else ''}"

    def fit(self, points: Points) -> Scorer:
        width = points.background.columns[COVARIATES].shape[1]
        inputs = (CHIP, PLACE, COVARIATES) if self.chip_place else (COVARIATES,)
        model = fit_ranges(
            points,
            self._embedded(points.presences),
            self._embedded(points.background),
            [str(label) for label in range(points.taxa)],
            Source(run="", model=""),
            settings=self.settings,
            covariates=[Covariate(name=str(number)) for number in range(width)],
            inputs_of=inputs,
        )

        def score(cells: Cells) -> NDArray[np.float32]:
            seen = self._embedded(cells)
            return model.year_mean(seen.chip, cells.lon_lat, seen.covariates)

        return score

    def _embedded(self, cells: Cells) -> Embedded:
        chip = cells.columns[CHIP] if self.chip_place else np.empty((len(cells), 0))
        return Embedded(
            chip=chip.astype(np.float32),
            year=np.empty((len(cells), 1, 0), np.float32),
            covariates=cells.columns[COVARIATES].astype(np.float32),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class HingeNetwork:
    """The range network on the principal components of `Hinges` of covariates: bent beforehand, they are learned from
    few points."""

    settings: RangeNetworkConfig = field(default_factory=lambda: RangeNetworkConfig(inputs=HINGE_INPUTS))
    label: str = ""
    probabilities: bool = True

    @property
    def name(self) -> str:
        return self.label or "range network on hinges of covariates"

    def fit(self, points: Points) -> Scorer:
        hinges = Hinges.fit(points.background.table((COVARIATES,)), points.background_weight)

        def seen(cells: Cells) -> NDArray[np.float32]:
            return hinges(cells.table((COVARIATES,))).astype(np.float32)

        at, behind = (
            Embedded(chip=one, year=np.empty((len(one), 1, 0), np.float32))
            for one in (seen(points.presences), seen(points.background))
        )
        taxa = [str(label) for label in range(points.taxa)]
        model = fit_ranges(
            points, at, behind, taxa, Source(run="", model=""), settings=self.settings, inputs_of=(CHIP,)
        )
        return lambda cells: model.year_mean(seen(cells), cells.lon_lat)


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkAndHinges:
    """A network, which learns all taxa at once, and a hinge regression, which learns each by itself: a mean of both.

    The penalty of the regression and how much the network counts are chosen together on blocks; each of them is fitted
    once a fold, and means are taken of their scores.
    """

    network: PresenceModel
    regressions: tuple[PresenceModel, ...]  # of several penalties
    label: str
    shares: tuple[float, ...] = (0.25, 0.5, 0.75)  # of the network
    seed: int = 0
    probabilities: bool = False

    @property
    def name(self) -> str:
        return self.label

    def fit(self, points: Points) -> Scorer:
        """`points` are against random background; the models learn against target-group background."""
        candidates = [(one, share) for one in self.regressions for share in self.shares]
        scores: list[list[float]] = []
        for part in held_out_blocks(points, seed=self.seed):
            learned = target_group(part.learned)
            network = standardised(self.network, self.network.fit(learned), learned)(part.places)
            of_fold: list[float] = []
            for regression in self.regressions:
                other = standardised(regression, regression.fit(learned), learned)(part.places)
                of_fold += [_fold_auc(share * network + (1 - share) * other, part) for share in self.shares]
            scores.append(of_fold)
        means = np.nanmean(scores, axis=0).tolist() if np.isfinite(scores).any() else []
        # Without blocks to choose by: penalty and share in the middle.
        best = (
            int(np.nanargmax(means)) if means else len(self.regressions) // 2 * len(self.shares) + len(self.shares) // 2
        )
        regression, share = candidates[best]
        against = target_group(points)
        members = [
            standardised(self.network, self.network.fit(against), against),
            standardised(regression, regression.fit(against), against),
        ]
        names = [f"regression {one.name}, network counting {share:g}" for one, share in candidates]

        def score(cells: Cells) -> NDArray[np.float32]:
            both: NDArray[np.float64] = share * members[0](cells) + (1 - share) * members[1](cells)
            return both.astype(np.float32)

        return Chosen(score, names[best], tuple(zip(names, means, strict=True)) if means else ())


def _fold_auc(score: NDArray[np.float64], part: HeldOutBlocks) -> float:
    """Mean over taxa of the AUC in blocks held out together; NaN where no taxon has enough there."""
    areas = taxon_aucs(score.astype(np.float32), part.present)
    return float(np.mean([auc for _, auc, _ in areas])) if areas else float("nan")
