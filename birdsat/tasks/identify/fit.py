"""What is learned from photos that nothing was trained on: temperatures, weights, sets, thresholds and the gate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import DatasetError
from birdsat.progress import QUIET, Progress
from birdsat.tasks.identify.conformal import SetRule, choose_rule, own_nonconformity, set_limit
from birdsat.tasks.identify.gate import PARTS, Gate, fit_gate, fit_shape, gate_threshold
from birdsat.tasks.identify.image_scores import (
    Gallery,
    ImageScores,
    Kind,
    MeanScores,
    NeighbourScores,
    ProbeScores,
)
from birdsat.tasks.identify.joined import DEFAULT_FLOOR, DEFAULT_WEIGHT, Joining, fit_joining
from birdsat.tasks.identify.place_date import PlaceDate
from birdsat.tasks.identify.roll_up import NEVER, RollUp, roll_up_threshold
from birdsat.tasks.identify.seen import SeenRows, unit
from birdsat.tasks.identify.taxon_groups import TaxonGroups, same_birds
from birdsat.tasks.probe import Standardiser, fit_probe

LEAST_ROWS = 30  # held-out photos that anything is fitted on
ENOUGH_PLACED = 100  # val photos with places, beside which no others are asked what places are worth
ENOUGH_ROWS = 1000  # val photos beside which no parts of train are held out
_FOLDS = 5
_ALIKE_ERRORS = 2.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """How probabilities are made and read, by the image alone or with one source of place and date, from n held-out
    photos; none: by default, and nothing is promised."""

    prior: str  # `PlaceDate.identity`; "": the image alone
    prior_kind: str
    joining: Joining
    rule: SetRule
    own: NDArray[np.float32]  # (n,) nonconformity of the true taxa
    roll_score: NDArray[np.float32]  # (n, 3) of the likeliest species, genus and family
    roll_right: NDArray[np.bool_]  # (n, 3) whether these are right

    @property
    def fitted(self) -> bool:
        """Whether there were photos to learn from."""
        return len(self.own) > 0

    def limit(self, coverage: float) -> float:
        """Of conformal sets. Where nothing was fitted, the sets are those whose probabilities add up to coverage."""
        return set_limit(self.own, coverage) if self.fitted else coverage

    def threshold(self, sure: float) -> float:
        """Of rolled-up names. Where nothing was fitted, the probability itself is believed."""
        return roll_up_threshold(self.roll_score, self.roll_right, sure) if self.fitted else min(sure, NEVER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """All that is fitted for one way to score images."""

    kind: Kind
    of: str  # fingerprint of the weights and scores that it was fitted to
    groups: TaxonGroups
    fitted_on: str  # in words
    dataset: str  # fingerprint of the dataset
    image: Learned
    priors: tuple[Learned, ...]
    gate: Gate
    gate_known: NDArray[np.float32]  # (n,) of held-out photos of known taxa

    def with_priors(self, learned: Sequence[Learned]) -> "Fitted":
        """With more sources of place and date, in place of those of the same identity."""
        new = {one.prior for one in learned}
        return replace(self, priors=(*(one for one in self.priors if one.prior not in new), *learned))

    def gate_threshold(self, share: float) -> float:
        """From which value photos pass."""
        return gate_threshold(self.gate_known, share)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """n photos of known taxa that the scores were not made from."""

    logits: NDArray[np.float32]  # (n, t)
    labels: NDArray[np.int64]  # (n,) of the scores' taxa
    parts: NDArray[np.float64]  # (n, 5) of `Shape.parts`
    lon_lat: NDArray[np.float64]  # (n, 2)
    when: NDArray[np.float64]  # (n,)
    words: str  # what they are
    val: int = 0  # how many of them, the first, are of val


def undated(prior: str) -> str:
    """The identity of a source of place and date where no date is known."""
    return f"{prior} without dates"


def unfitted(temperature: float, prior: PlaceDate | None = None) -> Learned:
    """What is done where nothing was fitted."""
    empty = np.empty((0, 3))
    return Learned(
        prior="" if prior is None else prior.identity,
        prior_kind="" if prior is None else prior.kind,
        joining=Joining(temperature=temperature, weight=0.0 if prior is None else DEFAULT_WEIGHT, floor=DEFAULT_FLOOR),
        rule="raps",
        own=np.empty(0, np.float32),
        roll_score=empty.astype(np.float32),
        roll_right=empty.astype(np.bool_),
    )


def of_known_taxa(rows: SeenRows, dataset_taxa: Sequence[str], taxa: Sequence[str]) -> SeenRows:
    """The rows of taxa that are known, with these labels; of other taxa none."""
    at = {name: number for number, name in enumerate(taxa)}
    known = np.array([at[name] if name is not None else -1 for name in same_birds(dataset_taxa, taxa)], dtype=np.int64)
    kept = rows[known[rows.labels] >= 0] if len(rows) else rows
    return replace(kept, labels=known[kept.labels])


def held_out_rows(
    kind: Kind, scores: ImageScores, train: SeenRows, val: SeenRows, progress: Progress = QUIET
) -> HeldOut:
    """The val rows; where there are few of these, the rows of train as well, each scored by what was learned without
    its part of five. Labels are those of the scores' taxa.

    Raises DatasetError where there are too few: a classifier has seen all of train.
    """
    if len(train) < 2:
        raise DatasetError(
            f"the dataset has {len(train):,} train photos of taxa that the run knows, which tell nothing of what these "
            "look like; take a dataset of photos of its taxa."
        )
    of_val = _scored(scores, scores, train, val, f"{len(val):,} photos of val")
    if kind == "classifier" or len(val) >= ENOUGH_ROWS:
        if len(val) >= LEAST_ROWS:
            return of_val
        raise DatasetError(
            f"the dataset has {len(val):,} val photos of taxa that are known, and at least {LEAST_ROWS} are needed to "
            "fit temperatures and thresholds of a classifier on, as it has seen all of train. Build the dataset with a "
            "val split."
        )
    if len(train) < LEAST_ROWS:
        raise DatasetError(
            f"the dataset has {len(train):,} train photos of taxa that are known; at least {LEAST_ROWS} are needed to "
            "fit temperatures and thresholds on."
        )
    progress.note(
        f"the dataset has {len(val):,} val photos, so {_FOLDS} parts of train are held out one by one as well."
    )
    fold, parts = np.random.default_rng(0).permutation(len(train)) % _FOLDS, [of_val]
    with progress.bar("holding out", _FOLDS, unit="parts") as bar:
        for number in range(_FOLDS):
            rest = train[fold != number]
            parts.append(_scored(refitted(scores, rest), scores, rest, train[fold == number], ""))
            bar.advance(1)
    words = f"{len(train):,} photos of train, each held out with a fifth of them"
    of_train = _joined(parts[1:], words)
    if len(val) < LEAST_ROWS:
        progress.note(
            "what is fitted on train promises too much where the run itself was trained on these photos; a val split "
            "tells."
        )
        return of_train
    if not _are_alike(of_val, of_train):
        progress.note(
            "photos of train are named otherwise than those of val, as the run was trained on them: only those of val "
            "are fitted on."
        )
        return of_val
    return replace(_joined([of_val, of_train], f"{of_val.words} and {words}"), val=len(val))


def _joined(parts: Sequence[HeldOut], words: str) -> HeldOut:
    return HeldOut(
        logits=np.concatenate([part.logits for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        parts=np.concatenate([part.parts for part in parts]),
        lon_lat=np.concatenate([part.lon_lat for part in parts]),
        when=np.concatenate([part.when for part in parts]),
        words=words,
    )


def _are_alike(one: HeldOut, other: HeldOut) -> bool:
    """Whether photos of both are named equally well, and are as familiar, as far as their number can tell: means
    within so many standard errors. Log probabilities are at the temperature of the first."""
    joining = fit_joining(one.logits, one.labels)
    values = []
    for part in (one, other):
        p = joining(part.logits)
        own = np.take_along_axis(p, part.labels[:, None], axis=1)[:, 0]
        values.append(
            np.stack([np.log(np.maximum(own, 1e-6)), part.logits.argmax(axis=1) == part.labels, *part.parts.T], axis=1)
        )
    gap = np.abs(values[0].mean(axis=0) - values[1].mean(axis=0))
    error = np.sqrt(sum(value.var(axis=0) / len(value) for value in values))
    return bool((gap <= _ALIKE_ERRORS * error + 1e-9).all())


def _scored(learned: ImageScores, scores: ImageScores, train: SeenRows, rows: SeenRows, words: str) -> HeldOut:
    """Rows by scores that were learned from others, train."""
    shape = fit_shape(train.seen, train.labels, len(scores.taxa), scores.temperature)
    logits = learned(rows.seen) if len(rows) else np.empty((0, len(scores.taxa)), np.float32)
    return HeldOut(
        logits=logits,
        labels=rows.labels,
        parts=shape.parts(rows.seen, logits) if len(rows) else np.empty((0, len(PARTS))),
        lon_lat=rows.lon_lat,
        when=rows.year_fraction,
        words=words,
    )


def fit_identify(
    kind: Kind,
    of: str,
    scores: ImageScores,
    groups: TaxonGroups,
    train: SeenRows,
    held_out: HeldOut,
    dataset: str,
) -> Fitted:
    """All that is fitted without place and date. train: labels are those of the scores' taxa."""
    image = learn(groups, held_out, None)
    shape = fit_shape(train.seen, train.labels, len(scores.taxa), scores.temperature)
    gate = fit_gate(shape, held_out.parts)
    return Fitted(
        kind=kind,
        of=of,
        groups=groups,
        fitted_on=held_out.words,
        dataset=dataset,
        image=image,
        priors=(),
        gate=gate,
        gate_known=gate.of_parts(held_out.parts),
    )


def learn(groups: TaxonGroups, held_out: HeldOut, prior: PlaceDate | None, *, dated: bool = True) -> Learned:
    """By the image alone (None), or with place and date, from the held-out rows about which these say something.

    dated: with the dates of those rows that have one, or with none.
    """
    logits, labels, density = held_out.logits, held_out.labels, None
    if prior is not None:
        when = held_out.when if dated else np.full(len(labels), np.nan)
        density = prior(held_out.lon_lat, when).log_density
        told: NDArray[np.bool_] = np.isfinite(density).all(axis=1) & ~(np.isnan(when) & dated)
        logits, labels, density = logits[told], labels[told], density[told]
        if told[: held_out.val].sum() >= ENOUGH_PLACED:  # records of train places may be what a range model learned
            count = int(told[: held_out.val].sum())
            logits, labels, density = logits[:count], labels[:count], density[:count]
        if len(labels) < LEAST_ROWS:
            raise DatasetError(
                f"of the held-out photos, {len(labels):,} are at places{' and dates' if dated else ''} of which "
                f"{prior.kind} says something; at least {LEAST_ROWS} are needed to fit on. Take a dataset with places "
                "there."
            )
    joining = fit_joining(logits, labels, density)
    probability = joining(logits, density)
    rule = choose_rule(probability, labels)
    rolling = RollUp(groups)
    score, number = rolling.best(probability)
    return Learned(
        prior="" if prior is None else prior.identity if dated else undated(prior.identity),
        prior_kind="" if prior is None else prior.kind,
        joining=joining,
        rule=rule,
        own=own_nonconformity(probability, labels, rule).astype(np.float32),
        roll_score=score.astype(np.float32),
        roll_right=rolling.right(number, labels),
    )


def refitted(scores: ImageScores, train: SeenRows) -> ImageScores:
    """The same kind of scores, learned from some rows."""
    features, labels = train.seen.features, train.labels
    match scores:
        case ProbeScores():
            standardise = Standardiser.fit(features)
            c = scores.probe.c
            probe = fit_probe(standardise(features), labels, len(scores.taxa), c=c if c > 0 else 0.1)
            return replace(scores, standardise=standardise, probe=probe)
        case NeighbourScores():
            return replace(
                scores, gallery=Gallery(features=features, labels=labels), standardise=Standardiser.fit(features)
            )
        case MeanScores():
            means = np.full((len(scores.taxa), features.shape[1]), np.nan, np.float32)
            for label in np.unique(labels):
                means[label] = features[labels == label].mean(axis=0)
            return replace(scores, means=unit(means))
        case _:
            raise AssertionError(f"{type(scores).__name__} cannot be learned again")
