"""Fit a range network to points and background; blocks of the Earth held out choose how long, and evaluate it."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from birdsat.progress import QUIET, Progress, counted
from birdsat.ranges.adamw import AdamW
from birdsat.ranges.beside import best_beside
from birdsat.ranges.covariates.hinge_regression import HingeRegression, fit_regressions
from birdsat.ranges.covariates.hinge_share import HingeShare
from birdsat.ranges.covariates.scaling import CovariateScaling
from birdsat.ranges.fit_data import Data
from birdsat.ranges.held_out_rows import HeldOut
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig
from birdsat.ranges.points import Points
from birdsat.ranges.survey_term import HeldOutSurveys

if TYPE_CHECKING:
    from birdsat.ranges.estimator_network import EstimatorNetwork

_LEAST_STEPS = (
    60  # and so many where nothing can be held out to choose by; before, a trial of one taxon is mostly chance
)
_TRIED_EVERY = 20  # steps between two trials on what was held out
_PATIENCE = 4  # trials without a better one
_WARM_UP = 20  # steps
_AVERAGE_DECAY = 0.96  # of the running mean of weights, which is what is tried and kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """A network at its best step."""

    network: "RangeNetwork | EstimatorNetwork"
    steps: int  # taken; 0: of classifiers
    held_out: HeldOut | None  # None: the points lie in too few blocks, or folds of them, to leave any out
    # The same rows by the network at the step that the rows of half 0 would choose, and at that of half 1.
    by_half: tuple[HeldOut, ...] = ()
    # What is said of them with other inputs (p, d), (b, d) of the places; at every call, of the same rows.
    again: Callable[[Tensor, Tensor], HeldOut] | None = None
    regression: HingeShare | None = None  # beside the network
    regressions: tuple[HingeRegression, ...] = ()  # that it was chosen among
    # How well what was held out is ranked, all of it and each half, by what each chose: (n,) of each member and taxon
    # of which anything is; none without a choice.
    trials: tuple[Tensor, ...] = ()
    # Of surveys, each half at the step that the other would choose; None: nothing of any was held out.
    surveys: HeldOutSurveys | None = None


@dataclass(slots=True)
class _Best:
    """The best step so far, by some of what is held out."""

    step: int
    state: dict[str, Tensor]
    value: float = -math.inf
    trials: list[float] = field(default_factory=list)

    def tried(self, value: float, step: int, network: RangeNetwork) -> None:
        self.trials.append(value)
        value = sum(self.trials[-2:]) / len(self.trials[-2:])  # a single one is noisy where points are few
        if value > self.value:
            self.value, self.step = value, step
            self.state = {name: value.clone() for name, value in network.state_dict().items()}

    def network(self, like: RangeNetwork) -> RangeNetwork:
        """One like this at that step."""
        made = copy.deepcopy(like)
        made.load_state_dict(self.state)
        return made


def fit_network(
    points: Points,
    inputs: Tensor,
    background: Tensor,
    config: RangeNetworkConfig,
    progress: Progress = QUIET,
    *,
    visits: Tensor | None = None,
    covariates: CovariateScaling | None = None,
    fitted: Sequence[HingeRegression] = (),
) -> Fitted:
    """Fit all members at once.

    inputs (p, d) of the points, background (b, d), visits (v, d) of `points.surveys`, all by `InputProjection`. The
    loss is the presence-only one of SINR (Cole et al. 2023, section 3.2: assume negative, over background and the
    other taxa's points alike, which make up `points.background`), but with every taxon's points weighing as much as
    its background, so that rare taxa count as much as common ones. A member learns from the points and the background
    outside its fold of blocks. The number of steps is the one that ranks what the members held out best
    (`Data.trial`); where no member can hold out points and still learn from others of the taxon, as where they lie in
    one block, the members differ by chance alone, and a fixed number of steps is taken. Surveys add a term of their
    own (`SurveyTerm`); without any, nothing changes. covariates: of the last inputs; a `HingeRegression` of
    these stands beside the network, and how much each counts is chosen as the number of steps is (`best_beside`).
    fitted: those of another fit to the same points, which are not fitted again.
    """
    data = Data(points, inputs, background, config, visits)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = RangeNetwork(config, inputs=inputs.shape[1], taxa=points.taxa, dated=data.dated)
        if data.dated:
            network.start_seasons(data.starting_basis())
        best = _train(network, data, config, progress)
        network.eval().requires_grad_(False)
        regressions = () if covariates is None else tuple(one.of(covariates) for one in fitted)
        if covariates is not None and not regressions and data.surveys is None:
            regressions = fit_regressions(data, covariates, progress)
        whole = best_beside(best[0].network(network), regressions, data, None)
        trials, by_half, surveys = [whole.ranks], [], []
        for number in (0, 1) if data.folded else ():
            half = best_beside(best[1 + number].network(network), regressions, data, number)
            trials.append(half.ranks)
            by_half.append(data.held_out(half.network))
            if data.surveys is not None:
                visited = data.surveys.held_out(half.network)
                surveys.append(visited.where(visited.half != number))
    return Fitted(
        network=whole.network,
        steps=best[0].step,
        regression=whole.regression,
        held_out=data.held_out(whole.network) if data.folded else None,
        by_half=tuple(by_half),
        regressions=regressions,
        trials=tuple(one for one in trials if one is not None),
        surveys=HeldOutSurveys.together(surveys) if surveys else None,
        again=partial(data.held_out_again, whole.network) if data.folded else None,
    )


def _train(network: RangeNetwork, data: Data, config: RangeNetworkConfig, progress: Progress) -> tuple[_Best, ...]:
    """The best step by all that is held out, and by each half of it; the last step alone where nothing is."""
    more = [] if data.surveys is None else data.surveys.parameters
    optimiser = AdamW([*network.parameters(), *more], config.weight_decay)
    mean = RangeNetwork(config, inputs=data.places.shape[1], taxa=data.taxa, dated=data.dated).eval()
    mean.load_state_dict(network.state_dict())
    best = [_Best(step=0, state=mean.state_dict()) for _ in (None, 0, 1)]
    last = config.steps if data.folded else min(config.steps, _LEAST_STEPS)
    for step in counted(range(1, last + 1), progress, "fitting", unit="steps"):
        network.train()
        data.loss(network).backward()  # type: ignore[no-untyped-call]
        optimiser.step(config.learning_rate * min(1.0, step / _WARM_UP))
        with torch.no_grad():
            kept = min(_AVERAGE_DECAY, step / (step + 10))
            torch._foreach_lerp_(list(mean.parameters()), list(network.parameters()), 1 - kept)
        if data.folded and step >= min(_LEAST_STEPS, last) and (step % _TRIED_EVERY == 0 or step == last):
            for one, value in zip(best, data.trial(mean), strict=True):
                one.tried(value, step, mean)
            if step - max(one.step for one in best) >= _PATIENCE * _TRIED_EVERY:
                break
    return tuple(best) if data.folded else (_Best(step=last, state=mean.state_dict()),)
