"""A dataset of chips at random places, without birds."""

from pathlib import Path

from birdsat.dataset.build import build_dataset
from birdsat.dataset.description import Description
from birdsat.dataset.random_places import NoPhotos, random_places
from birdsat.earth.box import Box
from birdsat.errors import InputError, about
from birdsat.imagery.open_imagery import open_imagery
from birdsat.observations.splits import SplitRule
from birdsat.progress import QUIET, Progress
from birdsat.workflows.describe_dataset import DatasetResult
from birdsat.workflows.requests.datasets import RandomChipsRequest


def random_chips(request: RandomChipsRequest, progress: Progress = QUIET) -> DatasetResult:
    """Build the dataset, or finish one that was stopped.

    Raises ConfigError for a box that is not one, InputError where it has too little land or imagery, DatasetError where
    the folder holds something else.
    """
    out = Path(request.out)
    with about("box"):
        box = Box.parse(str(request.box))
    with about("imagery"):
        imagery = open_imagery(str(request.imagery))
        if imagery.is_table:
            raise InputError(
                f"{imagery.text} is a table of chips at places of its own; give a raster to cut chips from."
            )
        chips = imagery.chips(
            ground_km=request.chip_km, px=request.chip_px, bands=request.bands, stretch=request.stretch
        )
    land = imagery.land.contains if request.land_only else None
    manifest = build_dataset(
        out,
        random_places(request.count, box, chips=chips, land=land, seed=request.seed),
        photos=NoPhotos(),
        chips=chips,
        splits=SplitRule(val_fraction=request.val_fraction, test_fraction=0, block_km=request.block_km),
        seed=request.seed,
        description=Description(
            title=request.title or out.name,
            licence=request.licence,
            sources=(imagery.text,),
            command=request.command("data chips"),
        ),
        workers=request.workers,
        progress=progress,
    )
    return DatasetResult(folder=out, manifest=manifest)
