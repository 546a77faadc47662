"""What naming photos is worth: fitted on held-out photos, measured on the test photos of a dataset."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.photo_files import photo_views
from birdsat.errors import DatasetError, InputError
from birdsat.files import write_atomic
from birdsat.imagery.photo_files import find_photos
from birdsat.progress import QUIET, Progress
from birdsat.tasks.identify.answers import Answers
from birdsat.tasks.identify.figures import WayFigures, way_figures
from birdsat.tasks.identify.fit import Fitted, of_known_taxa
from birdsat.tasks.identify.fit_run import fit_run
from birdsat.tasks.identify.gate import separation
from birdsat.tasks.identify.identifier import RunIdentifier
from birdsat.tasks.identify.image_scores import ImageScores, open_scores
from birdsat.tasks.identify.kept_out import KeptOutFigures, kept_out_figures
from birdsat.tasks.identify.report import GateFigures, IdentifyReport
from birdsat.tasks.identify.seen import Seen, SeenRows, joined, see, see_split
from birdsat.tasks.identify.strangers import make_strangers
from birdsat.tasks.identify.taxon_groups import same_birds
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.open_identifier import identifier_of, open_place_date
from birdsat.workflows.reported import Reported
from birdsat.workflows.requests.identify import EvaluateIdentifyRequest

FIGURES_FILE = "evaluate_identify.json"
_STRANGERS = 300  # drawn of each kind
_BLOCK_DEGREES = 10

IMAGE, PLACE, PLACE_MONTH = "image", "image and place", "image, place and month"


class EvaluateIdentifyResult(Reported[IdentifyReport]):
    """Figures, and the file that they are in."""


def evaluate_identify(request: EvaluateIdentifyRequest, progress: Progress = QUIET) -> EvaluateIdentifyResult:
    """Fit, measure, and write both into the run's folder.

    What was taught beside the run has no part. Raises DatasetError where no photo can be held out, or none of the test
    photos is of a taxon that the run knows.
    """
    request = replace(request, taught=False)
    run, dataset = load_run(Path(request.run)), Dataset(Path(request.dataset))
    kind, scores = open_scores(run, request.scores)
    place_date = open_place_date(run, request)
    train, val, test = (
        see_split(run, dataset, split, workers=request.workers, progress=progress) for split in ("train", "val", "test")
    )
    fitted = fit_run(
        run,
        dataset,
        scores=kind,
        place_date=place_date,
        months=request.months,
        train=train,
        val=val,
        workers=request.workers,
        progress=progress,
    )
    identifier = identifier_of(run, request, place_date)
    known = of_known_taxa(test, dataset.taxa, scores.taxa)
    if not len(known):
        raise DatasetError(f"{dataset.folder} has no test photo of a taxon that {run.path} knows; take one that has.")
    when = known.year_fraction if request.months else np.full(len(known), np.nan)
    ways = _ways(identifier, known, when, fitted)
    out = _drawn(request, scores)
    report = IdentifyReport(
        run=run.name,
        dataset=dataset.manifest.title,
        scores=kind,
        fitted_on=fitted.fitted_on,
        coverage=request.coverage,
        sure=request.sure,
        joinings=_joinings(identifier),
        ways=tuple(ways),
        left_out=len(test) - len(known),
        known_pass=_passing(fitted, scores, known.seen, request.gate),
        gate=_gate(run, dataset, request, fitted, scores, known, test, progress),
        kept_out=_kept_out(request, run, dataset, scores, fitted, (train, val, test), out, progress) if out else None,
        notes=identifier.notes,
    )
    file = run.path / FIGURES_FILE
    write_atomic(file, json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n")
    return EvaluateIdentifyResult(report=report, files=(file,))


def _ways(identifier: RunIdentifier, test: SeenRows, when: NDArray[np.float64], fitted: Fitted) -> Iterator[WayFigures]:
    """By the image, with the place where anything is known of places, and with the month where of dates."""
    everything, unknown = np.ones(len(test), dtype=np.bool_), np.full(len(test), np.nan)
    blocks = _blocks(test.lon_lat)

    def answers(lon_lat: NDArray[np.float64], at: NDArray[np.float64]) -> Answers:
        return identifier.answer(test.seen, lon_lat, at, everything)

    alone = answers(np.full((len(test), 2), np.nan), unknown)
    right = alone.image_score.argmax(axis=1) == test.labels
    yield way_figures(IMAGE, alone.image_score, alone.image_set, alone, test.labels, blocks, fitted.groups)
    if not fitted.priors or identifier.joined is identifier.image:
        return
    for name, at in ((PLACE, unknown), (PLACE_MONTH, when)):
        if name == PLACE_MONTH and np.isnan(when).all():
            continue
        said = answers(test.lon_lat, at)
        yield way_figures(
            name, said.score, said.answer_set, said, test.labels, blocks, fitted.groups, right.astype(np.bool_)
        )


def _joinings(identifier: RunIdentifier) -> dict[str, dict[str, object]]:
    named = {IMAGE: identifier.image}
    if identifier.joined is not identifier.image:
        named |= {PLACE: identifier.undated}
        named |= {PLACE_MONTH: identifier.joined} if identifier.joined is not identifier.undated else {}
    return {
        name: {
            "temperature": one.joining.temperature,
            "weight": one.joining.weight,
            "floor": one.joining.floor,
            "set_rule": one.rule,
            "photos": len(one.own),
        }
        for name, one in named.items()
    }


def _passing(fitted: Fitted, scores: ImageScores, seen: Seen, share: float) -> float:
    return float((fitted.gate(seen, scores(seen)) >= fitted.gate_threshold(share)).mean())


def _gate(
    run: Run,
    dataset: Dataset,
    request: EvaluateIdentifyRequest,
    fitted: Fitted,
    scores: ImageScores,
    known: SeenRows,
    test: SeenRows,
    progress: Progress,
) -> dict[str, GateFigures]:
    strange: dict[str, Seen] = {}
    for name, views in make_strangers(_STRANGERS, run.photo_px, request.seed).items():
        strange[name] = see(run, views)
    same = same_birds(dataset.taxa, scores.taxa)
    others = np.array([name is None for name in same])[test.labels]
    if others.any():
        strange["other taxa of the dataset"] = test[others].seen
    for folder in request.strangers:
        files = find_photos([folder], setting="strangers")
        batches = photo_views(files, run.photo_px, unreadable="nan", progress=progress)
        seen = joined([see(run, views)[readable] for views, readable in batches])
        if not len(seen):
            raise InputError(
                f"none of the {len(files):,} photos of {folder} can be read; give others, or mend them.",
                settings=("strangers",),
            )
        name = Path(folder).resolve().name
        strange[str(folder) if name in strange else name] = seen
    own = fitted.gate(known.seen, scores(known.seen))
    threshold = fitted.gate_threshold(request.gate)
    found = {}
    for name, seen in strange.items():
        value = fitted.gate(seen, scores(seen))
        auroc, false_positives = separation(own, value)
        found[name] = GateFigures(
            photos=len(seen),
            auroc=auroc,
            false_positives_at_95=false_positives,
            passes=float((value >= threshold).mean()),
        )
    return found


def _drawn(request: EvaluateIdentifyRequest, scores: ImageScores) -> list[int]:
    """Labels of the scores' taxa to keep out."""
    most = len(scores.taxa) - 2
    if request.kept_out > most:
        raise InputError(
            f"{request.kept_out} taxa cannot be kept out of {len(scores.taxa)}; at most {most}.", settings=("kept_out",)
        )
    drawn: list[int] = np.random.default_rng(request.seed).permutation(len(scores.taxa))[: request.kept_out].tolist()
    return drawn


def _kept_out(
    request: EvaluateIdentifyRequest,
    run: Run,
    dataset: Dataset,
    scores: ImageScores,
    fitted: Fitted,
    splits: tuple[SeenRows, SeenRows, SeenRows],
    out: list[int],
    progress: Progress,
) -> KeptOutFigures | None:
    if fitted.kind == "classifier":
        progress.note(f"{run.path} is a classifier, which has learned all taxa, so that none can be kept out.")
        return None
    train, val, test = (of_known_taxa(rows, dataset.taxa, scores.taxa) for rows in splits)
    return kept_out_figures(
        fitted.kind, scores, fitted.groups, train, val, test, out, seed=request.seed, progress=progress
    )


def _blocks(lon_lat: NDArray[np.float64]) -> list[str]:
    """Names of squares of ten degrees, by their south-west corners; "" where a place is not known."""
    size = _BLOCK_DEGREES
    corner = np.floor(lon_lat / size) * size
    return ["" if np.isnan(lon) else f"{lon:.0f},{lat:.0f}" for lon, lat in corner.tolist()]
