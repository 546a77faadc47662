"""The verbs of `birdsat data`."""

import shlex
from contextvars import ContextVar
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from birdsat.cli.options import box_of
from birdsat.errors import ConfigError, InputError

CollectionName = Literal["birdsat_release", "cub", "image_folder", "inat2021", "nabirds"]
words: ContextVar[tuple[str, ...]] = ContextVar("words", default=())  # of the command that runs, for data cards


def build(
    out: Positional[Path],
    table: Path | None = None,
    photos: Path | None = None,
    collection: CollectionName | None = None,
    folder: Path | None = None,
    crop: bool = False,
    level: Literal["category", "species"] | None = None,
    mini: bool = False,
    max_uncertainty_km: float | None = None,
    taxa: Path | None = None,
    chips: str | None = None,
    chip_km: tuple[float, ...] = (),
    chip_px: int = 64,
    stretch: tuple[float, float] | None = None,
    photo_px: int | None = None,
    val_fraction: float = 0.1,
    test_fraction: float = 0.1,
    block_km: float | None = None,
    ignore_source_split: bool = False,
    columns: tuple[str, ...] = (),
    workers: int = 2,
    seed: int = 0,
    title: str = "",
    licence: str = "",
) -> None:
    """Build a dataset from a table of observations, or from a published collection. Started again, it continues.

    Args:
        out: Folder of the new dataset.
        table: CSV or Parquet: taxon, and where known photo, lon, lat, date, split, id, licence, attribution.
        photos: Folder that the table's photo paths start from; the table's own folder by default.
        collection: What lies in --folder in its own layout, in place of a table; docs/collections.md has each.
        folder: Folder of the collection.
        crop: Crop each photo to its bounding box. Of cub and nabirds.
        level: What a taxon of nabirds is: a visual category (the default) or its species.
        mini: Take train_mini.json of inat2021 in place of train.json.
        max_uncertainty_km: Leave out places that are uncertain by more. inat2021: 10 by default; birdsat_release: inf.
        taxa: Table of the allowed taxa with genus, family, order; others are dropped and counted.
        chips: Raster of any CRS to cut chips from, table of ready chips (lon, lat, image), or virtual:SEED.
        chip_km: Side of a chip on the ground, kilometres; with several, each place has a chip of one of them, drawn by
            where it is. Of birdsat_release: 10 m a pixel by default.
        chip_px: Side of a chip cut from a raster, pixels.
        stretch: Values of a raster that is not 8-bit which become black and white, such as 0 3000.
        photo_px: Shrink photos whose shorter side is longer than this.
        val_fraction: Share drawn for val; of the source's train split where it brings train and test only.
        test_fraction: Share drawn for test where the source brings no split.
        block_km: Draw whole blocks of this size, so that neighbours do not fall into train and test.
        ignore_source_split: Draw splits even where the source brings its own.
        columns: Names of columns that are not found by themselves, as taxon=NAME lon=X lat=Y.
        workers: Processes.
        seed: Of the draw of splits.
        title: For the data card.
        licence: Of the dataset as a whole, for the data card; by default the collection's.
    """
    from birdsat.cli.console import print_table
    from birdsat.dataset.build import build_dataset
    from birdsat.dataset.card import describe, summary
    from birdsat.dataset.collections.collection import Collection
    from birdsat.dataset.collections.registry import open_collection
    from birdsat.imagery.open_imagery import open_imagery
    from birdsat.imagery.photo_folder import FolderPhotos
    from birdsat.observations.readers.tables import TableColumns, read_table, read_taxonomy
    from birdsat.observations.splits import SplitRule

    if (table is None) == (collection is None):
        raise InputError("give either --table or --collection: one source of observations.")
    if (collection is None) != (folder is None):
        raise InputError("--collection and --folder go together: a collection's name, and where it lies.")
    own = {"crop": crop, "level": level, "mini": mini, "max_uncertainty_km": max_uncertainty_km}
    _refuse("--collection", collection is None, **own)
    _refuse("--table", table is None, photos=photos, columns=columns)
    _refuse("--chips", chips is None, stretch=stretch, chip_km=() if collection == "birdsat_release" else chip_km)
    if table is not None:
        rows = read_table(table, TableColumns.parse(columns))
        opened = Collection(observations=rows, photos=FolderPhotos(photos or table.parent))
    elif collection is not None and folder is not None:
        if collection == "birdsat_release" and len(chip_km) > 1:
            raise ConfigError("the chips of birdsat_release are of one ground size; give one --chip-km.")
        own_km = chip_km[0] if collection == "birdsat_release" and chip_km else None
        opened = open_collection(collection, folder, **own, chip_km=own_km)
    if chips is not None and opened.chips is not None:
        raise ConfigError(f"--chips cannot be used with --collection {collection}, which brings its own; leave it out.")
    manifest = build_dataset(
        out,
        opened.observations,
        photos=opened.photos,
        chips=opened.chips
        if chips is None
        else open_imagery(chips).chips(ground_km=chip_km, px=chip_px, stretch=stretch),
        taxa=opened.taxa if taxa is None else read_taxonomy(taxa).filled_from(opened.taxa),
        splits=SplitRule(
            val_fraction=val_fraction,
            test_fraction=test_fraction,
            keep_source=not ignore_source_split,
            block_km=block_km,
        ),
        photo_px=photo_px,
        workers=workers,
        seed=seed,
        title=title or out.name,
        licence=licence or opened.licence,
        sources=tuple(str(part) for part in (table, folder, chips) if part is not None),
        command=_command(),
        published=opened.published,
    )
    print(summary(manifest))
    for described in describe(manifest):
        print_table(described)


def info(dataset: Positional[Path]) -> None:
    """Say what a dataset holds.

    Args:
        dataset: Folder of the dataset.
    """
    from birdsat.cli.console import print_table
    from birdsat.dataset.card import describe, summary
    from birdsat.dataset.manifest import load_manifest

    manifest = load_manifest(dataset)
    print(summary(manifest))
    for described in describe(manifest):
        print_table(described)


def check(dataset: Positional[Path], workers: int = 2) -> None:
    """Hash every file of a dataset again, decode every image, and report what is wrong. Of a region, hash the files.

    Args:
        dataset: Folder of the dataset, or of a region.
        workers: Processes.
    """
    from birdsat.dataset.check import check_dataset
    from birdsat.embeddings.regions.manifest import REGION_FILE

    if (dataset / REGION_FILE).is_file():
        from birdsat.embeddings.regions.region import open_region

        region = open_region(dataset)
        region.check_files()
        print(f"{len(region.manifest.parts):,} parts, {len(region):,} cells: as they were written")
        return
    report = check_dataset(dataset, workers=workers)
    print(
        f"{report.shards:,} shards, {report.rows:,} rows; decoded {report.photos:,} photos and {report.chips:,} chips"
    )
    print(*report.problems, f"{report.problem_count:,} problems", sep="\n")
    if not report.ok:
        raise SystemExit(1)


def virtual(
    out: Positional[Path],
    observations: int = 6000,
    seed: int = 0,
    photo_px: int = 64,
    chip_km: tuple[float, ...] = (50.0,),
    chip_px: int = 32,
    block_km: float | None = None,
    workers: int = 2,
) -> None:
    """Build a dataset of the virtual world, whose birds, ranges and imagery are all known.

    Args:
        out: Folder of the new dataset.
        observations: How many.
        seed: Of the world and its observations.
        photo_px: Side of a photo, pixels.
        chip_km: Side of a chip on the ground, kilometres; with several, each place has a chip of one of them, drawn by
            where it is.
        chip_px: Side of a chip, pixels.
        block_km: Draw splits as whole blocks of this size.
        workers: Processes.
    """
    from birdsat.cli.console import print_table
    from birdsat.dataset.build import build_dataset
    from birdsat.dataset.card import describe, summary
    from birdsat.imagery.virtual_imagery import virtual_imagery
    from birdsat.observations.splits import SplitRule
    from birdsat.virtual.world import VirtualWorld

    world = VirtualWorld(seed, photo_px=photo_px)
    manifest = build_dataset(
        out,
        world.observations(observations, seed),
        photos=world,
        chips=virtual_imagery(seed).chips(ground_km=chip_km, px=chip_px),
        taxa=world.taxonomy,
        splits=SplitRule(block_km=block_km),
        workers=workers,
        seed=seed,
        title=f"Virtual world {seed}",
        licence="CC0-1.0",
        command=_command(),
    )
    print(summary(manifest))
    for described in describe(manifest):
        print_table(described)


def chips(
    out: Positional[Path],
    imagery: str,
    chip_km: tuple[float, ...],
    count: int = 10_000,
    chip_px: int = 64,
    stretch: tuple[float, float] | None = None,
    box: str = "-180,-90,180,90",
    land_only: bool = False,
    val_fraction: float = 0.1,
    block_km: float = 1000.0,
    workers: int = 2,
    seed: int = 0,
    title: str = "",
    licence: str = "",
) -> None:
    """Build chips of random places, without birds, to pretrain a chip encoder on. Started again, it continues.

    Args:
        out: Folder of the new dataset.
        imagery: Raster of any CRS to cut chips from, or virtual:SEED.
        chip_km: Side of a chip on the ground, kilometres; with several, each place has a chip of one of them, drawn by
            where it is.
        count: How many. A place without imagery is counted, and another drawn in its stead.
        chip_px: Side of a chip, pixels.
        stretch: Values of a raster that is not 8-bit which become black and white, such as 0 3000.
        box: West,south,east,north in degrees; the world by default. Write --box=W,S,E,N.
        land_only: Draw places on land only.
        val_fraction: Share of blocks drawn for val.
        block_km: Side of these blocks.
        workers: Processes.
        seed: Of the draw of places and splits.
        title: For the data card.
        licence: Of the imagery, for the data card.
    """
    from birdsat.cli.console import print_table
    from birdsat.dataset.build import build_dataset
    from birdsat.dataset.card import describe, summary
    from birdsat.dataset.random_places import NoPhotos, random_places
    from birdsat.imagery.open_imagery import open_imagery
    from birdsat.observations.splits import SplitRule

    opened = open_imagery(imagery)
    if opened.is_table:
        raise InputError(f"{imagery} is a table of chips at places of its own; give a raster to cut chips from.")
    source = opened.chips(ground_km=chip_km, px=chip_px, stretch=stretch)
    land = opened.land.contains if land_only else None
    manifest = build_dataset(
        out,
        random_places(count, box_of(box), chips=source, land=land, seed=seed),
        photos=NoPhotos(),
        chips=source,
        splits=SplitRule(val_fraction=val_fraction, test_fraction=0, block_km=block_km),
        workers=workers,
        seed=seed,
        title=title or out.name,
        licence=licence,
        sources=(imagery,),
        command=_command(),
    )
    print(summary(manifest))
    for described in describe(manifest):
        print_table(described)


def _refuse(needed: str, absent: bool, **options: object) -> None:
    """Options that would be passed over without a word, because they are about another one that is not given."""
    given = [
        f"--{name.replace('_', '-')}"
        for name, value in options.items()
        if value is not None and value is not False and value != ()
    ]
    if absent and given:
        raise ConfigError(f"{' and '.join(given)} can be used with {needed} only; give {needed}, or leave it out.")


def _command() -> str:
    return shlex.join(["birdsat", *words.get()])
