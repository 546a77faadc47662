"""What answers are worth, beside the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.metrics import CALIBRATION_BINS, reliability
from birdsat.tasks.identify.answers import Answers, RolledUp
from birdsat.tasks.identify.taxon_groups import TaxonGroups

_DRAWS = 2000  # with replacement, that intervals are made of
_LEAST_IN_GROUP = 20  # photos of a family or block whose coverage is told


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A share of photos, with its interval of 95% by drawing photos with replacement."""

    value: float
    low: float
    high: float

    def text(self) -> str:
        """For tables."""
        return f"{self.value:.1%} ({self.low:.1%}-{self.high:.1%})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """Of sets that are to hold the true taxon."""

    share: Share  # of photos whose set holds it
    mean_size: float
    worst_family: float  # coverage of the family with the least, of those with 20 photos or more; NaN without any
    worst_block: float  # likewise of squares of 10 degrees
    families: Mapping[str, float]
    blocks: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledUpFigures:
    """Of the names that are given to photos that pass the gate."""

    accuracy: Share  # of species, genera and families that were given; NaN where none was
    depth: Mapping[str, float]  # rank -> share of photos that are named at it
    right_at: Mapping[str, float]  # rank -> share of these that are right


@dataclass(frozen=True, kw_only=True, slots=True)
class WayFigures:
    """Of one way to answer, over the same photos."""

    name: str
    photos: int
    top1: Share
    top5: float
    genus: float
    gain: Share | None  # of top-1 over the image alone, of the same photos; None: it is that
    calibration_error: float
    brier: float
    reliability: tuple[tuple[float, float, int], ...]  # (mean probability, share right, photos) of each bin
    coverage: Coverage
    rolled_up: RolledUpFigures
    expected_absent: float  # share of photos whose true taxon is marked unexpected
    told: float  # share of photos at places and dates of which anything is known

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def share_of(hits: NDArray[np.bool_] | NDArray[np.floating], seed: int = 0) -> Share:
    """Of hits (n,), or of differences of two kinds of hits."""
    values = hits.astype(np.float64)
    if len(values) == 0:
        return Share(value=float("nan"), low=float("nan"), high=float("nan"))
    random, means = np.random.default_rng(seed), np.empty(_DRAWS)
    for draw in range(_DRAWS):
        means[draw] = values[random.integers(0, len(values), len(values))].mean()
    low, high = np.quantile(means, [0.025, 0.975])
    return Share(value=float(values.mean()), low=float(low), high=float(high))


def way_figures(
    name: str,
    score: NDArray[np.float32],
    sets: NDArray[np.bool_],
    answers: Answers,
    labels: NDArray[np.int64],
    blocks: Sequence[str],
    groups: TaxonGroups,
    alone: NDArray[np.bool_] | None = None,
) -> WayFigures:
    """score, sets (n, t) and the rest of the answers about n photos of known taxa, labels (n,); blocks (n) names of
    the squares in which they lie, "" where not known; alone (n,): whether the image by itself is right."""
    right = score.argmax(axis=1) == labels
    order = np.argsort(-score, axis=1, kind="stable")[:, :5]
    genus, _ = groups.numbers("genus")
    first = np.clip(score.max(axis=1), 0, 1)
    calibration = reliability(first, right)
    held = np.take_along_axis(sets, labels[:, None], axis=1)[:, 0]
    family, names = groups.numbers("family")
    families = _by_group(held, [names[number] for number in family[labels].tolist()])
    by_block = _by_group(held, blocks)
    return WayFigures(
        name=name,
        photos=len(labels),
        top1=share_of(right),
        top5=float((order == labels[:, None]).any(axis=1).mean()),
        genus=float((genus[score.argmax(axis=1)] == genus[labels]).mean()),
        gain=None if alone is None else share_of(right.astype(np.float64) - alone),
        calibration_error=calibration.error,
        brier=calibration.brier,
        reliability=_bins(first, right),
        coverage=Coverage(
            share=share_of(held),
            mean_size=float(sets.sum(axis=1).mean()),
            worst_family=min(families.values(), default=float("nan")),
            worst_block=min(by_block.values(), default=float("nan")),
            families=families,
            blocks=by_block,
        ),
        rolled_up=rolled_up_figures(answers.rolled_up, labels, groups),
        expected_absent=float(np.take_along_axis(answers.unexpected, labels[:, None], axis=1).mean()),
        told=float(np.isfinite(answers.place_date_score).all(axis=1).mean()),
    )


def rolled_up_figures(
    rolled: Sequence[RolledUp | None], labels: NDArray[np.int64], groups: TaxonGroups
) -> RolledUpFigures:
    """Of the photos that were given any name."""
    own = {"species": groups.taxa, "genus": groups.genus, "family": groups.family}
    given = [(name, label) for name, label in zip(rolled, labels.tolist(), strict=True) if name is not None]
    ranks = np.array([name.rank for name, _ in given])
    right = np.array([name.rank not in own or own[name.rank][label] == name.name for name, label in given], dtype=bool)
    fine = np.isin(ranks, list(own)) if len(given) else np.zeros(0, dtype=bool)
    at = {rank: ranks == rank for rank in (*own, "class")} if len(given) else {}
    return RolledUpFigures(
        accuracy=share_of(right[fine]),
        depth={rank: float(rows.mean()) for rank, rows in at.items()},
        right_at={rank: float(right[rows].mean()) for rank, rows in at.items() if rows.any() and rank != "class"},
    )


def _by_group(held: NDArray[np.bool_], names: Sequence[str]) -> dict[str, float]:
    of: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name:
            of.setdefault(name, []).append(row)
    return {name: float(held[rows].mean()) for name, rows in sorted(of.items()) if len(rows) >= _LEAST_IN_GROUP}


def _bins(probability: NDArray[np.float32], right: NDArray[np.bool_]) -> tuple[tuple[float, float, int], ...]:
    at = np.minimum((probability * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return tuple(
        (float(probability[at == one].mean()), float(right[at == one].mean()), int((at == one).sum()))
        for one in np.unique(at).tolist()
    )
