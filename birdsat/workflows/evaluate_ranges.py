"""A run's chip features beside baselines, on ranges that are known."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.files import write_atomic
from birdsat.imagery.open_imagery import open_imagery
from birdsat.observations.occurrences import read_occurrences
from birdsat.progress import QUIET, Progress
from birdsat.ranges.evaluation.baselines.standard import standard_models, standard_survey_models
from birdsat.ranges.evaluation.columns import Columns, parse_raster
from birdsat.ranges.evaluation.evaluate import evaluate_occurrences, evaluate_points, evaluate_surveys
from birdsat.ranges.evaluation.evaluation import Evaluation
from birdsat.ranges.evaluation.hold_out import HoldOut
from birdsat.ranges.evaluation.learning import PresenceModel
from birdsat.ranges.evaluation.occurrence_points import occurrence_points
from birdsat.ranges.evaluation.our_models import RangeNetworkModel, SimilarPlaces
from birdsat.ranges.evaluation.range_grid import RangeGrid, read_range_grid
from birdsat.ranges.evaluation.surveys import read_surveys
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.tables import Table
from birdsat.training.run_folder import load_run
from birdsat.workflows.requests.evaluation import EvaluateRangesRequest

MARKDOWN, JSON = "evaluation.md", "evaluation.json"
_BACKGROUND = 4000  # cells at most, of those anywhere: fewer than a fit takes, as the chip of each is cut and encoded


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateRangesResult:
    """All models against the same truth, once for each way of learning, and the files they were written to."""

    evaluations: tuple[Evaluation, ...]
    files: tuple[Path, ...]

    def tables(self) -> tuple[Table, ...]:
        """A table for each way of learning, with a row for each model."""
        return tuple(evaluation.table() for evaluation in self.evaluations)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "evaluations": [evaluation.to_dict() for evaluation in self.evaluations],
            "files": [str(file) for file in self.files],
        }


def evaluate_ranges(request: EvaluateRangesRequest, progress: Progress = QUIET) -> EvaluateRangesResult:
    """Evaluate models that read the run's chip features beside all baselines.

    On a range grid, models learn from presence and absence, and from a few presences of each taxon, in cells that are
    held out from them; with occurrences, from these, wherever they lie. With a year of surveys, they learn before that
    year and are evaluated from it on, in other blocks. Raises InputError when nothing can be evaluated.
    """
    grids = list(_grids(request))
    columns = Columns(
        run=load_run(Path(request.run)),
        imagery=open_imagery(request.imagery),
        rasters=tuple(map(parse_raster, request.rasters)),
        cell_degrees=grids[0].step_degrees,
        stretch=request.stretch,
        workers=request.workers,
    )
    ways = _by_surveys if len(grids) > 1 else _by_occurrences if request.occurrences else _by_range_grid
    evaluations = ways(request, grids, columns, progress)
    out = Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / MARKDOWN, "\n".join(evaluation.markdown() for evaluation in evaluations))
    plain = [evaluation.to_dict() for evaluation in evaluations]
    write_atomic(out / JSON, json.dumps(plain, indent=2) + "\n")
    return EvaluateRangesResult(evaluations=evaluations, files=(out / MARKDOWN, out / JSON))


def _grids(request: EvaluateRangesRequest) -> Iterator[RangeGrid]:
    """The ranges; or those to learn from, and those to evaluate on."""
    if request.surveys_before is None:
        yield read_range_grid(Path(request.grid)).usable(request.min_cells)
    else:
        surveys = read_surveys(Path(request.grid))
        yield surveys.ranges(last=request.surveys_before - 1)
        yield surveys.ranges(first=request.surveys_before)


def _by_surveys(
    request: EvaluateRangesRequest, grids: Sequence[RangeGrid], columns: Columns, progress: Progress
) -> tuple[Evaluation, ...]:
    earlier, later = (columns.ranges(grid, progress) for grid in grids)
    models = _presence_models(columns.raster_names, request.seed)
    return tuple(
        evaluate_points(
            earlier,
            models,
            points=points,
            hold_out=_hold_out(request),
            later=later,
            repeats=request.repeats,
            seed=request.seed,
            progress=progress,
        )
        for points in (None, *request.points)
    )


def _by_occurrences(
    request: EvaluateRangesRequest, grids: Sequence[RangeGrid], columns: Columns, progress: Progress
) -> tuple[Evaluation, ...]:
    points, truth = occurrence_points(
        read_occurrences([Path(table) for table in request.occurrences]),
        grids[0],
        columns,
        min_records=min(request.points, default=1),
        most=_BACKGROUND,
        seed=request.seed,
        progress=progress,
    )
    models = _presence_models(columns.raster_names, request.seed)
    return (evaluate_occurrences(points, columns.ranges(truth, progress), models, progress=progress),)


def _by_range_grid(
    request: EvaluateRangesRequest, grids: Sequence[RangeGrid], columns: Columns, progress: Progress
) -> tuple[Evaluation, ...]:
    ranges, hold_out = columns.ranges(grids[0], progress), _hold_out(request)
    near = (SimilarPlaces(place=False), SimilarPlaces(place=True))
    surveys = evaluate_surveys(
        ranges,
        (*standard_survey_models(columns.raster_names), *near),
        hold_out=hold_out,
        repeats=request.repeats,
        seed=request.seed,
        progress=progress,
    )
    models = _presence_models(columns.raster_names, request.seed)
    few = (
        evaluate_points(
            ranges,
            models,
            points=points,
            hold_out=hold_out,
            repeats=request.repeats,
            seed=request.seed,
            progress=progress,
        )
        for points in request.points
    )
    return (surveys, *few)


def _presence_models(rasters: tuple[str, ...], seed: int) -> tuple[PresenceModel, ...]:
    settings = RangeNetworkConfig(seed=seed)
    ours = (RangeNetworkModel(columns=None, settings=settings), RangeNetworkModel(settings=settings))
    return (*standard_models(rasters, seed=seed), *ours)


def _hold_out(request: EvaluateRangesRequest) -> HoldOut:
    return HoldOut(by=request.hold_out, folds=request.folds, degrees=request.block_degrees)
