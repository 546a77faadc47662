"""From a table of observations, or a published collection, to a dataset."""

from pathlib import Path
from typing import Any

from birdsat.dataset.build import build_dataset as build_shards
from birdsat.dataset.collections.collection import Collection
from birdsat.dataset.collections.registry import collections_by_setting, open_collection
from birdsat.dataset.description import Description
from birdsat.errors import ConfigError, about
from birdsat.imagery.open_imagery import open_imagery
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.imagery.sources import ChipSource, ObservationChips
from birdsat.observations.readers.tables import TableColumns, read_table, read_taxonomy
from birdsat.observations.splits import SplitRule
from birdsat.progress import QUIET, Progress
from birdsat.workflows.describe_dataset import DatasetResult
from birdsat.workflows.requests.datasets import BuildDatasetRequest

_OF_CHIPS = ("chip_km",)  # what chips that are cut need as well as some collections that bring theirs


def build_dataset(request: BuildDatasetRequest, progress: Progress = QUIET) -> DatasetResult:
    """Build the dataset, or finish one that was stopped.

    Raises ConfigError for settings that nothing would read, InputError for input that cannot be used, DatasetError
    where the folder holds something else.
    """
    out, own = Path(request.out), _own_settings(request)
    opened = _open(request, own)
    chips: ChipSource | ObservationChips | None = opened.chips
    if request.chips is not None:
        if chips is not None:
            raise ConfigError(
                f"the collection {request.collection} brings chips of its own; leave chips out.", settings=("chips",)
            )
        with about("chips"):
            imagery = open_imagery(request.chips)
            chips = imagery.chips(ground_km=request.chip_km, px=request.chip_px, stretch=request.stretch)
    manifest = build_shards(
        out,
        opened.observations,
        photos=opened.photos,
        chips=chips,
        taxa=opened.taxa if request.taxa is None else read_taxonomy(Path(request.taxa)).filled_from(opened.taxa),
        splits=SplitRule(
            val_fraction=request.val_fraction,
            test_fraction=request.test_fraction,
            keep_source=not request.ignore_source_split,
            block_km=request.block_km,
        ),
        photo_px=request.photo_px,
        seed=request.seed,
        description=Description(
            title=request.title or out.name,
            licence=request.licence or opened.licence,
            sources=tuple(str(part) for part in (request.table, request.folder, request.chips) if part is not None),
            command=request.command("data build"),
            published=opened.published,
        ),
        workers=request.workers,
        progress=progress,
    )
    return DatasetResult(folder=out, manifest=manifest)


def _open(request: BuildDatasetRequest, own: dict[str, Any]) -> Collection:
    if request.collection is not None and request.folder is not None:
        return open_collection(request.collection, Path(request.folder), **own)
    assert request.table is not None  # the request holds one of the two
    table = Path(request.table)
    photos = table if table.is_dir() else table.parent
    return Collection(
        observations=read_table(table, TableColumns.parse(tuple(request.columns))),
        photos=FolderPhotos(photos if request.photos is None else Path(request.photos)),
    )


def _own_settings(request: BuildDatasetRequest) -> dict[str, Any]:
    """What is given of the collection's own settings. Raises ConfigError for those of other collections alone."""
    own = {}
    for setting, names in collections_by_setting().items():
        if not request.given(setting):
            continue
        of_chips = setting in _OF_CHIPS
        if request.collection in names:
            own[setting] = getattr(request, setting)
        elif not (of_chips and request.chips is not None):
            needed = f"{'chips or ' if of_chips else ''}the collection {' or '.join(names)}"
            raise ConfigError(f"{setting} can be used with {needed} only; leave it out.", settings=(setting,))
    return own
