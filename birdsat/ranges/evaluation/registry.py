"""Models that can be evaluated, by name, without importing any. A new one is one file and one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from birdsat.errors import ConfigError
from birdsat.progress import QUIET, Progress

if TYPE_CHECKING:
    from birdsat.ranges.evaluation.learning import NamedModel

# A few presences of each taxon; presence and absence in every cell; how many were counted there.
LearnsFrom = Literal["points", "surveys", "counts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSettings:
    """What a model is made with."""

    rasters: tuple[str, ...] = ()  # names of the columns that rasters give
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model, or several that differ in the columns they read."""

    function: str  # "module:function": `ModelSettings` in, a tuple of models out
    learns_from: LearnsFrom = "points"
    rasters: bool = False  # reads the rasters' columns, and cannot be made without
    by_default: bool = True  # False: made where it is asked for by name alone, as it takes long


_BASELINES = "birdsat.ranges.evaluation.baselines"
_OURS = "birdsat.ranges.evaluation.our_models"

# In the order of the tables.
MODELS: dict[str, ModelEntry] = {
    "nearest": ModelEntry(f"{_BASELINES}.nearest:nearest"),
    "logistic_coordinates": ModelEntry(f"{_BASELINES}.logistic:logistic_coordinates"),
    "logistic_rasters": ModelEntry(f"{_BASELINES}.logistic:logistic_rasters", rasters=True),
    "logistic_chip": ModelEntry(f"{_BASELINES}.logistic:logistic_chip"),
    "maxent_coordinates": ModelEntry(f"{_BASELINES}.maxent:maxent_coordinates"),
    "maxent_rasters": ModelEntry(f"{_BASELINES}.maxent:maxent_rasters", rasters=True),
    "maxent_chip": ModelEntry(f"{_BASELINES}.maxent:maxent_chip"),
    "coordinate_network": ModelEntry(f"{_BASELINES}.coordinate_network:coordinate_network"),
    "place": ModelEntry(f"{_OURS}:place"),
    "chip_place": ModelEntry(f"{_OURS}:chip_place"),
    "covariates": ModelEntry(f"{_OURS}:covariates", rasters=True),
    "chip_place_covariates": ModelEntry(f"{_OURS}:chip_place_covariates", rasters=True),
    "chosen_covariates": ModelEntry(f"{_OURS}:chosen_covariates", rasters=True),
    "similar_coordinates": ModelEntry(f"{_BASELINES}.nearest:similar_coordinates", "surveys"),
    "similar_rasters": ModelEntry(f"{_BASELINES}.nearest:similar_rasters", "surveys", rasters=True),
    "similar_chip": ModelEntry(f"{_OURS}:similar_chip", "surveys"),
    "similar_chip_place": ModelEntry(f"{_OURS}:similar_chip_place", "surveys"),
    "logistic_chip_place": ModelEntry(f"{_BASELINES}.surveyed:logistic_chip_place", "surveys"),
    "boosted_chip_place": ModelEntry(f"{_BASELINES}.surveyed:boosted_chip_place", "surveys", by_default=False),
    "chip_place_surveys": ModelEntry(f"{_OURS}:chip_place_surveys", "surveys"),
    "similar_counts": ModelEntry(f"{_BASELINES}.counted:similar_counts", "counts"),
    "ridge_counts": ModelEntry(f"{_BASELINES}.counted:ridge_counts", "counts"),
    "boosted_counts": ModelEntry(f"{_BASELINES}.counted:boosted_counts", "counts", by_default=False),
    "chip_place_counts": ModelEntry(f"{_OURS}:chip_place_counts", "counts"),
}


def make_models(
    names: Sequence[str], learns_from: LearnsFrom, settings: ModelSettings, progress: Progress = QUIET
) -> dict[str, tuple["NamedModel", ...]]:
    """Those of the models that learn from `learns_from`, by name; of all there are where no name is given.

    What is not the name of one of ours is the text of a classifier, which learns from points. Raises ConfigError for a
    model by name that cannot be made; of all, such models are left out, which is noted.
    """
    made = {}
    for name, entry in MODELS.items():
        if entry.learns_from != learns_from or (names and name not in names):
            continue
        if not names and (not entry.by_default or (entry.rasters and not settings.rasters)):
            continue
        try:
            made[name] = _made(name, entry, settings)
        except ConfigError as error:
            if names:
                raise
            progress.note(f"{name} is left out: {error}")
    for text in names:
        if text not in MODELS and learns_from == "points":
            made[text] = (import_module(f"{_BASELINES}.estimator").own_model(text, settings),)
    return made


def _made(name: str, entry: ModelEntry, settings: ModelSettings) -> tuple["NamedModel", ...]:
    if entry.rasters and not settings.rasters:
        raise ConfigError(f"{name} reads rasters, and none is given; give one or more.", settings=("models", "rasters"))
    module, function = entry.function.split(":")
    models: tuple[NamedModel, ...] = getattr(import_module(module), function)(settings)
    return models
