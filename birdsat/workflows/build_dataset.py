"""From a table of observations, or a published collection, to a dataset."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from birdsat.dataset.build import build_dataset as build_shards
from birdsat.dataset.collections.collection import Collection
from birdsat.dataset.collections.registry import collections_by_setting, open_collection
from birdsat.dataset.description import Description
from birdsat.errors import ConfigError, about
from birdsat.imagery.open_imagery import open_imagery
from birdsat.imagery.parquet_images import TablePhotos
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.imagery.sources import ChipSource, ObservationChips, PhotoSource
from birdsat.observations.curation import Remark
from birdsat.observations.observation import NO_BIRD, Observation
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.image_cells import image_column
from birdsat.observations.readers.tables import read_table, read_taxonomy
from birdsat.observations.splits import SplitRule
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.observations.taxonomy import Taxon, Taxonomy
from birdsat.progress import QUIET, Progress
from birdsat.workflows.describe_dataset import DatasetResult
from birdsat.workflows.name_lists import open_crosswalk
from birdsat.workflows.requests.datasets import BuildDatasetRequest
from birdsat.workflows.requests.request import AnyPath

_OF_CHIPS = ("chip_km",)  # what chips that are cut need as well as some collections that bring theirs


def build_dataset(request: BuildDatasetRequest, progress: Progress = QUIET) -> DatasetResult:
    """Build the dataset, or finish one that was stopped.

    Raises ConfigError for settings that nothing would read, InputError for input that cannot be used, DatasetError
    where the folder holds something else.
    """
    out, own = Path(request.out), _own_settings(request)
    crosswalk = open_crosswalk(request)
    opened = _open(request, own, crosswalk)
    chips: ChipSource | ObservationChips | None = opened.chips
    if request.chips is not None:
        if chips is not None:
            raise ConfigError(
                f"the collection {request.collection} brings chips of its own; leave chips out.", settings=("chips",)
            )
        with about("chips"):
            imagery = open_imagery(request.chips)
            chips = imagery.chips(
                ground_km=request.chip_km, px=request.chip_px, bands=request.bands, stretch=request.stretch
            )
    manifest = build_shards(
        out,
        opened.observations,
        photos=opened.photos,
        chips=chips,
        taxa=opened.taxa if request.taxa is None else _allowed(request.taxa, crosswalk).filled_from(opened.taxa),
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
            named_by="" if crosswalk is None else crosswalk.described_as,
            taxa=None if crosswalk is None else crosswalk.described(request.language),
        ),
        workers=request.workers,
        progress=progress,
    )
    return DatasetResult(folder=out, manifest=manifest)


def _open(request: BuildDatasetRequest, own: dict[str, Any], crosswalk: Crosswalk | None) -> Collection:
    if request.collection is not None and request.folder is not None:
        opened = open_collection(request.collection, Path(request.folder), **own)
        if crosswalk is None:
            return opened
        taxa = None if opened.taxa is None else _renamed_taxa(opened.taxa, crosswalk)
        return replace(opened, observations=_renamed(opened.observations, crosswalk), taxa=taxa)
    assert request.table is not None  # the request holds one of the two
    table = Path(request.table)
    columns = TableColumns.parse(tuple(request.columns))
    beside = table if table.is_dir() else table.parent
    root = beside if request.photos is None else Path(request.photos)
    photos: PhotoSource = FolderPhotos(root)
    pictures = image_column(table, columns.photo)
    if pictures is not None:
        columns, photos = replace(columns, photo=pictures), TablePhotos(table, pictures, root)
    return Collection(observations=read_table(table, columns, taxa=crosswalk, crs=request.crs), photos=photos)


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


def _renamed(rows: Iterable[Observation | Remark], crosswalk: Crosswalk) -> Iterator[Observation | Remark]:
    """Observations of a collection under the names of the list."""
    for row in rows:
        if isinstance(row, Remark) or row.taxon == NO_BIRD:
            yield row
            continue
        read = crosswalk.read_name(row.taxon)
        if read.species is not None and row.place is not None and crosswalk.is_several(read.species):
            read = crosswalk.tell_apart(read.species, np.array([[row.place.lon, row.place.lat]]))[0] or read
        if read.species is None:  # a class of the collection that is not one species
            yield row
            continue
        if read.note:
            yield Remark(row=row.id, reason=read.note, detail=row.taxon, kept=True)
        yield replace(row, taxon=read.species)


def _allowed(table: AnyPath, crosswalk: Crosswalk | None) -> Taxonomy:
    """The taxa of a table of allowed ones."""
    allowed = read_taxonomy(Path(table))
    return allowed if crosswalk is None else _renamed_taxa(allowed, crosswalk)


def _renamed_taxa(taxa: Taxonomy, crosswalk: Crosswalk) -> Taxonomy:
    """A list of allowed taxa under the names of the list; the first of two that are one there counts."""
    found: dict[str, Taxon] = {}
    for taxon in taxa:
        name = crosswalk.read_name(taxon.name).species or taxon.name
        genus = taxon.genus if name == taxon.name else ""
        found.setdefault(name, replace(taxon, name=name, genus=genus))
    return Taxonomy(found.values())
