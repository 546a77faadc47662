"""Models that learn from a region's presences and background, evaluated where it was surveyed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.metrics import map_scores
from birdsat.progress import QUIET, Progress
from birdsat.ranges.evaluation.ensemble import Way, combined
from birdsat.ranges.evaluation.learning import PresenceModel, Scorer
from birdsat.ranges.evaluation.presence_only.regions import SurveyedSites, TrainingGroup, TrainingRegion, read_tests
from birdsat.ranges.evaluation.presence_only.registry import BENCHMARK_MODELS
from birdsat.ranges.evaluation.presence_only.report import ModelOnRegion, RegionReport, SpeciesFigures


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fitted:
    """A model that learned every group of a region, with all its settings chosen."""

    asked: str
    name: str
    scorers: tuple[Scorer, ...]  # of the groups
    seconds: float


def evaluate_region(
    training: TrainingRegion,
    models: Mapping[str, PresenceModel],
    ensembles: Sequence[Way] = (),
    progress: Progress = QUIET,
) -> RegionReport:
    """Fit all models, each choosing its settings, and only then open the surveys and evaluate.

    ensembles: of all the models, as rows of their own. Raises InputError where no species can be evaluated.
    """
    fitted = [_fit(asked, model, training, progress) for asked, model in models.items()]
    if len(fitted) > 1:
        fitted += [_ensemble(by, models, fitted, training) for by in ensembles]
    # Nothing above has seen a surveyed site; nothing below changes a model.
    surveys = list(read_tests(training, progress))
    evaluated = [_evaluate(one, training, surveys) for one in fitted]
    kept = {one.species for one in evaluated[0].figures} if evaluated else set()
    if not kept:
        raise InputError(f"none of the species of {training.name} is both present and absent among the surveyed sites.")
    learned = [species for group in training.groups for species in group.species]
    return RegionReport(
        region=training.name,
        presences=sum(len(group.points.presences) for group in training.groups),
        background=len(training.groups[0].points.background),
        sites=sum(len(sites.cells) for sites in surveys),
        covariates=training.covariates,
        classes=tuple(name for name, _ in training.scale.classes),
        models=tuple(evaluated),
        skipped=tuple(species for species in learned if species not in kept),
    )


def _fit(asked: str, model: PresenceModel, training: TrainingRegion, progress: Progress) -> _Fitted:
    started, scorers = time.monotonic(), []
    for group in training.groups:
        progress.say(f"{training.name}: fitting {model.name} to {len(group.species)} species")
        scorers.append(model.fit(group.points))
    return _Fitted(asked=asked, name=model.name, scorers=tuple(scorers), seconds=time.monotonic() - started)


def _ensemble(
    by: Way, models: Mapping[str, PresenceModel], fitted: Sequence[_Fitted], training: TrainingRegion
) -> _Fitted:
    started = time.monotonic()
    scorers = [
        combined([(models[one.asked], one.scorers[at]) for one in fitted if one.asked in models], group.points, by)
        for at, group in enumerate(training.groups)
    ]
    name = f"{by} of {len(models)} models"
    return _Fitted(asked=by, name=name, scorers=tuple(scorers), seconds=time.monotonic() - started)


def _evaluate(model: _Fitted, training: TrainingRegion, surveys: Sequence[SurveyedSites]) -> ModelOnRegion:
    started, figures, chosen = time.monotonic(), list[SpeciesFigures](), []
    for group, scorer in zip(training.groups, model.scorers, strict=True):
        figures += _of_group(group, scorer, surveys)
        if said := getattr(scorer, "said", ""):
            chosen.append((group.name if len(training.groups) > 1 else "", said))
    return ModelOnRegion(
        model=model.asked,
        name=model.name,
        ours=model.asked in BENCHMARK_MODELS and BENCHMARK_MODELS[model.asked].ours,
        seconds=model.seconds + time.monotonic() - started,
        chosen=tuple(chosen),
        figures=tuple(figures),
    )


def _of_group(group: TrainingGroup, scorer: Scorer, surveys: Sequence[SurveyedSites]) -> list[SpeciesFigures]:
    scores: dict[str, list[NDArray[np.float32]]] = {}
    truths: dict[str, list[NDArray[np.bool_]]] = {}
    for sites in surveys:
        if not set(sites.species) & set(group.species):
            continue
        score = scorer(sites.cells)
        for label, species in enumerate(group.species):
            if species in sites.species:
                truth = sites.presence[:, sites.species.index(species)]
                known = np.isfinite(truth)
                scores.setdefault(species, []).append(score[known, label])
                truths.setdefault(species, []).append(truth[known] > 0)
    points = np.bincount(group.points.taxon, minlength=len(group.species)).tolist()
    figures = []
    for label, species in enumerate(group.species):
        if species not in scores:
            continue
        score = np.concatenate(scores[species])
        there: NDArray[np.bool_] = np.concatenate(truths[species])
        if not np.isfinite(score).all():
            raise InputError(f"a model gives no score of {species} at some surveyed sites; leave it out.")
        if there.all() or not there.any():
            continue
        auc, average_precision = map_scores(score, there)
        figures.append(
            SpeciesFigures(
                species=species,
                points=points[label],
                present=int(there.sum()),
                absent=int((~there).sum()),
                auc=auc,
                average_precision=average_precision,
            )
        )
    return figures
