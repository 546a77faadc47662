"""What classification is evaluated by: ranks, genus and family, calibration, and which taxa are mixed up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.metrics import CALIBRATION_BINS, fit_temperature, ranks, reliability
from birdsat.observations.taxonomy import Taxon

WORST_PAIRS = 20  # that are listed
EXAMPLES = 4  # photos of each taxon of a pair that are named


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupAccuracy:
    """How often the taxon that was named lies in the right group: genus, or family."""

    groups: int  # with test rows
    rows: int  # test rows whose group is known
    accuracy: float  # of those rows; NaN where no group is known


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Expected calibration error (Guo et al. 2017) as is, and with a temperature that was fitted on val."""

    error: float
    temperature: float | None  # None without val rows to fit it on
    scaled_error: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """Two taxa that were taken for each other."""

    taxa: tuple[int, int]  # labels, ascending
    test_rows: tuple[int, int]  # of each
    mistaken: tuple[int, int]  # rows of each that were taken for the other
    examples: tuple[tuple[int, ...], tuple[int, ...]]  # row numbers in the split, those mistaken first


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """One classifier, over the rows of the test split that have a photo."""

    top1: float
    top5: float
    macro: float  # mean over taxa of their top-1
    genus: GroupAccuracy
    family: GroupAccuracy
    calibration: Calibration
    right: tuple[int, ...]  # rows of each taxon classified right, by label
    confusions: tuple[Confusion, ...]  # the pairs with the most mistaken rows, worst first


def evaluate_scores(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    taxa: Sequence[Taxon],
    *,
    rows: NDArray[np.int64],
    val: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None,
) -> Figures:
    """Every figure from logits (n, taxa), -inf for taxa that were never in the running, and labels (n,).

    rows: (n,) numbers of the rows in their split, for examples. val: logits and labels to fit the temperature on.
    """
    rank = ranks(logits, labels)
    right = rank <= 1
    named = _named(logits, labels, right)
    asked = np.bincount(labels, minlength=len(taxa))
    hits = np.bincount(labels[right], minlength=len(taxa))
    temperature = None if val is None else fit_temperature(*val)
    return Figures(
        top1=float(right.mean()),
        top5=float((rank <= 5).mean()),
        macro=float((hits[asked > 0] / asked[asked > 0]).mean()),
        genus=_group_accuracy(named, labels, [genus_of(taxon) for taxon in taxa]),
        family=_group_accuracy(named, labels, [taxon.family for taxon in taxa]),
        calibration=Calibration(
            error=reliability(_confidence(logits), right).error,
            temperature=temperature,
            scaled_error=None if temperature is None else reliability(_confidence(logits / temperature), right).error,
        ),
        right=tuple(hits.tolist()),
        confusions=_confusions(named, labels, asked, rows),
    )


def genus_of(taxon: Taxon) -> str:
    """The genus; "" where it is only the first word of what is not a scientific name, such as "Fish Crow"."""
    first, *others = taxon.name.split()
    scientific = bool(others) and first[:1].isupper() and all(word.islower() for word in others)
    return taxon.genus if scientific or taxon.genus != first else ""


def _confidence(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) probability of the most probable taxon."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    confidence: NDArray[np.float64] = 1 / np.exp(shifted).sum(axis=1)
    return confidence


def _named(logits: NDArray[np.float32], labels: NDArray[np.int64], right: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The taxon that each row is said to be: its own only where no other scores as high."""
    others = logits.copy()
    others[np.flatnonzero(~right), labels[~right]] = -np.inf
    named: NDArray[np.int64] = others.argmax(axis=1)
    return named


def _group_accuracy(named: NDArray[np.int64], labels: NDArray[np.int64], groups: Sequence[str]) -> GroupAccuracy:
    names, group = np.unique(np.array(groups, dtype=np.str_), return_inverse=True)
    known = names[group[labels]] != ""
    if not known.any():
        return GroupAccuracy(groups=0, rows=0, accuracy=float("nan"))
    wanted, got = group[labels[known]], group[named[known]]
    return GroupAccuracy(groups=len(np.unique(wanted)), rows=int(known.sum()), accuracy=float((wanted == got).mean()))


def _confusions(
    named: NDArray[np.int64], labels: NDArray[np.int64], asked: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[Confusion, ...]:
    wrong = named != labels
    pairs, counts = np.unique(np.sort(np.stack([labels, named], axis=1)[wrong], axis=1), axis=0, return_counts=True)
    share = counts / np.maximum(asked[pairs].sum(axis=1), 1)
    found = []
    for one, other in pairs[np.lexsort((-share, -counts))][:WORST_PAIRS].tolist():
        mistaken = [wrong & (labels == a) & (named == b) for a, b in ((one, other), (other, one))]
        examples = [
            np.concatenate([rows[taken], rows[(labels == label) & ~taken]])[:EXAMPLES]
            for label, taken in zip((one, other), mistaken, strict=True)
        ]
        found.append(
            Confusion(
                taxa=(one, other),
                test_rows=(int(asked[one]), int(asked[other])),
                mistaken=(int(mistaken[0].sum()), int(mistaken[1].sum())),
                examples=(tuple(examples[0].tolist()), tuple(examples[1].tolist())),
            )
        )
    return tuple(found)


def figures_dict(figures: Figures, taxa: Sequence[str]) -> dict[str, Any]:
    """Plain JSON values; what is not known is None."""

    def group(found: GroupAccuracy) -> dict[str, Any]:
        accuracy = found.accuracy if found.rows else None
        return {"groups": found.groups, "rows": found.rows, "accuracy": accuracy}

    return {
        "top1": figures.top1,
        "top5": figures.top5,
        "macro": figures.macro,
        "genus": group(figures.genus),
        "family": group(figures.family),
        "calibration": {
            "bins": CALIBRATION_BINS,
            "error": figures.calibration.error,
            "temperature": figures.calibration.temperature,
            "scaled_error": figures.calibration.scaled_error,
        },
        "confusions": [
            {
                "taxa": [taxa[label] for label in pair.taxa],
                "test_rows": list(pair.test_rows),
                "mistaken": list(pair.mistaken),
            }
            for pair in figures.confusions
        ],
    }
