"""A run's chip features beside baselines, on ranges that are known."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.place_features import ChipFeatures, PlaceFeatures, RegionFeatures
from birdsat.embeddings.regions.world import built_in_encoder, open_world
from birdsat.files import write_atomic
from birdsat.imagery.open_imagery import open_imagery
from birdsat.progress import QUIET, Progress
from birdsat.ranges.background import CELLS
from birdsat.ranges.evaluation.columns import Columns, parse_raster
from birdsat.ranges.evaluation.counts import CountEvaluation, Counts, evaluate_counts
from birdsat.ranges.evaluation.ensemble import Ensemble
from birdsat.ranges.evaluation.evaluate import (
    Ranges,
    evaluate_later_surveys,
    evaluate_occurrences,
    evaluate_points,
    evaluate_surveys,
)
from birdsat.ranges.evaluation.evaluation import Evaluation
from birdsat.ranges.evaluation.hold_out import HoldOut
from birdsat.ranges.evaluation.learning import CountModel, PresenceModel, SurveyModel
from birdsat.ranges.evaluation.occurrence_points import occurrence_points
from birdsat.ranges.evaluation.range_grid import RangeGrid, read_range_grid
from birdsat.ranges.evaluation.registry import LearnsFrom, ModelSettings, make_models
from birdsat.ranges.evaluation.surveys import read_surveys
from birdsat.ranges.records import Records
from birdsat.tables import Table
from birdsat.training.run_folder import load_run
from birdsat.workflows.asked_effort import TargetGroup, check_effort, with_effort
from birdsat.workflows.name_lists import open_crosswalk
from birdsat.workflows.records_on_cells import read_tables
from birdsat.workflows.requests.evaluation import EvaluateRangesRequest

MARKDOWN, JSON = "evaluation.md", "evaluation.json"
_CUT = 4000  # cells of the background that are anywhere, where the chip of each is cut and encoded; else as in a fit


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateRangesResult:
    """All models against the same truth, once for each way of learning, and the files they were written to."""

    evaluations: tuple[Evaluation | CountEvaluation, ...]
    names: dict[str, str]  # under which each model was asked for, by what tables call it
    files: tuple[Path, ...]

    def tables(self) -> tuple[Table, ...]:
        """A table for each way of learning, with a row for each model."""
        return tuple(evaluation.table() for evaluation in self.evaluations)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; rows: one for each model and way of learning, such as a number of points."""
        return {
            "rows": [
                {"model": self.names[row["model"]], "name": row["model"], **{k: row[k] for k in row if k != "model"}}
                for evaluation in self.evaluations
                for row in evaluation.rows()
            ],
            "evaluations": [evaluation.to_dict() for evaluation in self.evaluations],
            "files": [str(file) for file in self.files],
        }


def evaluate_ranges(request: EvaluateRangesRequest, progress: Progress = QUIET) -> EvaluateRangesResult:
    """Evaluate models that read the run's chip features beside baselines, or those of both that are asked for.

    On a range grid, models learn from presence and absence, and from a few presences of each taxon, in cells that are
    held out from them; with occurrences, from these, wherever they lie. With a year of surveys, they learn before that
    year and are evaluated from it on, in other blocks: from presences, from presence and absence, and from mean counts.
    Raises InputError when nothing can be evaluated.
    """
    grids = list(_grids(request))
    columns = Columns(
        features=_features(request, grids[0].step_degrees),
        rasters=tuple(map(parse_raster, request.rasters)),
        cell_degrees=grids[0].step_degrees,
    )
    models = _Models(request, columns, progress)
    ways = _by_surveys if len(grids) > 1 else _by_occurrences if request.occurrences else _by_range_grid
    evaluations: tuple[Evaluation | CountEvaluation, ...] = ways(request, grids, columns, models, progress)
    if len(grids) > 1 and models.of_counts:
        evaluations = (*evaluations, _by_counts(request, columns, models, progress))
    out = Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / MARKDOWN, "\n".join(evaluation.markdown() for evaluation in evaluations))
    result = EvaluateRangesResult(evaluations=evaluations, names=models.names, files=(out / MARKDOWN, out / JSON))
    plain = {name: value for name, value in result.to_dict().items() if name != "files"}
    write_atomic(out / JSON, json.dumps(plain, indent=2) + "\n")
    return result


def _features(request: EvaluateRangesRequest, cell_degrees: float | None) -> PlaceFeatures:
    """Where the features of places come from."""
    if request.imagery is None:
        region = open_world() if request.region is None else open_region(Path(request.region))
        return RegionFeatures(region=region, cell_degrees=cell_degrees)
    return ChipFeatures(
        run=built_in_encoder() if request.run is None else load_run(Path(request.run)),
        imagery=open_imagery(request.imagery),
        bands=request.bands,
        stretch=request.stretch,
        workers=request.workers,
    )


def _grids(request: EvaluateRangesRequest) -> Iterator[RangeGrid]:
    """The ranges; or those to learn from, and those to evaluate on."""
    if request.surveys_before is None:
        yield read_range_grid(Path(request.grid)).usable(request.min_cells)
    else:
        surveys = read_surveys(Path(request.grid))
        yield surveys.ranges(last=request.surveys_before - 1)
        yield surveys.ranges(first=request.surveys_before)


class _Models:
    """Those asked for, by how they learn."""

    def __init__(self, request: EvaluateRangesRequest, columns: Columns, progress: Progress) -> None:
        settings = ModelSettings(rasters=columns.raster_names, seed=request.seed)

        def made(learns_from: LearnsFrom) -> tuple[Any, ...]:
            found = make_models(request.models, learns_from, settings, progress)
            self.names |= {model.name: name for name, models in found.items() for model in models}
            return tuple(model for models in found.values() for model in models)

        self.names: dict[str, str] = {}
        self.of_points: tuple[PresenceModel, ...] = made("points")
        if len(self.of_points) > 1:
            together = tuple(Ensemble(members=self.of_points, by=by) for by in request.ensembles)
            self.names |= {model.name: model.by for model in together}
            self.of_points += together
        self.of_surveys: tuple[SurveyModel, ...] = made("surveys")
        self.of_counts: tuple[CountModel, ...] = made("counts") if request.surveys_before is not None else ()


def _by_surveys(
    request: EvaluateRangesRequest, grids: Sequence[RangeGrid], columns: Columns, models: _Models, progress: Progress
) -> tuple[Evaluation, ...]:
    earlier, later = (columns.ranges(grid, progress) for grid in grids)
    evaluations = list[Evaluation]()
    if models.of_surveys:
        evaluations.append(
            evaluate_later_surveys(
                earlier,
                later,
                models.of_surveys,
                hold_out=_hold_out(request),
                repeats=request.repeats,
                seed=request.seed,
                progress=progress,
            )
        )
    if models.of_points:
        numbers = (None, *request.points)
        evaluations += [_by_points(request, earlier, points, models, progress, later) for points in numbers]
    return tuple(evaluations)


def _by_counts(
    request: EvaluateRangesRequest, columns: Columns, models: _Models, progress: Progress
) -> CountEvaluation:
    """Of surveys before and from a year on."""
    assert request.surveys_before is not None
    surveys = read_surveys(Path(request.grid))

    def counts(first: int | None = None, last: int | None = None) -> Counts:
        cells, found = columns.of(surveys.ranges(first, last).lon_lat)
        return Counts(species=surveys.species, mean=surveys.mean_counts(first, last)[found], cells=cells.take(found))

    return evaluate_counts(
        counts(last=request.surveys_before - 1),
        counts(first=request.surveys_before),
        models.of_counts,
        hold_out=_hold_out(request),
        repeats=request.repeats,
        seed=request.seed,
        progress=progress,
    )


def _by_occurrences(
    request: EvaluateRangesRequest, grids: Sequence[RangeGrid], columns: Columns, models: _Models, progress: Progress
) -> tuple[Evaluation, ...]:
    crosswalk, target = open_crosswalk(request), TargetGroup.of(request)
    own = read_tables(request.occurrences, request, progress, crosswalk)
    check_effort(request, own, crosswalk)
    everything = own.joined(read_tables(target.tables, request, progress, crosswalk)) if target.tables else own
    looked = target.records(everything, crosswalk)

    def with_its_effort(records: Records, grid: AnyGrid, anywhere: NDArray[np.int64]) -> Records:
        return with_effort(records, looked, request, grid, anywhere, tables=request, progress=progress)

    points, truth = occurrence_points(
        own,
        grids[0] if crosswalk is None else grids[0].renamed(crosswalk.name_of),
        columns,
        min_records=min(request.points, default=1),
        most=CELLS if request.imagery is None else _CUT,
        thin_km=request.thin_km,
        with_effort=with_its_effort,
        seed=request.seed,
        progress=progress,
    )
    return (evaluate_occurrences(points, columns.ranges(truth, progress), models.of_points, progress=progress),)


def _by_range_grid(
    request: EvaluateRangesRequest, grids: Sequence[RangeGrid], columns: Columns, models: _Models, progress: Progress
) -> tuple[Evaluation, ...]:
    ranges, evaluations = columns.ranges(grids[0], progress), list[Evaluation]()
    if models.of_surveys:
        surveys = evaluate_surveys(
            ranges,
            models.of_surveys,
            hold_out=_hold_out(request),
            repeats=request.repeats,
            seed=request.seed,
            progress=progress,
        )
        evaluations.append(surveys)
    if models.of_points:
        evaluations += [_by_points(request, ranges, points, models, progress) for points in request.points]
    return tuple(evaluations)


def _by_points(
    request: EvaluateRangesRequest,
    ranges: Ranges,
    points: int | None,
    models: _Models,
    progress: Progress,
    later: Ranges | None = None,
) -> Evaluation:
    return evaluate_points(
        ranges,
        models.of_points,
        points=points,
        hold_out=_hold_out(request),
        later=later,
        repeats=request.repeats,
        seed=request.seed,
        progress=progress,
    )


def _hold_out(request: EvaluateRangesRequest) -> HoldOut:
    return HoldOut(by=request.hold_out, folds=request.folds, degrees=request.block_degrees, buffer_km=request.buffer_km)
