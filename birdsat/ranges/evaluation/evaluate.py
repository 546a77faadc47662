"""Models evaluated on cells that were held out from them, all on the same points."""

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.progress import QUIET, Progress
from birdsat.ranges.evaluation.evaluation import Evaluation, ModelFigures, TaxonFigures, taxon_figures
from birdsat.ranges.evaluation.hold_out import HoldOut
from birdsat.ranges.evaluation.learning import (
    NamedModel,
    PresenceModel,
    SurveyModel,
    checked_scores,
    refuse_namesakes,
)
from birdsat.ranges.evaluation.range_grid import RangeGrid
from birdsat.ranges.points import Cells, Points

_POOLED_NOTE = "Each cell is scored once, by the fold that held it out; a taxon is evaluated over all cells together."


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ranges:
    """Where taxa are, and what is known of the cells. Raises InputError where the two are not of the same places."""

    truth: RangeGrid
    cells: Cells

    def __post_init__(self) -> None:
        if not np.array_equal(self.truth.lon_lat, self.cells.lon_lat):
            raise InputError(
                f"the ranges are of {len(self.truth.lon_lat):,} cells and the columns of {len(self.cells):,} cells, or "
                "of other places; look the columns up at the cells of the ranges."
            )


def evaluate_points(
    ranges: Ranges,
    models: Sequence[PresenceModel],
    *,
    points: int | None = 10,
    hold_out: HoldOut,
    later: Ranges | None = None,
    repeats: int = 1,
    seed: int = 0,
    progress: Progress = QUIET,
) -> Evaluation:
    """Presence-only: models that learn from a few presences of each taxon, evaluated by presence and absence elsewhere.

    In each fold, `points` presence cells of each taxon are drawn among the training cells; None takes all there are.
    All training cells are background. Taxa with fewer presences there than `points` are left out of the fold, and taxa
    that are everywhere or nowhere in the test cells are learned but not evaluated. A model sees the points of all taxa
    at once and nothing else of the ranges.

    later: evaluate on these ranges (of the same taxa, perhaps other cells and a later time) in place of `ranges`; cells
    of both are held out by where they lie. repeats: times that folds and points are drawn anew. Raises InputError when
    no taxon can be evaluated.
    """
    evaluated = later or ranges
    if evaluated.truth.species != ranges.truth.species:
        raise InputError(
            "the ranges learned from and those evaluated by are of different taxa; give the same, in order."
        )
    refuse_namesakes(models)
    least = 1 if points is None else points
    tasks = []
    for repeat in range(repeats):
        turns = hold_out.turns(ranges.cells.lon_lat, seed + repeat, None if later is None else later.cells.lon_lat)
        for number, (train, test) in enumerate(turns):
            background, known = ranges.cells.take(train), ranges.truth.presence[train]
            drawn = _draw(known, ranges.truth.species, points, least, (seed + repeat, number))
            if len(drawn[0]):
                learned = Points(
                    taxa=len(ranges.truth.species),
                    presences=background.take(drawn[0]),
                    taxon=drawn[1],
                    background=background,
                )
                tasks.append((learned, evaluated.cells.take(test), evaluated.truth.presence[test]))
    figures = _evaluate_all(models, tasks, ranges.truth.species, progress)
    size = "all presences as points" if points is None else f"{points:,} points a taxon"
    title = f"{size}, {hold_out.repeated(repeats)}"
    return _evaluation(title, figures, ranges.truth.species, hold_out, points=points)


def evaluate_occurrences(
    points: Points, ranges: Ranges, models: Sequence[PresenceModel], *, progress: Progress = QUIET
) -> Evaluation:
    """Presence-only, learned once from given points, wherever they lie, and evaluated on all cells of the ranges.

    The labels of the points are the columns of the ranges. Raises InputError when no taxon can be evaluated.
    """
    if points.taxa != len(ranges.truth.species):
        raise InputError(
            f"points of {points.taxa:,} taxa cannot be evaluated by ranges of {len(ranges.truth.species):,}."
        )
    refuse_namesakes(models)
    tasks = [(points, ranges.cells, ranges.truth.presence)]
    figures = _evaluate_all(models, tasks, ranges.truth.species, progress)
    return _evaluation(f"{len(points.presences):,} points, none held out", figures, ranges.truth.species, None)


def evaluate_surveys(
    ranges: Ranges,
    models: Sequence[SurveyModel],
    *,
    hold_out: HoldOut,
    repeats: int = 1,
    seed: int = 0,
    progress: Progress = QUIET,
) -> Evaluation:
    """Presence and absence: models that learn from every training cell, evaluated on the cells held out.

    Each taxon is evaluated over all held-out cells together. repeats: times that folds are drawn anew. Raises
    InputError when no taxon can be evaluated.
    """
    refuse_namesakes(models)
    evaluated = []
    for model in models:
        started, figures = time.monotonic(), list[TaxonFigures]()
        for repeat in range(repeats):
            progress.say(f"{model.name}, draw {repeat + 1} of {repeats}")
            turns = list(hold_out.turns(ranges.cells.lon_lat, seed + repeat))
            figures += _pooled(model, ranges, turns)
        seconds = time.monotonic() - started
        evaluated.append(ModelFigures(model=model.name, seconds=seconds, figures=tuple(figures)))
    title = f"presence and absence, {hold_out.repeated(repeats)}"
    return _evaluation(title, evaluated, ranges.truth.species, hold_out, _POOLED_NOTE)


def evaluate_later_surveys(
    earlier: Ranges,
    later: Ranges,
    models: Sequence[SurveyModel],
    *,
    hold_out: HoldOut,
    repeats: int = 1,
    seed: int = 0,
    progress: Progress = QUIET,
) -> Evaluation:
    """Presence and absence: models that learn from every training cell of `earlier`, evaluated on `later` (of the same
    taxa) where cells were held out, fold by fold: on the cells and taxa that `evaluate_points` takes with `later`.

    Raises InputError when no taxon can be evaluated.
    """
    refuse_namesakes(models)
    both = earlier.cells.lon_lat, later.cells.lon_lat
    folds = [turn for repeat in range(repeats) for turn in hold_out.turns(both[0], seed + repeat, both[1])]
    evaluated = []
    for model in models:
        started, figures = time.monotonic(), list[TaxonFigures]()
        for number, (train, test) in enumerate(folds, start=1):
            progress.say(f"{model.name}, fold {number} of {len(folds)}")
            presence = earlier.truth.presence[train]
            score = checked_scores(model, model.fit(earlier.cells.take(train), presence)(later.cells.take(test)))
            task = later.cells.take(test), later.truth.presence[test]
            figures += _of_taxa(model, score, *task, presence.sum(axis=0), earlier.truth.species)
        seconds = time.monotonic() - started
        evaluated.append(ModelFigures(model=model.name, seconds=seconds, figures=tuple(figures)))
    title = f"presence and absence, {hold_out.repeated(repeats)}"
    return _evaluation(title, evaluated, earlier.truth.species, hold_out)


_Rows = NDArray[np.bool_]
_Task = tuple[Points, Cells, NDArray[np.bool_]]  # to learn from, cells to evaluate on, presence in them


def _draw(
    known: NDArray[np.bool_], species: Sequence[str], points: int | None, least: int, seed: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training cells and labels of the points drawn. What is drawn of a taxon does not depend on the other taxa."""
    rows, labels = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for label, name in enumerate(species):
        present = np.flatnonzero(known[:, label])
        if len(present) < least:
            continue
        generator = np.random.default_rng([*seed, zlib.crc32(name.encode())])
        some = present if points is None else generator.choice(present, points, replace=False)
        rows.append(some)
        labels.append(np.full(len(some), label, dtype=np.int64))
    return np.concatenate(rows), np.concatenate(labels)


def _evaluate_all(
    models: Sequence[PresenceModel], tasks: Sequence[_Task], species: Sequence[str], progress: Progress
) -> list[ModelFigures]:
    evaluated = []
    for model in models:
        started, figures = time.monotonic(), list[TaxonFigures]()
        for number, task in enumerate(tasks, start=1):
            progress.say(f"{model.name}, fold {number} of {len(tasks)}")
            figures += _evaluate_one(model, task, species)
        seconds = time.monotonic() - started
        evaluated.append(ModelFigures(model=model.name, seconds=seconds, figures=tuple(figures)))
    return evaluated


def _evaluate_one(model: PresenceModel, task: _Task, species: Sequence[str]) -> Iterator[TaxonFigures]:
    points, cells, truth = task
    score = checked_scores(model, model.fit(points)(cells))
    number = np.bincount(points.taxon, minlength=points.taxa)
    yield from _of_taxa(model, score, cells, truth, number, species)


def _of_taxa(
    model: NamedModel,
    score: NDArray[np.float32],
    cells: Cells,
    truth: NDArray[np.bool_],
    number: NDArray[np.integer],
    species: Sequence[str],
) -> Iterator[TaxonFigures]:
    """Of score (n, taxa) against truth (n, taxa), where the taxon was learned from some points, number (taxa,)."""
    for label, taxon in enumerate(species):
        known = ~np.isnan(score[:, label])
        there = truth[known, label]
        if number[label] == 0 or not there.any() or there.all():
            continue
        yield taxon_figures(
            taxon,
            score[known, label],
            there,
            cells.lon_lat[known, 1],
            points=int(number[label]),
            probabilities=model.probabilities,
        )


def _pooled(model: SurveyModel, ranges: Ranges, folds: Sequence[tuple[_Rows, _Rows]]) -> Iterator[TaxonFigures]:
    """Each taxon over the cells of all folds, each scored by the model that did not see it."""
    presence, cells = ranges.truth.presence, ranges.cells
    score = np.full(presence.shape, np.nan, dtype=np.float32)
    for train, test in folds:
        score[test] = checked_scores(model, model.fit(cells.take(train), presence[train])(cells.take(test)))
    for label, taxon in enumerate(ranges.truth.species):
        known = ~np.isnan(score[:, label])
        there = presence[known, label]
        if there.any() and not there.all():
            yield taxon_figures(
                taxon,
                score[known, label],
                there,
                cells.lon_lat[known, 1],
                points=int(presence[:, label].sum()),
                probabilities=model.probabilities,
            )


def _evaluation(
    title: str,
    figures: Sequence[ModelFigures],
    species: Sequence[str],
    hold_out: HoldOut | None,
    *notes: str,
    points: int | None = None,
) -> Evaluation:
    seen = {one.taxon for model in figures for one in model.figures}
    buffered = hold_out is not None and hold_out.buffer_km > 0
    if figures and not seen:
        raise InputError(
            f"none of {len(species):,} taxa could be evaluated: each has too few points among the training cells, or "
            "is everywhere or nowhere among the test cells. Ask for fewer points, "
            + ("hold out larger blocks, or take a smaller buffer." if buffered else "or hold out larger blocks.")
        )
    warning = () if hold_out is None or hold_out.warning is None else (f"Warning: {hold_out.warning}",)
    skipped = tuple(name for name in species if name not in seen)
    return Evaluation(
        title=title,
        models=tuple(figures),
        skipped=skipped,
        points=points,
        notes=(*warning, *notes, *_unscored(figures)),
    )


def _unscored(figures: Sequence[ModelFigures]) -> Iterator[str]:
    """A note for each model that was evaluated on fewer cells than another, and so on easier or harder ones."""
    cells = [sum(one.present + one.absent for one in model.figures) for model in figures]
    for model, evaluated in zip(figures, cells, strict=True):
        if evaluated < max(cells):
            share = 1 - evaluated / max(cells)
            yield f"{model.model} gives no score for {share:.1%} of the cells and taxa; it is not evaluated by these."
