"""Models of how many individuals are counted, evaluated on later surveys of places that were held out from them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.metrics import spearman
from birdsat.progress import QUIET, Progress
from birdsat.ranges.evaluation.hold_out import HoldOut
from birdsat.ranges.evaluation.learning import CountModel, checked_scores, refuse_namesakes
from birdsat.ranges.points import Cells
from birdsat.tables import Table

_NOTE = (
    "Spearman: of each species, the rank correlation of what is predicted, by the fold that held the place out, with "
    "the mean count in the later years, over all places but those whose fold could learn of none; the mean over the "
    "species."
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Counts:
    """Mean counts of taxa, and what is known of the cells. Raises InputError for shapes that do not fit."""

    species: tuple[str, ...]
    mean: NDArray[np.float32]  # (cells, species) individuals, over the years in which a cell was surveyed
    cells: Cells

    def __post_init__(self) -> None:
        if self.mean.shape != (len(self.cells), len(self.species)):
            raise InputError(
                f"mean counts are {self.mean.shape}; {(len(self.cells), len(self.species))} are needed: a row for each "
                "cell, a column for each species."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class CountFigures:
    """One model against later counts."""

    model: str
    seconds: float  # to learn and to score, all folds together
    spearman: tuple[tuple[str, float], ...]  # of each species whose counts vary, and that was counted before

    @property
    def mean(self) -> float:
        return float(np.mean([value for _, value in self.spearman])) if self.spearman else float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class CountEvaluation:
    """Several models against the same later counts. As `Evaluation`, with a figure of its own."""

    title: str
    models: tuple[CountFigures, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "title": self.title,
            "notes": [_NOTE],
            "models": [
                {
                    "model": one.model,
                    "seconds": one.seconds,
                    "spearman": _plain(one.mean),
                    "taxa": [{"taxon": taxon, "spearman": value} for taxon, value in one.spearman],
                }
                for one in self.models
            ],
        }

    def rows(self) -> list[dict[str, Any]]:
        """Plain JSON values of each model: its mean over the species."""
        return [
            {
                "model": one.model,
                "evaluation": self.title,
                "seconds": one.seconds,
                "taxa": len(one.spearman),
                "spearman": _plain(one.mean),
            }
            for one in self.models
        ]

    def table(self) -> Table:
        """A row for each model."""
        table = Table(title=self.title, columns=["model", "taxa", "Spearman", "s"], caption=_NOTE)
        for one in self.models:
            mean = "" if np.isnan(one.mean) else f"{one.mean:.3f}"
            table.add_row(one.model, f"{len(one.spearman):,}", mean, f"{one.seconds:.1f}")
        return table

    def markdown(self) -> str:
        """The table and the note, as Markdown."""
        return "\n\n".join((f"### {self.title}", self.table().markdown(), _NOTE)) + "\n"


def evaluate_counts(
    earlier: Counts,
    later: Counts,
    models: Sequence[CountModel],
    *,
    hold_out: HoldOut,
    repeats: int = 1,
    seed: int = 0,
    progress: Progress = QUIET,
) -> CountEvaluation:
    """Models that learn mean counts of the cells of `earlier`, evaluated on those of `later` (of the same species) in
    the blocks held out. repeats: times that folds are drawn anew; a species' figure is the mean over these.

    Raises InputError where no species was counted before and varies later, and for infinite scores; ConfigError for two
    models of one name.
    """
    refuse_namesakes(models)
    known = np.flatnonzero((earlier.mean > 0).any(axis=0) & (np.ptp(later.mean, axis=0) > 0)).tolist()
    if models and not known:
        raise InputError(
            "no species was counted before and in different numbers later; learn from other years, or other places."
        )
    evaluated = []
    for model in models:
        started = time.monotonic()
        values = np.full((repeats, len(known)), np.nan)
        for repeat in range(repeats):
            score = np.full(later.mean.shape, np.nan, dtype=np.float32)
            turns = hold_out.turns(earlier.cells.lon_lat, seed + repeat, later.cells.lon_lat)
            for number, (train, test) in enumerate(turns, start=1):
                progress.say(f"{model.name}, fold {number}")
                learned = model.fit(earlier.cells.take(train), earlier.mean[train])
                counted = (earlier.mean[train] > 0).any(axis=0)  # of others there is nothing to learn
                score[test] = np.where(
                    counted, checked_scores(model, learned(later.cells.take(test))), np.float32(np.nan)
                )
            for at, label in enumerate(known):
                there = np.isfinite(score[:, label])
                found = later.mean[there, label].astype(np.float64)
                if len(found) and np.ptp(found) > 0:
                    order = spearman(score[there, label].astype(np.float64), found)
                    # A score that is the same everywhere puts nothing in order, as chance does.
                    values[repeat, at] = 0.0 if np.isnan(order) else order
        drawn = [(earlier.species[label], one[~np.isnan(one)]) for label, one in zip(known, values.T, strict=True)]
        figures = tuple((taxon, float(some.mean())) for taxon, some in drawn if len(some))
        evaluated.append(CountFigures(model=model.name, seconds=time.monotonic() - started, spearman=figures))
    return CountEvaluation(title=f"mean counts, {hold_out.repeated(repeats)}", models=tuple(evaluated))


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else value
