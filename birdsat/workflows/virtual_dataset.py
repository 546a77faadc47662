"""A dataset of the virtual world."""

from pathlib import Path

from birdsat.dataset.build import build_dataset
from birdsat.dataset.description import Description
from birdsat.imagery.virtual_imagery import virtual_imagery
from birdsat.observations.splits import SplitRule
from birdsat.progress import QUIET, Progress
from birdsat.virtual.world import VirtualWorld
from birdsat.workflows.describe_dataset import DatasetResult
from birdsat.workflows.requests.datasets import VirtualDatasetRequest


def virtual_dataset(request: VirtualDatasetRequest, progress: Progress = QUIET) -> DatasetResult:
    """Build the dataset, or finish one that was stopped. Raises DatasetError where the folder holds something else."""
    out, seed = Path(request.out), request.seed
    world = VirtualWorld(seed, photo_px=request.photo_px)
    manifest = build_dataset(
        out,
        world.observations(request.observations, seed),
        photos=world,
        chips=virtual_imagery(seed).chips(ground_km=request.chip_km, px=request.chip_px),
        taxa=world.taxonomy,
        splits=SplitRule(block_km=request.block_km),
        seed=seed,
        description=Description(
            title=f"Virtual world {seed}", licence="CC0-1.0", command=request.command("data virtual")
        ),
        workers=request.workers,
        progress=progress,
    )
    return DatasetResult(folder=out, manifest=manifest)
