"""Range models evaluated on the virtual world, where the truth of every month is known."""

import json
from pathlib import Path

from birdsat.embeddings.regions.folder_region import open_region
from birdsat.errors import ConfigError, InputError, about
from birdsat.files import write_atomic
from birdsat.progress import QUIET, Progress
from birdsat.ranges.evaluation.virtual_evaluation import VirtualEvaluation, evaluate_on_world
from birdsat.ranges.evaluation.virtual_records import draw_records
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.records import check_records
from birdsat.training.run_folder import load_run
from birdsat.workflows.fit_ranges import fit_records
from birdsat.workflows.records_on_cells import only_recorded
from birdsat.workflows.reported import Reported
from birdsat.workflows.requests.evaluation import EvaluateVirtualRequest

VIRTUAL_JSON = "evaluation_virtual.json"


class EvaluateVirtualResult(Reported[VirtualEvaluation]):
    """Figures of monthly maps, of residents and migrants, and the file they were written to."""


def evaluate_virtual(request: EvaluateVirtualRequest, progress: Progress = QUIET) -> EvaluateVirtualResult:
    """Fit to records drawn anew and evaluate every month.

    Raises ConfigError for a region of real imagery, InputError where no record falls into it.
    """
    run, out = None if request.run is None else load_run(Path(request.run)), Path(request.out)
    region = open_region(Path(request.region), run)
    imagery = region.imagery
    world = imagery.virtual_world
    if world is None:
        raise ConfigError(
            f"{request.region} is of {imagery.text}, whose true ranges are not known; take a region of virtual:SEED.",
            settings=("region",),
        )
    progress.say("drawing records")
    drawn = draw_records(world, region.grid, request.points, request.seed)
    if not region.at(drawn.lon_lat, columns=()).found.any():
        raise InputError(
            f"none of the {len(drawn):,} records that were drawn lies in a cell that {request.region} holds; embed a "
            "region with more land.",
            settings=("region",),
        )
    with about("region"):
        records = only_recorded(check_records(region, drawn, progress=progress), progress)
    progress.say(f"fitting to {len(records.taxa):,} records")
    model = fit_records(run, region, records, settings=RangeNetworkConfig(seed=request.seed), progress=progress)
    progress.say("evaluating every month")
    evaluation = evaluate_on_world(model, region, world)
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / VIRTUAL_JSON, json.dumps(evaluation.to_dict(), indent=2) + "\n")
    return EvaluateVirtualResult(report=evaluation, files=(out / VIRTUAL_JSON,))
