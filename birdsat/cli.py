"""The command line: thin verbs. Heavy imports are inside the verbs, so that help answers at once."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import tyro
from tyro.conf import Positional

from birdsat.errors import BirdsatError, InputError

Recipe = Literal[
    "cve_mae_tiny",
    "cve_mae_tiny_without_metadata",
    "mae_tiny",
    "cve_mae_small",
    "cve_mae_base",
    "cve_mae_large",
    "mae_base",
]


def build(
    out: Positional[Path],
    table: Path | None = None,
    photos: Path | None = None,
    cub: Path | None = None,
    crop: bool = False,
    taxa: Path | None = None,
    chips: str | None = None,
    chip_km: float | None = None,
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
    """Build a dataset from a table of observations, or from CUB-200-2011. Started again, it continues.

    Args:
        out: Folder of the new dataset.
        table: CSV or Parquet: taxon, and where known photo, lon, lat, date, split, id, licence, attribution.
        photos: Folder that the table's photo paths start from; the table's own folder by default.
        cub: Folder of CUB-200-2011 in its own layout, in place of a table.
        crop: With --cub: crop each photo to its bounding box.
        taxa: Table of the allowed taxa with genus, family, order; others are dropped and counted.
        chips: Raster of any CRS to cut chips from, table of ready chips (lon, lat, image), or virtual:SEED.
        chip_km: Side of a chip on the ground, kilometres.
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
        licence: Of the dataset as a whole, for the data card.
    """
    from rich.console import Console

    from birdsat.dataset.build import build_dataset
    from birdsat.dataset.card import describe
    from birdsat.dataset.chip_source import open_chips
    from birdsat.dataset.collections.cub import cub_photos, read_cub
    from birdsat.dataset.photo_folder import FolderPhotos
    from birdsat.observations.splits import SplitRule
    from birdsat.observations.tables import TableColumns, read_table, read_taxonomy

    if (table is None) == (cub is None):
        raise InputError("give either --table or --cub: one source of observations.")
    if table is not None:
        rows = read_table(table, TableColumns.parse(columns))
        source = FolderPhotos(photos or table.parent)
    elif cub is not None:
        rows, source = read_cub(cub, crop=crop), cub_photos(cub)
    manifest = build_dataset(
        out,
        rows,
        photos=source,
        chips=None if chips is None else open_chips(chips, ground_km=chip_km, px=chip_px, stretch=stretch),
        taxa=None if taxa is None else read_taxonomy(taxa),
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
        licence=licence,
        sources=tuple(str(part) for part in (table, cub, chips) if part is not None),
        command=_command(),
    )
    Console().print(describe(manifest))


def info(dataset: Positional[Path]) -> None:
    """Say what a dataset holds.

    Args:
        dataset: Folder of the dataset.
    """
    from rich.console import Console

    from birdsat.dataset.card import describe
    from birdsat.dataset.manifest import load_manifest

    Console().print(describe(load_manifest(dataset)))


def check(dataset: Positional[Path], workers: int = 2) -> None:
    """Hash every file of a dataset again, decode every image, and report what is wrong.

    Args:
        dataset: Folder of the dataset.
        workers: Processes.
    """
    from birdsat.dataset.check import check_dataset

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
    chip_km: float = 50.0,
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
        chip_km: Side of a chip on the ground, kilometres.
        chip_px: Side of a chip, pixels.
        block_km: Draw splits as whole blocks of this size.
        workers: Processes.
    """
    from rich.console import Console

    from birdsat.dataset.build import build_dataset
    from birdsat.dataset.card import describe
    from birdsat.observations.splits import SplitRule
    from birdsat.virtual.chips import VirtualChips
    from birdsat.virtual.world import VirtualWorld

    world = VirtualWorld(seed, photo_px=photo_px)
    manifest = build_dataset(
        out,
        world.observations(observations, seed),
        photos=world,
        chips=VirtualChips(seed, ground_km=chip_km, px=chip_px),
        taxa=world.taxonomy,
        splits=SplitRule(block_km=block_km),
        workers=workers,
        seed=seed,
        title=f"Virtual world {seed}",
        licence="CC0-1.0",
        command=_command(),
    )
    Console().print(describe(manifest))


def pretrain(
    dataset: Positional[Path],
    run: Positional[Path],
    recipe: Recipe = "cve_mae_tiny",
    steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    precision: Literal["auto", "32", "bf16"] | None = None,
    workers: int | None = None,
    devices: int | None = None,
    nodes: int | None = None,
    seed: int | None = None,
    start_from: Path | None = None,
    freeze_chips: bool = False,
    resume: bool = False,
) -> None:
    """Learn from a dataset. Ctrl-C saves; --resume continues to the same numbers.

    Args:
        dataset: Folder of the dataset.
        run: Folder of the new run.
        recipe: A complete set of settings; the options below replace single ones.
        steps: Optimiser steps in all.
        batch_size: Samples a step on each device.
        lr: Highest learning rate.
        precision: Of the arithmetic; auto takes bf16 on GPUs that have it.
        workers: Processes that decode images.
        devices: GPUs on each machine; all by default.
        nodes: Machines.
        seed: Of weights, order, augmentation and masks.
        start_from: Run whose weights to start from, where names and sizes match.
        freeze_chips: Keep the chip encoder as it starts: chips are encoded once. Meant for --start-from.
        resume: Continue a run that was stopped.
    """
    from birdsat.dataset.row_groups import Dataset
    from birdsat.recipes.runs import RECIPES, changed, with_frozen_chips
    from birdsat.recipes.verbs import pretrain_and_name_taxa

    config = changed(
        with_frozen_chips(RECIPES[recipe]()) if freeze_chips else RECIPES[recipe](),
        lr=lr,
        steps=steps,
        batch_size=batch_size,
        precision=precision,
        workers=workers,
        devices=devices,
        nodes=nodes,
        seed=seed,
        start_from=start_from,
    )
    pretrain_and_name_taxa(config, Dataset(dataset), run, resume=resume)
    print(f"trained: {run}")


def classify(run: Positional[Path], dataset: Positional[Path], workers: int = 0, per_taxon: bool = False) -> None:
    """Tell taxa apart: linear probe and nearest neighbours on frozen embeddings, with and without metadata.

    Figures are of the test split; they are also written to RUN/classify.json.

    Args:
        run: Folder of the run.
        dataset: Folder of the dataset to classify; its train split is learned from.
        workers: Processes that decode images.
        per_taxon: Print a row for each taxon as well.
    """
    from rich.console import Console

    from birdsat.recipes.verbs import classify_dataset

    report = classify_dataset(run, dataset, workers=workers)
    Console().print(report.table())
    if per_taxon:
        Console().print(report.taxon_table())


def retrieve(run: Positional[Path], dataset: Positional[Path], workers: int = 0) -> None:
    """Find chips for photos and photos for chips, with and without metadata.

    Figures are of the test split; they are also written to RUN/retrieve.json.

    Args:
        run: Folder of the run.
        dataset: Folder of the dataset to search.
        workers: Processes that decode images.
    """
    from rich.console import Console

    from birdsat.recipes.verbs import retrieve_dataset

    Console().print(retrieve_dataset(run, dataset, workers=workers).table())


def map_(
    run: Positional[Path],
    taxon: str,
    box: str,
    imagery: str,
    month: tuple[int, ...] = (6,),
    step: float = 0.25,
    out: Path = Path("maps"),
    points: tuple[Path, ...] = (),
    workers: int = 2,
) -> None:
    """Map where a taxon lives: a Cloud-Optimised GeoTIFF, a band a month, and a picture.

    Args:
        run: Folder of the run.
        taxon: Scientific name, one of `birdsat labels RUN`.
        box: West,south,east,north in degrees; west above east goes over the antimeridian. Write --box=W,S,E,N.
        imagery: Raster of any CRS, table of ready chips, or virtual:SEED.
        month: 1 to 12, one or several.
        step: Side of a cell, degrees.
        out: Folder for the files.
        points: Tables of occurrences or counts of the taxon to draw on top.
        workers: Processes that cut chips.
    """
    from birdsat.earth.box import Box
    from birdsat.earth.grid import Grid
    from birdsat.recipes.verbs import map_taxon

    grid = Grid(Box.parse(box), step)
    files = map_taxon(run, taxon, grid, month, imagery, out=out, points=points, workers=workers)
    print(*files, sep="\n")


def embed(
    run: Positional[Path],
    dataset: Positional[Path],
    out: Positional[Path],
    split: Literal["train", "val", "test"] = "test",
    width: Literal["float32", "float16"] = "float32",
    workers: int = 0,
) -> None:
    """Write the embeddings of a split to a GeoParquet file.

    Args:
        run: Folder of the run.
        dataset: Folder of the dataset.
        out: File to write, .parquet.
        split: Which split.
        width: Of the numbers.
        workers: Processes that decode images.
    """
    from birdsat.recipes.verbs import embed_dataset

    rows = embed_dataset(run, dataset, split, out, width=width, workers=workers)
    print(f"{rows:,} rows: {out}")


def labels(run: Positional[Path]) -> None:
    """List the taxa that a run can map, with the photos behind each.

    Args:
        run: Folder of the run.
    """
    from birdsat.embeddings.taxa import load_taxon_means

    means = load_taxon_means(run)
    for taxon, photos in zip(means.taxa, means.photos, strict=True):
        print(f"{taxon}\t{photos}")


def demo(out: Positional[Path] = Path("runs/demo"), seed: int = 0) -> None:
    """Build a virtual world, learn from it, classify, retrieve and map, and write one page. About ten minutes.

    Args:
        out: Folder for everything that is made.
        seed: Of the world and of the training.
    """
    from birdsat.recipes.demo import demo as run_demo

    run_demo(out, seed=seed)


def data() -> None:
    """Build, describe and check datasets: see `birdsat data --help`."""


DATA_VERBS: dict[str, Callable[..., None]] = {"build": build, "info": info, "check": check, "virtual": virtual}
VERBS: dict[str, Callable[..., None]] = {
    "data": data,
    "pretrain": pretrain,
    "classify": classify,
    "retrieve": retrieve,
    "map": map_,
    "embed": embed,
    "labels": labels,
    "demo": demo,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb. An error of ours is printed in one line, and ends with status 1 (or that of a signal)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == ["data"]:
            tyro.extras.subcommand_cli_from_dict(DATA_VERBS, prog="birdsat data", args=words[1:] or ["--help"])
        else:
            tyro.extras.subcommand_cli_from_dict(
                VERBS,
                prog="birdsat",
                description="Bird species from photos, places and satellite images.",
                args=words or ["--help"],
            )
    except BirdsatError as error:
        print(f"birdsat: {error}", file=sys.stderr)
        raise SystemExit(getattr(error, "exit_code", 1)) from None


def _command() -> str:
    return " ".join(["birdsat", *sys.argv[1:]])
