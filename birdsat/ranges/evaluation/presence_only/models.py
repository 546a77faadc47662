"""What the models of the presence-only benchmark are made with."""

from collections.abc import Iterable

from birdsat.ranges.covariates.named import COVARIATES, INPUTS
from birdsat.ranges.estimators import parse_estimator
from birdsat.ranges.evaluation.baselines.boosted import BoostedTrees
from birdsat.ranges.evaluation.baselines.estimator import EstimatorModel
from birdsat.ranges.evaluation.baselines.forest import DownSampledForest
from birdsat.ranges.evaluation.baselines.logistic import QuadraticLogistic
from birdsat.ranges.evaluation.baselines.maxent import MaxEnt, require_elapid
from birdsat.ranges.evaluation.chosen import ChosenOnBlocks
from birdsat.ranges.evaluation.learning import PresenceModel
from birdsat.ranges.evaluation.presence_only.ours import CovariateFit
from birdsat.ranges.evaluation.target_group import TargetGroup
from birdsat.ranges.network import RangeNetworkConfig

_ON = (COVARIATES,)
_TREES = 500  # of a forest, half of those in Valavi et al.: the forests of all species are held at once
_PENALTIES = (1e-4, 1e-3, 1e-2, 1.0)  # C of the logistic regression


def ours(seed: int) -> PresenceModel:
    """`birdsat fit --covariates`: all inputs, or covariates alone, as the fit chooses."""
    return _ours((), "birdsat", seed)


def ours_covariates(seed: int) -> PresenceModel:
    """`birdsat fit --covariates --inputs covariates`."""
    return _ours((COVARIATES,), "birdsat: covariates", seed)


def ours_chip_place(seed: int) -> PresenceModel:
    """`birdsat fit --covariates --inputs chip place covariates`."""
    return _ours(INPUTS, "birdsat: covariates + chip + place", seed)


def maxent(seed: int) -> PresenceModel:
    """MaxEnt against random background. Raises ConfigError where elapid is not installed."""
    require_elapid()
    return MaxEnt(columns=_ON, features=("linear", "quadratic", "hinge"), label="covariates")


def maxent_target_group(seed: int) -> PresenceModel:
    """MaxEnt against target-group background. Raises ConfigError where elapid is not installed."""
    return TargetGroup(model=maxent(seed))


def forest(seed: int) -> PresenceModel:
    """The down-sampled random forest against random background."""
    return DownSampledForest(columns=_ON, trees=_TREES, seed=seed, label="down-sampled random forest")


def forest_target_group(seed: int) -> PresenceModel:
    """The down-sampled random forest against target-group background."""
    return TargetGroup(model=forest(seed))


def boosted(seed: int) -> PresenceModel:
    """Boosted trees against random background."""
    return ChosenOnBlocks(candidates=tuple(_boosted(seed)), label="boosted trees", seed=seed)


def boosted_target_group(seed: int) -> PresenceModel:
    """Boosted trees against target-group background."""
    return _on_target_group(_boosted(seed), "boosted trees, target group", seed)


def logistic(seed: int) -> PresenceModel:
    """Quadratic logistic regression against random background."""
    return ChosenOnBlocks(candidates=tuple(_logistic()), label="logistic regression", seed=seed)


def logistic_target_group(seed: int) -> PresenceModel:
    """Quadratic logistic regression against target-group background."""
    return _on_target_group(_logistic(), "logistic regression, target group", seed)


def estimator(text: str, seed: int) -> PresenceModel:
    """A classifier by its text, against random background. Raises ConfigError for a text of none."""
    parse_estimator(text)
    return EstimatorModel(text=text, columns=_ON, seed=seed)


def _ours(inputs: tuple[str, ...], label: str, seed: int) -> PresenceModel:
    return TargetGroup(model=CovariateFit(inputs=inputs, settings=RangeNetworkConfig(seed=seed)), label=label)


def _on_target_group(candidates: Iterable[PresenceModel], label: str, seed: int) -> PresenceModel:
    models = tuple(TargetGroup(model=model, label=model.name) for model in candidates)
    return ChosenOnBlocks(candidates=models, label=label, seed=seed)


def _boosted(seed: int) -> Iterable[BoostedTrees]:
    for trees, rate in ((100, 0.02), (100, 0.05), (300, 0.05)):
        yield BoostedTrees(
            columns=_ON, trees=trees, learning_rate=rate, seed=seed, label=f"{trees} trees at rate {rate:g}"
        )


def _logistic() -> Iterable[QuadraticLogistic]:
    for c in _PENALTIES:
        yield QuadraticLogistic(columns=_ON, c=c, or_plain=True, label=f"C {c:g}")
