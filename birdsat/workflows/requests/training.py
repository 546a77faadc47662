"""Requests that train: every setting of a run, by its recipe and one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from birdsat.errors import ConfigError, about
from birdsat.recipes.registry import ALL_RECIPES, RECIPE_FILE, RECIPES
from birdsat.settings import as_words, path_of
from birdsat.workflows.requests.request import AnyPath, Folder, OneOf, Positional, Request

Precision = Literal["auto", "32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(Request):
    """Single settings in place of a recipe's own."""

    SHORTCUTS: ClassVar[dict[str, str]] = {  # fields by the path of the setting that each stands for
        "steps": "steps",
        "batch_size": "batch_size",
        "lr": "optimiser.lr",
        "precision": "precision",
        "workers": "workers",
        "devices": "devices",
        "nodes": "nodes",
        "seed": "seed",
    }

    set: Sequence[str] | Mapping[str, Any] = ()
    """Any settings as PATH=VALUE, such as optimiser.betas=0.9,0.95 compile=false; `birdsat recipes NAME` shows all."""
    steps: int | None = None
    """Optimiser steps in all."""
    batch_size: int | None = None
    """Samples a step on each device."""
    lr: float | None = None
    """Highest learning rate; that of Muon changes in proportion."""
    precision: Precision | None = None
    """Of the arithmetic; auto takes bf16 on GPUs that have it."""
    workers: int | None = None
    """Processes that decode images."""
    devices: int | None = None
    """GPUs on each machine; all by default."""
    nodes: int | None = None
    """Machines."""
    seed: int | None = None
    """Of weights, order, augmentation and masks."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "set", as_words(self.set))
        super().__post_init__()

    def check(self) -> None:
        """Raise ConfigError for words that are not settings, and for a setting that is given in two ways."""
        super().check()
        with about("set"):
            paths = {path_of(word) for word in self.set}
        for name in self.given(*self.SHORTCUTS):
            if (path := self.SHORTCUTS[name]) in paths:
                raise ConfigError(f"{path} is given in two ways; leave one of them out.", settings=(name, "set"))


@dataclass(frozen=True, kw_only=True)
class PretrainRequest(TrainingOptions):
    """Learn from a dataset. Ctrl-C saves; resumed, it continues to the same numbers."""

    SHORTCUTS: ClassVar[dict[str, str]] = TrainingOptions.SHORTCUTS | {
        "start_from": "start_from",
        "freeze_chips": "method.chip_encoder_frozen",
    }

    dataset: Positional[AnyPath]
    """Folder of the dataset."""
    run: Positional[Folder[AnyPath]]
    """Folder of the new run."""
    recipe: Annotated[str, OneOf(RECIPES, or_file=RECIPE_FILE)] = "cve_mae_tiny"
    """A complete set of settings, of which the options below replace single ones: a name, of those that `birdsat
    recipes` lists, or a file, such as the config.json of another run."""
    start_from: Sequence[AnyPath] = ()
    """Runs whose weights to start from, such as one of mae and one of mae on chips."""
    freeze_chips: bool = False
    """Keep the chip encoder as it starts: chips are encoded once. Meant for runs that start from another."""
    resume: bool = False
    """Continue a run that was stopped, with its own settings. What changes no gradient may be changed, and steps may
    grow: the learning rate then follows the schedule of the new number of steps from there on."""


@dataclass(frozen=True, kw_only=True)
class ReplayRequest(Request):
    """Make a run again as its run.json says, and compare the weights: on the same machine they are the same.

    Another dataset than the run learned from, and another run than it started from, are refused.
    """

    run: Positional[AnyPath]
    """Folder of the run, or of a classifier, to make again."""
    out: Positional[Folder[AnyPath]]
    """Folder of the new run."""
    dataset: AnyPath | None = None
    """Folder of its dataset, where that is not where it was."""
    start_from: Sequence[AnyPath] = ()
    """The runs that it started from, in order, where those are not where they were."""
    other_data: bool = False
    """Take a dataset, or runs to start from, that are others than then; that they are is noted."""
    resume: bool = False
    """Continue a replay that was stopped."""


@dataclass(frozen=True, kw_only=True)
class RecipesRequest(Request):
    """List the recipes, or show one with every setting, as a file that is itself a recipe."""

    name: Positional[Annotated[str | None, OneOf(ALL_RECIPES, or_file=RECIPE_FILE)]] = None
    """Show this one; a name or a file."""
