"""Which taxon is in the photo: a linear probe and nearest neighbours on frozen embeddings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from birdsat.embeddings.neighbours import nearest_of_each_label, votes_of_neighbours
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import DatasetError
from birdsat.observations.taxonomy import Taxon, Taxonomy
from birdsat.tasks.probe import C_DEFAULT, C_VALUES, Probe, Standardiser, fit_probe

Classifier = Literal["probe", "1-NN", "20-NN"]
Inputs = Literal["photo", "photo + chip", "photo + chip, place, date"]
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True, slots=True)
class PairsToldApart:
    """How often the right one of two taxa is chosen when only these two are allowed."""

    pairs: int  # pairs that could be judged: both taxa trained on, both in the test split
    left_out: int  # pairs that could not
    rows: int  # test rows judged
    accuracy: float  # mean over pairs of the mean over the two taxa, so that chance is 0.5; NaN without pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifyScore:
    """One classifier on one set of inputs, over the rows of the test split."""

    classifier: Classifier
    inputs: Inputs
    c: float | None  # of the probe's penalty; None for neighbours
    top1: float
    top5: float
    right: tuple[int, ...]  # rows of each taxon classified right, in the order of the taxa
    told_apart: PairsToldApart | None  # None when no pairs were asked for


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifyReport:
    """Everything `classify` measured; all shares are of the test rows that have a photo."""

    taxa: tuple[str, ...]
    train_rows: tuple[int, ...]  # photos of each taxon to learn from
    test_rows: tuple[int, ...]  # photos of each taxon to classify
    left_out: int  # test rows without a photo
    unseen: int  # test rows of taxa without a training photo; they count as wrong
    chance_top1: float  # 1 / taxa with training photos
    chance_top5: float  # 5 / taxa with training photos
    majority_top1: float  # always naming the commonest training taxon
    scores: tuple[ClassifyScore, ...]

    def score(self, classifier: Classifier = "probe", inputs: Inputs = "photo") -> ClassifyScore:
        """The score of one classifier on one set of inputs. Raises KeyError when it was not measured."""
        for score in self.scores:
            if (score.classifier, score.inputs) == (classifier, inputs):
                return score
        raise KeyError((classifier, inputs))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; NaN is None."""
        return {
            "rows": sum(self.test_rows),
            "left_out_without_photo": self.left_out,
            "rows_of_unseen_taxa": self.unseen,
            "chance": {"top1": self.chance_top1, "top5": self.chance_top5},
            "majority": {"top1": self.majority_top1},
            "scores": [_score_dict(score) for score in self.scores],
            "per_taxon": [
                {
                    "taxon": taxon,
                    "train": train,
                    "test": test,
                    "top1": {f"{s.classifier}, {s.inputs}": s.right[i] / test for s in self.scores if test},
                }
                for i, (taxon, train, test) in enumerate(zip(self.taxa, self.train_rows, self.test_rows, strict=True))
            ],
        }

    def table(self) -> Table:
        """For the console."""
        taxa = np.count_nonzero(self.test_rows)
        table = Table(title=f"{sum(self.test_rows):,} test photos of {taxa:,} taxa")
        for name in ("classifier", "inputs"):
            table.add_column(name)
        pairs = any(score.told_apart for score in self.scores)
        for name in ("top-1", "top-5") + (("pairs told apart",) if pairs else ()):
            table.add_column(name, justify="right")
        for score in self.scores:
            apart = (f"{score.told_apart.accuracy:.3f}",) if score.told_apart and score.told_apart.pairs else ()
            table.add_row(score.classifier, score.inputs, f"{score.top1:.3f}", f"{score.top5:.3f}", *apart)
        table.add_section()
        table.add_row("commonest taxon", "", f"{self.majority_top1:.3f}", "")
        table.add_row(
            "chance", "", f"{self.chance_top1:.3f}", f"{self.chance_top5:.3f}", *(("0.500",) if pairs else ())
        )
        return table

    def taxon_table(self, classifier: Classifier = "probe", inputs: Inputs = "photo") -> Table:
        """The per-taxon table of one score for the console; taxa without test photos are left out."""
        score = self.score(classifier, inputs)
        table = Table("taxon", title=f"{classifier} on {inputs}, by taxon")
        for name in ("train", "test", "top-1"):
            table.add_column(name, justify="right")
        rows = zip(self.taxa, self.train_rows, self.test_rows, score.right, strict=True)
        for taxon, train, test, right in rows:
            if test:
                table.add_row(Text(taxon), f"{train:,}", f"{test:,}", f"{right / test:.3f}")
        return table


def classify(
    train: EmbeddingTable,
    val: EmbeddingTable | None,
    test: EmbeddingTable,
    *,
    pairs: Sequence[tuple[str, str]] = (),
    device: torch.device | str | None = None,
) -> ClassifyReport:
    """Learn from `train`, choose the probe's penalty on `val` (None: C = 0.1), and measure on `test`.

    Inputs: the photo; photo and chip side by side; and the same with place and date in the chip, where the
    method knows them. Features are standardised over the training rows; a missing chip takes the mean chip's
    features. pairs: taxa to be told apart, two by two. Raises DatasetError when train or test has no photo,
    UnknownTaxonError for a pair of unknown taxa.
    """
    learnt, asked = train.labels[train.has_photo], test.labels[test.has_photo]
    for split, labels in (("train", learnt), ("test", asked)):
        if len(labels) == 0:
            raise DatasetError(f"split {split!r} has no photos to classify; build the dataset with some.")
    taxa = len(train.taxa)
    judged = val if val is not None and val.has_photo.any() else None
    label = Taxonomy(Taxon(name=name) for name in train.taxa).label
    pair_labels = [(label(one), label(other)) for one, other in pairs]
    scores: list[ClassifyScore] = []
    for inputs in _inputs(train):
        x_train = _features(train, inputs)
        standardise = Standardiser.fit(x_train)
        x_train, x_test = standardise(x_train), standardise(_features(test, inputs))
        chosen = (standardise(_features(judged, inputs)), judged.labels[judged.has_photo]) if judged else None
        probe = _best_probe(x_train, learnt, taxa, chosen, device)
        near, query = _unit(x_train), _unit(x_test)
        found: list[tuple[Classifier, float | None, NDArray[np.float32]]] = [
            ("probe", probe.c, probe.scores(x_test)),
            ("1-NN", None, nearest_of_each_label(query, near, learnt, taxa, device=device)),
            ("20-NN", None, votes_of_neighbours(query, near, learnt, taxa, k=20, device=device)),
        ]
        for classifier, c, values in found:
            rank = ranks(values, asked)
            scores.append(
                ClassifyScore(
                    classifier=classifier,
                    inputs=inputs,
                    c=c,
                    top1=float((rank <= 1).mean()),
                    top5=float((rank <= 5).mean()),
                    right=tuple(np.bincount(asked[rank <= 1], minlength=taxa).tolist()),
                    told_apart=pairs_told_apart(values, asked, learnt, pair_labels) if pairs else None,
                )
            )
    train_rows = np.bincount(learnt, minlength=taxa)
    seen = int(np.count_nonzero(train_rows))
    return ClassifyReport(
        taxa=train.taxa,
        train_rows=tuple(train_rows.tolist()),
        test_rows=tuple(np.bincount(asked, minlength=taxa).tolist()),
        left_out=len(test) - len(asked),
        unseen=int((train_rows[asked] == 0).sum()),
        chance_top1=1 / seen,
        chance_top5=min(1.0, 5 / seen),
        majority_top1=float((asked == train_rows.argmax()).mean()),
        scores=tuple(scores),
    )


def ranks(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) rank of the right taxon among scores (n, taxa), 1 is best.

    A wrong taxon with the same score goes first; a right taxon that scores -inf was never in the running and
    ranks NEVER, however few taxa there are.
    """
    right = np.take_along_axis(scores, labels[:, None], axis=1)
    rank: NDArray[np.int64] = np.where(np.isneginf(right[:, 0]), NEVER, (scores >= right).sum(axis=1))
    return rank


def pairs_told_apart(
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    learnt: NDArray[np.int64],
    pairs: Sequence[tuple[int, int]],
) -> PairsToldApart:
    """Judge each pair of labels on the test rows of its two taxa, by which of the two scores higher.

    scores (n, taxa), labels (n,) of the test rows; learnt: labels of the training rows. A tie is half right.
    """
    known = set(learnt.tolist())
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
        yield "photo + chip"
        if table.knows_metadata:
            yield "photo + chip, place, date"


def _features(table: EmbeddingTable, inputs: Inputs) -> NDArray[np.float32]:
    """(n with a photo, f); NaN where the chip is missing."""
    rows = table.has_photo
    chip = table.chips(with_metadata=inputs == "photo + chip, place, date")
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


def _score_dict(score: ClassifyScore) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "classifier": score.classifier,
        "inputs": score.inputs,
        "c": score.c,
        "top1": score.top1,
        "top5": score.top5,
    }
    apart = score.told_apart
    if apart is not None:
        plain["pairs_told_apart"] = {
            "pairs": apart.pairs,
            "left_out": apart.left_out,
            "rows": apart.rows,
            "accuracy": apart.accuracy if apart.pairs else None,
        }
    return plain
