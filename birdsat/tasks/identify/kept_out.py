"""Taxa left out of all that is learned from labels: does the gate turn them away, and how fast are they taught?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.progress import QUIET, Progress
from birdsat.tasks.identify.fit import fit_identify, held_out_rows, refitted
from birdsat.tasks.identify.gate import separation
from birdsat.tasks.identify.image_scores import Gallery, ImageScores, Kind
from birdsat.tasks.identify.seen import SeenRows
from birdsat.tasks.identify.taught import By, Taught, TaughtPhoto, TaughtScores
from birdsat.tasks.identify.taxon_groups import TaxonGroups

SHOTS = (1, 5, 10)
_DRAWS = 3  # of the photos that are taught
_WAYS: tuple[By, ...] = ("means", "probe")


@dataclass(frozen=True, kw_only=True, slots=True)
class TaughtFigures:
    """Of taxa that were taught by so many photos each; means over draws of these."""

    by: By
    photos: int  # of each taxon
    new_top1: float  # of test photos of the taught taxa, all taxa being in the running
    old_before: float  # of test photos of the others, before any was taught
    old_after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptOutFigures:
    """Of taxa that were kept out."""

    taxa: tuple[str, ...]
    auroc: float  # of the gate's score, photos of known taxa against theirs
    false_positives_at_95: float
    taught: tuple[TaughtFigures, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def kept_out_figures(
    kind: Kind,
    scores: ImageScores,
    groups: TaxonGroups,
    train: SeenRows,
    val: SeenRows,
    test: SeenRows,
    out: Sequence[int],
    *,
    seed: int = 0,
    progress: Progress = QUIET,
) -> KeptOutFigures:
    """out: labels of the taxa to keep out of a probe, of neighbours or of means, which are learned again without.

    The encoder has seen all taxa, without their names where it learned from images alone.
    """
    labels = np.array(sorted(out))
    known = [rows[~np.isin(rows.labels, labels)] for rows in (train, val, test)]
    new = test[np.isin(test.labels, labels)]
    without = refitted(scores, known[0])
    held_out = held_out_rows(kind, without, known[0], known[1], QUIET)
    gate = fit_identify(kind, "", without, groups, known[0], held_out, "").gate
    auroc, false_positives = separation(gate(known[2].seen, without(known[2].seen)), gate(new.seen, without(new.seen)))
    temperature = without.temperature
    gallery = Gallery(features=known[0].seen.features, labels=known[0].labels)
    before = float((without(known[2].seen).argmax(axis=1) == known[2].labels).mean())
    found = []
    with progress.bar("teaching", len(_WAYS) * len(SHOTS) * _DRAWS) as bar:
        for by in _WAYS:
            for shots in SHOTS:
                figures = []
                for draw in range(_DRAWS):
                    rows = _drawn(train.labels, labels, shots, seed + draw)
                    taught = _taught(by, rows, train, scores.taxa)
                    taught_scores = TaughtScores(without, taught, gallery, None).at_temperature(temperature)
                    right = [
                        float((taught_scores(some.seen).argmax(axis=1) == some.labels).mean())
                        for some in (new, known[2])
                    ]
                    figures.append(right)
                    bar.advance(1)
                mean = np.mean(figures, axis=0)
                found.append(
                    TaughtFigures(
                        by=by, photos=shots, new_top1=float(mean[0]), old_before=before, old_after=float(mean[1])
                    )
                )
    return KeptOutFigures(
        taxa=tuple(scores.taxa[label] for label in labels.tolist()),
        auroc=auroc,
        false_positives_at_95=false_positives,
        taught=tuple(found),
    )


def _drawn(train: NDArray[np.int64], labels: NDArray[np.int64], shots: int, seed: int) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    return np.concatenate([random.permutation(np.flatnonzero(train == label))[:shots] for label in labels])


def _taught(by: By, rows: NDArray[np.int64], train: SeenRows, taxa: Sequence[str]) -> Taught:
    photos = tuple(
        TaughtPhoto(taxon=taxa[label], photo=str(row), sha256=str(row))
        for row, label in zip(rows.tolist(), train.labels[rows].tolist(), strict=True)
    )
    return Taught(of="", by=by, photos=photos, seen=train.seen[rows])
