"""Fits all that `birdsat identify` needs to a run and a dataset of its taxa, and keeps it in the run."""

import numpy as np

from birdsat.dataset.row_groups import Dataset
from birdsat.progress import QUIET, Progress
from birdsat.tasks.identify.fit import LEAST_ROWS, Fitted, fit_identify, held_out_rows, learn, of_known_taxa
from birdsat.tasks.identify.image_scores import (
    GALLERY_FILE,
    Kind,
    open_scores,
    save_gallery,
)
from birdsat.tasks.identify.kept import save_fitted, scores_fingerprint
from birdsat.tasks.identify.place_date import PlaceDate
from birdsat.tasks.identify.seen import SeenRows, see_split
from birdsat.tasks.identify.taxon_groups import taxon_groups
from birdsat.training.run_folder import Run


def fit_run(
    run: Run,
    dataset: Dataset,
    *,
    scores: Kind | str = "best",
    place_date: PlaceDate | None = None,
    months: bool = True,
    train: SeenRows | None = None,
    val: SeenRows | None = None,
    workers: int = 0,
    progress: Progress = QUIET,
) -> Fitted:
    """place_date: of the scores' taxa, fitted beside the image alone: by the place, and, where `months` is set and
    photos have dates, by both. train, val: their photos where they were
    looked at already. Written to the run's folder: identify.json and what belongs to it.

    Raises DatasetError where no photos can be held out, see `held_out_rows`, or where these are at places of which
    nothing is known.
    """
    kind, image = open_scores(run, scores)  # type: ignore[arg-type]
    train = see_split(run, dataset, "train", workers=workers, progress=progress) if train is None else train
    val = see_split(run, dataset, "val", workers=workers, progress=progress) if val is None else val
    train, val = (of_known_taxa(rows, dataset.taxa, image.taxa) for rows in (train, val))
    groups = taxon_groups(image.taxa, dataset.manifest.taxa)
    held_out = held_out_rows(kind, image, train, val, progress)
    if kind == "classifier" or not (run.path / GALLERY_FILE).is_file():
        save_gallery(run.path, image.taxa, train.seen.features, train.labels)
    fitted = fit_identify(
        kind, scores_fingerprint(run, kind), image, groups, train, held_out, dataset.manifest.fingerprint
    )
    if place_date is not None:
        learned = [learn(groups, held_out, place_date, dated=False)]
        if months and np.isfinite(held_out.when).sum() >= LEAST_ROWS:
            learned.append(learn(groups, held_out, place_date))
        fitted = fitted.with_priors(learned)
    save_fitted(run.path, fitted)
    return fitted
