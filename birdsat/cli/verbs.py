"""The verbs that train a method, and what it is then good for."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from birdsat.cli.options import given
from birdsat.errors import ConfigError

Recipe = Literal[
    "cve_mae_tiny",
    "cve_mae_tiny_without_metadata",
    "cvm_mae_tiny",
    "cvm_mae_tiny_without_metadata",
    "mae_tiny",
    "mae_tiny_with_metadata",
    "mae_chips_tiny",
    "moco_geo_tiny",
    "moco_tiny",
    "cve_mae_small",
    "cve_mae_base",
    "cve_mae_large",
    "mae_base",
    "cve_mae_paper_tiny",
    "cvm_mae_paper_tiny",
    "cve_mae_paper",
    "cve_mae_paper_without_metadata",
    "cvm_mae_paper",
    "cvm_mae_paper_without_metadata",
    "mae_paper",
    "mae_chips_paper",
    "moco_geo_paper",
]
Mode = Literal["probe", "knn", "finetune"]
FinetuneRecipe = Literal["finetune_tiny", "finetune_base"]
_INPUTS = {"photo": "photo", "chip": "photo + chip", "metadata": "photo + chip, place, date"}


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
    start_from: tuple[Path, ...] = (),
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
        start_from: Runs whose weights to start from, such as one of mae and one of mae on chips.
        freeze_chips: Keep the chip encoder as it starts: chips are encoded once. Meant for --start-from.
        resume: Continue a run that was stopped.
    """
    from birdsat.dataset.row_groups import Dataset
    from birdsat.recipes.ours import changed, with_frozen_chips
    from birdsat.recipes.registry import RECIPES
    from birdsat.workflows.verbs import pretrain_and_name_taxa

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
        start_from=start_from or None,
    )
    pretrain_and_name_taxa(config, Dataset(dataset), run, resume=resume)


def classify(
    run: Positional[Path],
    dataset: Positional[Path],
    mode: tuple[Mode, ...] = ("probe", "knn"),
    recipe: FinetuneRecipe | None = None,
    inputs: Literal["photo", "chip", "metadata"] | None = None,
    class_balanced: Literal["inverse-root", "effective-number"] | None = None,
    frozen: bool = False,
    from_scratch: bool = False,
    steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    precision: Literal["auto", "32", "bf16"] | None = None,
    devices: int | None = None,
    nodes: int | None = None,
    seed: int | None = None,
    out: Path | None = None,
    resume: bool = False,
    workers: int | None = None,
    per_taxon: bool = False,
) -> None:
    """Tell taxa apart: linear probe and nearest neighbours on frozen embeddings, or a classifier trained from the run.

    Figures are of the test split; they are also written to RUN/classify.json and the worst pairs to RUN/confusions.png,
    of a trained classifier to its own folder. It is a run that every verb takes, --mode finetune as well.

    Args:
        run: Folder of the run.
        dataset: Folder of the dataset to classify; its train split is learned from.
        mode: One or several. finetune trains the encoder on; the options from here to --resume are about it.
        recipe: A complete set of settings of finetune; finetune_tiny by default.
        inputs: What finetune looks at: photo alone (the default); the chip as well; or chip, place and date (metadata).
            Rows may lack any of them.
        class_balanced: Weights of taxa in the loss, by their training photos.
        frozen: Train the head alone.
        from_scratch: Start from random weights: the supervised transformer of the same size.
        steps: Optimiser steps in all.
        batch_size: Photos a step on each device.
        lr: Highest learning rate.
        precision: Of the arithmetic; auto takes bf16 on GPUs that have it.
        devices: GPUs on each machine; all by default.
        nodes: Machines.
        seed: Of the head's weights, order and augmentation.
        out: Folder of the classifier's run; RUN/finetune-DATASET by default.
        resume: Continue a classifier that was stopped, or judge one that is finished.
        workers: Processes that decode images.
        per_taxon: Print a row for each taxon as well.
    """
    from birdsat.cli.console import print_table
    from birdsat.workflows.verbs import classify_dataset, finetune_dataset

    asked = given(
        recipe=recipe,
        inputs=inputs and _INPUTS[inputs],
        class_balanced=class_balanced and class_balanced.replace("-", " "),
        frozen=frozen,
        from_scratch=from_scratch,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        precision=precision,
        devices=devices,
        nodes=nodes,
        seed=seed,
        out=out,
        resume=resume,
    )
    if asked and "finetune" not in mode:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise ConfigError(f"{options} can be used with --mode finetune only; add it, or leave the options out.")
    if not mode:
        raise ConfigError("--mode names nothing; allowed: probe, knn, finetune, one or several.")
    frozen_modes: list[Literal["probe", "knn"]] = [name for name in mode if name != "finetune"]
    reports = [classify_dataset(run, dataset, modes=frozen_modes, workers=workers or 0)] if frozen_modes else []
    if "finetune" in mode:
        made = finetune_dataset(run, dataset, **asked, **given(workers=workers))
        reports += [] if made is None else [made]
    for report in reports:
        print_table(report.table())
        if per_taxon:
            best = report.best
            print_table(report.taxon_table(best.classifier, best.inputs))


def retrieve(
    run: Positional[Path],
    dataset: Positional[Path],
    rerank: Path | None = None,
    shortlist: int | None = None,
    protocol: Literal["ours", "paper"] = "ours",
    queries: int | None = None,
    search: Literal["auto", "exact", "faiss"] = "auto",
    workers: int = 0,
) -> None:
    """Find chips for photos and photos for chips, with and without metadata.

    Figures are of the test split; they are also written to RUN/retrieve.json, with a picture in RUN/retrieve.png.

    Args:
        run: Folder of the run that makes the embeddings.
        dataset: Folder of the dataset to search.
        rerank: Run of cvm_mae that puts the first answers in its own order; RUN itself where it is one.
        shortlist: How many answers it orders; by default 100, or 50 by the paper's protocol.
        protocol: What is asked and what counts; "paper" takes chips as queries and any photo of the species as a hit.
        queries: Ask only so many rows, drawn at random; all by default.
        search: "auto" is exact up to a million rows and beyond takes faiss, whose recall it reports.
        workers: Processes that decode images.
    """
    from birdsat.cli.console import print_table
    from birdsat.workflows.retrieve import retrieve_dataset

    report = retrieve_dataset(
        run,
        dataset,
        rerank=rerank,
        shortlist=shortlist,
        protocol=protocol,
        queries=queries,
        how=search,
        workers=workers,
    )
    print_table(report.table())


def labels(run: Positional[Path]) -> None:
    """List the taxa that a run can map, with the photos behind each.

    Args:
        run: Folder of the run.
    """
    from birdsat.embeddings.taxa import load_taxon_means

    means = load_taxon_means(run)
    for taxon, photos in zip(means.taxa, means.photos, strict=True):
        print(f"{taxon}\t{photos}")
