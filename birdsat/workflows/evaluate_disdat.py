"""Range models and others on the benchmark of presence-only models."""

import json
from pathlib import Path

from birdsat.embeddings.regions.place_features import RegionFeatures
from birdsat.embeddings.regions.world import open_world
from birdsat.files import write_atomic
from birdsat.progress import QUIET, Progress
from birdsat.ranges.evaluation.presence_only.evaluate import evaluate_region
from birdsat.ranges.evaluation.presence_only.regions import find_regions, read_training
from birdsat.ranges.evaluation.presence_only.registry import BENCHMARK_MODELS, make_benchmark_models
from birdsat.ranges.evaluation.presence_only.report import DisdatReport
from birdsat.workflows.evaluate_ranges import JSON, MARKDOWN
from birdsat.workflows.reported import Reported
from birdsat.workflows.requests.evaluation import EvaluateDisdatRequest


class EvaluateDisdatResult(Reported[DisdatReport]):
    """Figures of every model on every region, and the files they were written to."""


def evaluate_disdat(request: EvaluateDisdatRequest, progress: Progress = QUIET) -> EvaluateDisdatResult:
    """Fit the models to each region's presences, and evaluate them where it was surveyed.

    Raises InputError for a folder without whole regions, and for tables that cannot be read.
    """
    files = find_regions(Path(request.folder), request.regions)
    models = make_benchmark_models(request.models, request.seed, progress)
    chips = any(name in BENCHMARK_MODELS and BENCHMARK_MODELS[name].chips for name in models)
    features = RegionFeatures(region=open_world()) if chips else None
    regions = []
    for one in files:
        training = read_training(one, request.categorical, features, progress)
        regions.append(evaluate_region(training, models, request.ensembles, progress))
    report, out = DisdatReport(regions=tuple(regions)), Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / MARKDOWN, report.markdown())
    write_atomic(out / JSON, json.dumps(report.to_dict(), indent=2) + "\n")
    return EvaluateDisdatResult(report=report, files=(out / MARKDOWN, out / JSON))
