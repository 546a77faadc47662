"""What a run tells apart: a probe and nearest neighbours on its embeddings, or a classifier trained from it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import check_ground, embed_split
from birdsat.files import write_atomic
from birdsat.methods.classifier import Classifier, ClassifierConfig
from birdsat.methods.inputs import INPUT_WORDS
from birdsat.pictures.confusions import confusion_picture
from birdsat.progress import QUIET, Progress
from birdsat.recipes.finetune import started_from
from birdsat.recipes.registry import recipe
from birdsat.tasks import classify as tasks
from birdsat.tasks.classify_report import ClassifyReport
from birdsat.tasks.finetuned import evaluate_run
from birdsat.tasks.identify.image_scores import save_gallery, save_probe
from birdsat.training.manifest import Asked
from birdsat.training.pretrain import process_rank
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.pretrain import train_and_name_taxa, with_options
from birdsat.workflows.requests.tasks import ClassifyRequest, FrozenMode

CLASSIFY_FILE, CONFUSIONS_FILE = "classify.json", "confusions.png"
_FINETUNE_RECIPE = "finetune_tiny"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifyResult:
    """Figures of the test split, of frozen embeddings, of a trained classifier, or of both."""

    reports: tuple[ClassifyReport, ...]  # none in all but the first of several processes that train together
    folders: tuple[Path, ...]  # of each report: the run's, or the classifier's own
    per_taxon: bool  # whether a row for each taxon is to be shown as well

    @property
    def files(self) -> tuple[Path, ...]:
        """Figures, and pictures where anything was mistaken."""
        paths = [folder / name for folder in self.folders for name in (CLASSIFY_FILE, CONFUSIONS_FILE)]
        return tuple(path for path in paths if path.is_file())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        pairs = zip(self.folders, self.reports, strict=True)
        return {
            "reports": [{"folder": str(folder)} | report.to_dict() for folder, report in pairs],
            "files": list(map(str, self.files)),
        }


def classify(request: ClassifyRequest, progress: Progress = QUIET) -> ClassifyResult:
    """Classify by the modes asked for, and write the figures beside the weights that they are of."""
    run, dataset = load_run(Path(request.run)), Dataset(Path(request.dataset))
    reports, folders = [], []
    frozen: list[FrozenMode] = [mode for mode in request.mode if mode != "finetune"]
    if frozen:
        reports.append(classify_frozen(run, dataset, frozen, workers=request.workers or 0, progress=progress))
        folders.append(run.path)
    if "finetune" in request.mode:
        trained = finetune(run, dataset, request, progress)
        if process_rank() == 0:
            report = evaluate_run(trained, dataset, workers=trained.config.workers, progress=progress)
            write_classification(report, dataset, trained.path)
            reports.append(report)
            folders.append(trained.path)
    return ClassifyResult(reports=tuple(reports), folders=tuple(folders), per_taxon=request.per_taxon)


def classify_frozen(
    run: Run, dataset: Dataset, modes: Sequence[FrozenMode], *, workers: int = 0, progress: Progress = QUIET
) -> ClassifyReport:
    """Learn from the train split, choose on val, measure on test; written to the run's folder.

    What names photos later is kept there as well: the probe on photos alone, and what training photos are like.
    """
    train = embed_split(run, dataset, "train", workers=workers, progress=progress)
    if not isinstance(run.method, Classifier):  # which names photos itself, by other features
        seen = train.has_photo
        save_gallery(run.path, train.taxa, train.photo[seen], train.labels[seen])
    report = tasks.classify(
        train,
        embed_split(run, dataset, "val", workers=workers, progress=progress) if dataset.rows("val") else None,
        embed_split(run, dataset, "test", workers=workers, progress=progress),
        taxa=dataset.manifest.taxa,
        modes=modes,
        keep=None
        if isinstance(run.method, Classifier)
        else lambda standardise, probe: save_probe(run.path, train.taxa, standardise, probe),
    )
    write_classification(report, dataset, run.path)
    return report


def finetune(run: Run, dataset: Dataset, request: ClassifyRequest, progress: Progress = QUIET) -> Run:
    """Train a classifier from the run, into a folder of its own.

    That is RUN/finetune-DATASET by default; head-DATASET where frozen, finetune-from-scratch-DATASET from scratch.
    Raises ConfigError when chips are looked at and the dataset's show another size of ground than the run learned from.
    """
    config = started_from(
        recipe(request.recipe or _FINETUNE_RECIPE),
        run,
        inputs=request.inputs,
        class_balanced=request.class_balanced,
        frozen=request.frozen,
        from_scratch=request.from_scratch,
    )
    config = with_options(config, request)
    if config.method.chip_px is not None:
        check_ground(run, dataset)
    head_alone = isinstance(config.method, ClassifierConfig) and config.method.frozen
    kind = ("head" if head_alone else "finetune") + ("-from-scratch" if request.from_scratch else "")
    folder = Path(request.out) if request.out else run.path / f"{kind}-{dataset.folder.resolve().name}"
    asked = Asked(command=request.command("classify"), recipe=request.recipe or _FINETUNE_RECIPE)
    return train_and_name_taxa(config, dataset, folder, resume=request.resume, asked=asked, progress=progress)


def write_classification(report: ClassifyReport, dataset: Dataset, folder: Path) -> None:
    """Write classify.json, and the worst pairs of the best score as confusions.png where anything was mistaken."""
    best = report.best
    picture = confusion_picture(
        best.figures.confusions,
        report.taxa,
        dataset,
        title=f"Mixed up most by {best.classifier} on {INPUT_WORDS[best.inputs]}, {dataset.manifest.title}",
        names={taxon.name: taxon.common_name for taxon in dataset.manifest.taxa},
    )
    (folder / CONFUSIONS_FILE).unlink(missing_ok=True)
    if picture is not None:
        write_atomic(folder / CONFUSIONS_FILE, picture)
    write_atomic(folder / CLASSIFY_FILE, json.dumps(report.to_dict(), indent=2) + "\n")
