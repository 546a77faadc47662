"""A trained classifier evaluated on the test split, with its temperature fitted on val."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.dataset.read import read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.inference import inference
from birdsat.errors import CheckpointError, DatasetError
from birdsat.methods.classifier import Classifier, ClassifierConfig
from birdsat.observations.observation import Split
from birdsat.progress import QUIET, Progress
from birdsat.tasks.classify import report_of
from birdsat.tasks.classify_figures import evaluate_scores
from birdsat.tasks.classify_report import ClassifierName, ClassifyReport, ClassifyScore
from birdsat.training.run_folder import MODEL_FILE, Run, replace_weights

_BATCH = 256  # photos at once


def evaluate_run(run: Run, dataset: Dataset, *, workers: int = 0, progress: Progress = QUIET) -> ClassifyReport:
    """Figures of a classifier's run on the test split of a dataset of its taxa.

    A temperature that is fitted on the val split of the run's own dataset is kept in its weights, for its
    probabilities. Raises CheckpointError when the run is not a classifier or one of other taxa, and DatasetError when
    the test split has no photo.
    """
    method = run.method
    if not isinstance(method, Classifier):
        raise CheckpointError(
            f"{run.path} is a {type(method).__name__}, which names no taxa; train a classifier from it: "
            "mode finetune of `birdsat classify`."
        )
    config = method.config
    if config.taxa != dataset.taxa:
        raise CheckpointError(
            f"{run.path} tells {len(config.taxa):,} taxa apart, which are not the {len(dataset.taxa):,} of "
            f"{dataset.folder}; fine-tune it on that dataset, or evaluate it on one of its own taxa."
        )
    splits: tuple[Split, ...] = ("val", "test")
    val, test = (_logits(run, method, dataset, split, workers, progress) for split in splits)
    if len(test.labels) == 0:
        raise DatasetError("split 'test' has no photos to classify; build the dataset with some.")
    figures = evaluate_scores(
        test.logits,
        test.labels,
        dataset.manifest.taxa,
        rows=test.rows,
        val=(val.logits, val.labels) if len(val.labels) else None,
    )
    temperature = figures.calibration.temperature
    if temperature is not None and dataset.manifest.fingerprint == run.dataset.fingerprint:
        method.temperature.fill_(temperature)
        replace_weights(method, run.path / MODEL_FILE)
    score = ClassifyScore(classifier=_name(run, config), inputs=config.inputs, c=None, figures=figures, told_apart=None)
    learned = np.repeat(np.arange(len(config.taxa)), config.class_counts)
    left_out = dataset.rows("test") - len(test.labels)
    return report_of([score], config.taxa, learned, test.labels, left_out=left_out)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scored:
    logits: NDArray[np.float32]  # (n, taxa) of the n rows of a split that have a photo
    labels: NDArray[np.int64]  # (n,)
    rows: NDArray[np.int64]  # (n,) numbers within the split


def _logits(run: Run, method: Classifier, dataset: Dataset, split: Split, workers: int, progress: Progress) -> _Scored:
    taxa = len(dataset.taxa)
    logits, labels, rows = [np.empty((0, taxa), np.float32)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    batches = read_split(dataset, split, batch_size=_BATCH, photo_px=run.photo_px, chip_px=run.chip_px, workers=workers)
    with progress.bar(f"classifying {split}", dataset.rows(split)) as bar:
        for batch in batches:
            with inference(method) as where:
                said = method.logits(batch.to(where, non_blocking=True)).float().cpu().numpy()
            seen = batch.has_photo.numpy()
            logits.append(said[seen])
            labels.append(batch.label.numpy()[seen])
            rows.append(batch.row.numpy()[seen])
            bar.advance(len(batch))
    return _Scored(logits=np.concatenate(logits), labels=np.concatenate(labels), rows=np.concatenate(rows))


def _name(run: Run, config: ClassifierConfig) -> ClassifierName:
    if config.frozen:
        return "head on frozen features" if run.config.start_from else "head on random features"
    return "fine-tuned" if run.config.start_from else "supervised from scratch"
