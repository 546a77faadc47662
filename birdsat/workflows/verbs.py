"""What the verbs do with a finished run: read it, do the work, and write the figures beside it."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.table import EmbeddingTable
from birdsat.embeddings.taxa import save_taxon_means, taxon_means
from birdsat.errors import ConfigError
from birdsat.files import write_atomic
from birdsat.imagery.ground_sizes import size_words, sizes_text
from birdsat.methods.classifier import Inputs
from birdsat.objectives.cross_entropy import Balance
from birdsat.observations.observation import Split
from birdsat.pictures.confusions import confusion_picture
from birdsat.progress import QUIET
from birdsat.recipes.finetune import FINETUNE_RECIPES, started_from
from birdsat.recipes.ours import changed
from birdsat.tasks.classify import FrozenMode, classify
from birdsat.tasks.classify_report import ClassifyReport
from birdsat.tasks.finetuned import evaluate_run
from birdsat.training.config import RunConfig
from birdsat.training.pretrain import pretrain, process_rank
from birdsat.training.run_folder import Run, load_run

CLASSIFY_FILE, CONFUSIONS_FILE = "classify.json", "confusions.png"


def pretrain_and_name_taxa(config: RunConfig, dataset: Dataset, out: Path, *, resume: bool = False) -> Run:
    """Pretrain, then embed the train split once more to give each taxon its mean photo embedding for maps.

    Of several processes that train together, the first does the second half alone, and says where the run lies.
    """
    if config.method.chips_are_frozen and not config.start_from and process_rank() == 0:
        _note("the chip encoder is frozen at random weights; give it learned ones with --start-from.")
    run = pretrain(config, dataset, out, resume=resume)
    if process_rank() == 0:
        if run.method.sees_photos:
            save_taxon_means(taxon_means(embed_rows(run, dataset, "train", workers=config.workers)), run.path)
        print(f"trained: {out}")
    return run


def embed_rows(run: Run, dataset: Dataset, split: Split, *, workers: int = 0) -> EmbeddingTable:
    """Every row of a split through the run's method, with progress.

    Raises ConfigError when the method sees chips and those of the dataset show another size of ground.
    """
    check_ground(run, dataset)
    return embed_split(
        run.method,
        dataset,
        split,
        photo_px=run.photo_px,
        chip_px=run.chip_px,
        workers=workers,
        progress=QUIET,
    )


def check_ground(run: Run, dataset: Dataset) -> None:
    """Raises ConfigError when the run sees chips and those of the dataset show a size of ground it did not learn."""
    learned, given = run.dataset.chip_ground_km, dataset.manifest.chip_ground_km
    if not run.method.sees_chips or not learned or not given:
        return
    if not all(any(math.isclose(one, size) for one in learned) for size in given):
        raise ConfigError(
            f"{run.path} learned from chips of {sizes_text(learned)}, and those of {dataset.folder} show "
            f"{sizes_text(given)}; build the dataset with --chip-km {size_words(learned)}, or take a run that was "
            f"trained on chips of {sizes_text(given)}."
        )


def classify_dataset(
    run_folder: Path, dataset_folder: Path, *, modes: Sequence[FrozenMode] = ("probe", "knn"), workers: int = 0
) -> ClassifyReport:
    """Learn from the train split, choose on val, judge on test; written to RUN/classify.json and confusions.png."""
    run, dataset = load_run(run_folder), Dataset(dataset_folder)
    report = classify(
        embed_rows(run, dataset, "train", workers=workers),
        embed_rows(run, dataset, "val", workers=workers) if dataset.rows("val") else None,
        embed_rows(run, dataset, "test", workers=workers),
        taxa=dataset.manifest.taxa,
        modes=modes,
    )
    write_classification(report, dataset, run_folder)
    return report


def write_classification(report: ClassifyReport, dataset: Dataset, folder: Path) -> None:
    """Write classify.json, and the worst pairs of the best score as confusions.png where anything was mistaken."""
    best = report.best
    picture = confusion_picture(
        best.figures.confusions,
        report.taxa,
        dataset,
        title=f"Mixed up most by {best.classifier} on {best.inputs}, {dataset.manifest.title}",
        names={taxon.name: taxon.common_name for taxon in dataset.manifest.taxa},
    )
    (folder / CONFUSIONS_FILE).unlink(missing_ok=True)
    if picture is not None:
        write_atomic(folder / CONFUSIONS_FILE, picture)
    write_atomic(folder / CLASSIFY_FILE, json.dumps(report.to_dict(), indent=2) + "\n")


def finetune_dataset(
    run_folder: Path,
    dataset_folder: Path,
    *,
    recipe: str = "finetune_tiny",
    out: Path | None = None,
    inputs: Inputs = "photo",
    class_balanced: Balance = "none",
    frozen: bool = False,
    from_scratch: bool = False,
    resume: bool = False,
    **settings: Any,
) -> ClassifyReport | None:
    """Train a classifier from a run, and judge it on test; a run folder of its own, with classify.json.

    out: RUN/finetune-DATASET by default; head-DATASET where frozen, finetune-from-scratch-DATASET from scratch.
    settings: as `recipes.runs.changed` takes them. Of several processes that train together, the first alone judges;
    the others get None. Raises ConfigError when the dataset's chips show another size of ground than the run learned
    from.
    """
    run, dataset = load_run(run_folder), Dataset(dataset_folder)
    if inputs != "photo":
        check_ground(run, dataset)
    config = started_from(
        FINETUNE_RECIPES[recipe](),
        run,
        inputs=inputs,
        class_balanced=class_balanced,
        frozen=frozen,
        from_scratch=from_scratch,
    )
    kind = ("head" if frozen else "finetune") + ("-from-scratch" if from_scratch else "")
    folder = out or run_folder / f"{kind}-{dataset_folder.resolve().name}"
    trained = pretrain_and_name_taxa(changed(config, **settings), dataset, folder, resume=resume)
    if process_rank() != 0:
        return None
    report = evaluate_run(trained, dataset, workers=config.workers, progress=QUIET)
    write_classification(report, dataset, folder)
    return report


def _note(text: str) -> None:
    print(f"birdsat: {text}", file=sys.stderr)
