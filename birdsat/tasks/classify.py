"""Which taxon is in the photo: a linear probe and nearest neighbours on frozen embeddings."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.embeddings.neighbours import nearest_of_each_label, votes_of_neighbours
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import DatasetError
from birdsat.methods.inputs import Inputs
from birdsat.metrics import ranks
from birdsat.observations.taxonomy import Taxon, Taxonomy
from birdsat.tasks.classify_figures import evaluate_scores
from birdsat.tasks.classify_report import ClassifierName, ClassifyReport, ClassifyScore, PairsToldApart
from birdsat.tasks.probe import C_DEFAULT, C_VALUES, Probe, Standardiser, fit_probe

FrozenMode = Literal["probe", "knn"]
KeepProbe = Callable[[Standardiser, Probe], None]
_FEWEST_VOTES = 1e-6  # of a taxon that no neighbour voted for, so that its logarithm is finite


def classify(
    train: EmbeddingTable,
    val: EmbeddingTable | None,
    test: EmbeddingTable,
    *,
    taxa: Sequence[Taxon] = (),
    modes: Sequence[FrozenMode] = ("probe", "knn"),
    pairs: Sequence[tuple[str, str]] = (),
    device: torch.device | str | None = None,
    keep: KeepProbe | None = None,
) -> ClassifyReport:
    """Learn from `train`, choose the probe's penalty and temperatures on `val` (None: C = 0.1), and measure on `test`.

    Inputs: the photo; photo and chip side by side; and the same with place and date in the chip, where the
    method knows them. Features are standardised over the training rows; a missing chip takes the mean chip's
    features. taxa: with their families, by label; names alone where they are not given. pairs: taxa to be told apart,
    two by two. keep: is given the probe on photos alone, with what standardises these. Raises DatasetError when train
    or test has no photo, UnknownTaxonError for a pair of unknown taxa.
    """
    learned, asked = train.labels[train.has_photo], test.labels[test.has_photo]
    for split, labels in (("train", learned), ("test", asked)):
        if len(labels) == 0:
            raise DatasetError(f"split {split!r} has no photos to classify; build the dataset with some.")
    known = list(taxa) or [Taxon(name=name) for name in train.taxa]
    evaluated = val if val is not None and val.has_photo.any() else None
    label = Taxonomy(Taxon(name=name) for name in train.taxa).label
    pair_labels = [(label(one), label(other)) for one, other in pairs]
    rows = np.flatnonzero(test.has_photo)
    scores: list[ClassifyScore] = []
    for inputs in _inputs(train):
        x_train = _features(train, inputs)
        standardise = Standardiser.fit(x_train)
        x_train, x_test = standardise(x_train), standardise(_features(test, inputs))
        chosen = (
            (standardise(_features(evaluated, inputs)), evaluated.labels[evaluated.has_photo]) if evaluated else None
        )
        for classifier, probe, logits in _fitted(x_train, learned, len(known), chosen, modes, device):
            if keep is not None and probe is not None and inputs == "photo":
                keep(standardise, probe)
            values = logits(x_test)
            scores.append(
                ClassifyScore(
                    classifier=classifier,
                    inputs=inputs,
                    c=None if probe is None else probe.c,
                    figures=evaluate_scores(
                        values,
                        asked,
                        known,
                        rows=rows,
                        val=None if chosen is None else (logits(chosen[0]), chosen[1]),
                    ),
                    told_apart=pairs_told_apart(values, asked, learned, pair_labels) if pairs else None,
                )
            )
    return report_of(scores, train.taxa, learned, asked, left_out=len(test) - len(asked))


def report_of(
    scores: Sequence[ClassifyScore],
    taxa: tuple[str, ...],
    learned: NDArray[np.int64],
    asked: NDArray[np.int64],
    *,
    left_out: int,
) -> ClassifyReport:
    """The report of these scores. learned, asked: labels of the train and test rows that have a photo."""
    train_rows = np.bincount(learned, minlength=len(taxa))
    seen = int(np.count_nonzero(train_rows))
    return ClassifyReport(
        taxa=taxa,
        train_rows=tuple(train_rows.tolist()),
        test_rows=tuple(np.bincount(asked, minlength=len(taxa)).tolist()),
        left_out=left_out,
        unseen=int((train_rows[asked] == 0).sum()),
        chance_top1=1 / seen,
        chance_top5=min(1.0, 5 / seen),
        majority_top1=float((asked == train_rows.argmax()).mean()),
        scores=tuple(scores),
    )


Logits = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # standardised features (n, f) -> (n, taxa)


def _fitted(
    x: NDArray[np.float32],
    labels: NDArray[np.int64],
    taxa: int,
    val: tuple[NDArray[np.float32], NDArray[np.int64]] | None,
    modes: Sequence[FrozenMode],
    device: torch.device | str | None,
) -> Iterator[tuple[ClassifierName, Probe | None, Logits]]:
    """Each classifier, and the probe where it is one, fitted to standardised features x (n, f)."""
    if "probe" in modes:
        probe = _best_probe(x, labels, taxa, val, device)
        yield "probe", probe, probe.scores
    if "knn" in modes:
        near = _unit(x)
        yield "1-NN", None, lambda of: nearest_of_each_label(_unit(of), near, labels, taxa, device=device)

        def votes(of: NDArray[np.float32]) -> NDArray[np.float32]:
            shares = votes_of_neighbours(_unit(of), near, labels, taxa, k=20, device=device)
            logits: NDArray[np.float32] = np.log(np.maximum(shares, _FEWEST_VOTES))
            return np.where(np.isneginf(shares), shares, logits)

        yield "20-NN", None, votes


def pairs_told_apart(
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    learned: NDArray[np.int64],
    pairs: Sequence[tuple[int, int]],
) -> PairsToldApart:
    """Evaluate each pair of labels on the test rows of its two taxa, by which of the two scores higher.

    scores (n, taxa), labels (n,) of the test rows; learned: labels of the training rows. A tie is half right.
    """
    known = set(learned.tolist())
    accuracies, rows = [], 0
    for one, other in pairs:
        mine, theirs = labels == one, labels == other
        if not (mine.any() and theirs.any() and one in known and other in known):
            continue
        lead = scores[:, one] - scores[:, other]
        right = (_half_ties(lead[mine]).mean() + _half_ties(-lead[theirs]).mean()) / 2
        accuracies.append(float(right))
        rows += int(mine.sum() + theirs.sum())
    return PairsToldApart(
        pairs=len(accuracies),
        left_out=len(pairs) - len(accuracies),
        rows=rows,
        accuracy=float(np.mean(accuracies)) if accuracies else float("nan"),
    )


def _half_ties(lead: NDArray[np.float32]) -> NDArray[np.float64]:
    right: NDArray[np.float64] = (lead > 0) + 0.5 * (lead == 0)
    return right


def _inputs(table: EmbeddingTable) -> Iterator[Inputs]:
    yield "photo"
    if table.has_chip.any():
        yield "photo_chip"
        if table.knows_metadata:
            yield "photo_chip_place_date"


def _features(table: EmbeddingTable, inputs: Inputs) -> NDArray[np.float32]:
    """(n with a photo, f); NaN where the chip is missing."""
    rows = table.has_photo
    chip = table.chips(with_metadata=inputs == "photo_chip_place_date")
    if inputs == "photo" or chip is None:
        return table.photo[rows]
    return np.concatenate([table.photo[rows], chip[rows]], axis=1)


def _best_probe(
    x: NDArray[np.float32],
    labels: NDArray[np.int64],
    taxa: int,
    val: tuple[NDArray[np.float32], NDArray[np.int64]] | None,
    device: torch.device | str | None,
) -> Probe:
    """The most accurate on val, the stronger penalty winning a tie; each fit starts from the one before."""
    if val is None:
        return fit_probe(x, labels, taxa, c=C_DEFAULT, device=device)
    best, best_top1 = None, -1.0
    probe = None
    for c in C_VALUES:
        probe = fit_probe(x, labels, taxa, c=c, start=probe, device=device)
        top1 = float((ranks(probe.scores(val[0]), val[1]) <= 1).mean())
        if best is None or top1 > best_top1:
            best, best_top1 = probe, top1
    assert best is not None
    return best


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(length, 1e-12)
    return unit
