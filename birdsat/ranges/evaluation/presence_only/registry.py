"""Models of the presence-only benchmark, by name, without importing any. A new one is one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from birdsat.errors import ConfigError
from birdsat.progress import QUIET, Progress

if TYPE_CHECKING:
    from birdsat.ranges.evaluation.learning import PresenceModel

Ensembles = Literal["mean", "median", "committee"]  # as of `birdsat.ranges.evaluation.ensemble`


@dataclass(frozen=True, slots=True)
class BenchmarkEntry:
    """A model by what makes it."""

    function: str  # "module:function": a seed in, a model out
    ours: bool = False
    chips: bool = False  # reads features of the places' chips


_MODELS = "birdsat.ranges.evaluation.presence_only.models"

# In the order of the tables.
BENCHMARK_MODELS: dict[str, BenchmarkEntry] = {
    "ours": BenchmarkEntry(f"{_MODELS}:ours", ours=True, chips=True),
    "ours_covariates": BenchmarkEntry(f"{_MODELS}:ours_covariates", ours=True),
    "ours_chip_place": BenchmarkEntry(f"{_MODELS}:ours_chip_place", ours=True, chips=True),
    "maxent": BenchmarkEntry(f"{_MODELS}:maxent"),
    "forest": BenchmarkEntry(f"{_MODELS}:forest"),
    "boosted": BenchmarkEntry(f"{_MODELS}:boosted"),
    "logistic": BenchmarkEntry(f"{_MODELS}:logistic"),
    "maxent_target_group": BenchmarkEntry(f"{_MODELS}:maxent_target_group"),
    "forest_target_group": BenchmarkEntry(f"{_MODELS}:forest_target_group"),
    "boosted_target_group": BenchmarkEntry(f"{_MODELS}:boosted_target_group"),
    "logistic_target_group": BenchmarkEntry(f"{_MODELS}:logistic_target_group"),
}


def make_benchmark_models(
    names: Sequence[str], seed: int = 0, progress: Progress = QUIET
) -> dict[str, "PresenceModel"]:
    """Those named, or all there are: by name those of ours, in their order; then estimators, as they are written.

    Raises ConfigError for one by name that cannot be made; of all, such models are left out, which is noted.
    """
    made: dict[str, PresenceModel] = {}
    for name, entry in BENCHMARK_MODELS.items():
        if names and name not in names:
            continue
        module, function = entry.function.split(":")
        try:
            made[name] = getattr(import_module(module), function)(seed)
        except ConfigError as error:
            if names:
                raise
            progress.note(f"{name} is left out: {error}")
    for text in names:
        if text not in BENCHMARK_MODELS:
            made[text] = import_module(_MODELS).estimator(text, seed)
    return made
