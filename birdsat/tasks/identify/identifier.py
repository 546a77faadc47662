"""Names photos by a run: what the image says, what place and date say, both, and how sure that is."""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError
from birdsat.tasks.identify.answers import Answers, RolledUp, Verdict
from birdsat.tasks.identify.conformal import conformal_sets
from birdsat.tasks.identify.fit import Fitted, Learned, undated, unfitted
from birdsat.tasks.identify.image_scores import ImageScores, Kind, open_scores
from birdsat.tasks.identify.kept import load_fitted, scores_fingerprint
from birdsat.tasks.identify.place_date import PlaceDate, when_of
from birdsat.tasks.identify.roll_up import RollUp
from birdsat.tasks.identify.seen import Device, Seen, see
from birdsat.tasks.identify.taught import TaughtScores, with_taught
from birdsat.tasks.identify.taxon_groups import TaxonGroups, taxon_groups
from birdsat.training.run_folder import Run


class RunIdentifier:
    """An `Identifier` of a run."""

    def __init__(
        self,
        run: Run,
        kind: Kind,
        scores: ImageScores,
        fitted: Fitted | None,
        groups: TaxonGroups,
        place_date: PlaceDate | None,
        *,
        coverage: float,
        sure: float,
        gate: float,
        notes: Sequence[str] = (),
        device: Device = None,
    ) -> None:
        """See `open_identifier`."""
        self._run, self.scores, self._scores, self._fitted = run, kind, scores, fitted
        self._groups, self._place_date, self._device = groups, place_date, device
        self._settings = (coverage, sure, gate)
        self._roll_up = RollUp(groups)
        self._gate = None if fitted is None else fitted.gate
        if self._gate is not None and isinstance(scores, TaughtScores):
            self._gate = self._gate.with_taught(*scores.photos)
        own_notes = list(notes)
        if fitted is None:
            own_notes.append(
                "scores are not calibrated: nothing was fitted on held-out photos, so they put the candidates in order "
                "and are not probabilities; sets promise nothing, and neither a name is given nor a gate kept. Fit all "
                "that with `birdsat evaluate identify RUN DATASET`."
            )
        self._image = unfitted(scores.temperature) if fitted is None else fitted.image
        self._joined, note = self._learned_of(place_date)
        self._undated = self._joined if place_date is None else self._learned_of(place_date, dated=False)[0]
        own_notes += [note] if note else []
        if place_date is not None and place_date.note:
            own_notes.append(place_date.note)
        self._pass = -np.inf if fitted is None else fitted.gate_threshold(gate)
        self._ways = (self._image, self._joined, self._undated)
        self._limits = tuple(one.limit(coverage) for one in self._ways)
        self._thresholds = tuple(one.threshold(sure) for one in self._ways)
        self.notes: tuple[str, ...] = tuple(own_notes)

    @property
    def taxa(self) -> tuple[str, ...]:
        """Scientific names."""
        return self._groups.taxa

    @property
    def common_names(self) -> Mapping[str, str]:
        """Of the taxa that have one."""
        pairs = zip(self._groups.taxa, self._groups.common_name, strict=True)
        return {taxon: name for taxon, name in pairs if name}

    @property
    def photo_px(self) -> int:
        """Side of the views that it takes, pixels."""
        return self._run.photo_px

    @property
    def calibrated(self) -> bool:
        """Whether temperatures, sets, rolled-up names and the gate were fitted on held-out photos."""
        return self._fitted is not None

    @property
    def image(self) -> Learned:
        """How probabilities by the image alone are made."""
        return self._image

    @property
    def joined(self) -> Learned:
        """How those by image, place and date are."""
        return self._joined

    @property
    def undated(self) -> Learned:
        """How those by image and place are, where no date is known."""
        return self._undated

    @cached_property
    def fingerprint(self) -> str:
        """Changes with all that answers depend on: weights, taxa, prior, temperatures, thresholds."""
        digest = hashlib.sha256(scores_fingerprint(self._run, self.scores).encode())
        digest.update(repr((self.taxa, self._settings, self._limits, self._thresholds, self._pass)).encode())
        digest.update(repr([(one.joining, one.rule) for one in self._ways]).encode())
        digest.update((self._place_date.identity if self._place_date is not None else "").encode())
        if isinstance(self._scores, TaughtScores):
            digest.update(self._scores.identity.encode())
        return digest.hexdigest()[:16]

    def __call__(
        self,
        views: NDArray[np.uint8],
        lon_lat: NDArray[np.float64],
        dates: Sequence[datetime.date | None],
        readable: NDArray[np.bool_],
    ) -> Answers:
        """views (b, px, px, 3) RGB; lon_lat (b, 2) degrees, NaN: not known; dates (b); readable (b)."""
        return self.answer(see(self._run, views, self._device), lon_lat, when_of(dates), readable)

    def answer(
        self, seen: Seen, lon_lat: NDArray[np.float64], when: NDArray[np.float64], readable: NDArray[np.bool_]
    ) -> Answers:
        """`__call__`, of photos that were looked at; when (b,) year fractions, NaN: not known."""
        n, t = len(seen), len(self.taxa)
        logits = self._scores(seen)
        image = self._image.joining(logits)
        place, unexpected = np.full((n, t), np.nan), np.zeros((n, t), dtype=np.bool_)
        score = image
        way = np.zeros(n, dtype=np.int64)  # by the image alone, by place and date, by the place
        if self._place_date is not None:
            expected = self._place_date(lon_lat, when)
            told = np.isfinite(expected.log_density).all(axis=1) & readable
            unexpected[told] = expected.unexpected[told]
            score = image.copy()
            for number, learned in ((1, self._joined), (2, self._undated)):
                rows = told & (np.isnan(when) == (number == 2))
                way[rows] = number
                place[rows] = learned.joining.share(expected.log_density[rows])
                score[rows] = learned.joining(logits[rows], expected.log_density[rows])
        image, score = np.where(readable[:, None], image, np.nan), np.where(readable[:, None], score, np.nan)
        image_set = conformal_sets(image, self._image.rule, self._limits[0])
        answer_set = image_set.copy()
        for number, learned in ((1, self._joined), (2, self._undated)):
            answer_set[way == number] = conformal_sets(score[way == number], learned.rule, self._limits[number])
        known = np.full(n, np.nan, np.float32)
        if self._gate is not None and n:
            known = self._gate(seen, self._logits_of_gate(seen, logits))
        known[~readable] = np.nan
        rolled, verdict = self._names(score, way, known, readable)
        return Answers(
            taxa=self.taxa,
            image_score=image.astype(np.float32),
            place_date_score=place.astype(np.float32),
            score=score.astype(np.float32),
            unexpected=unexpected,
            image_set=image_set,
            answer_set=answer_set,
            known=known,
            rolled_up=tuple(rolled),
            verdict=tuple(verdict),
            calibrated=np.array([self._ways[number].fitted for number in way.tolist()], dtype=np.bool_),
        )

    def _names(
        self,
        score: NDArray[np.float64],
        way: NDArray[np.int64],
        known: NDArray[np.float32],
        readable: NDArray[np.bool_],
    ) -> tuple[list[RolledUp | None], list[Verdict]]:
        rolled: list[RolledUp | None] = [None] * len(score)
        verdict: list[Verdict] = ["unreadable"] * len(score)
        if not self.calibrated:  # no threshold was chosen, from which on a name is sure enough
            return rolled, ["not calibrated" if one else "unreadable" for one in readable.tolist()]
        for number, threshold in enumerate(self._thresholds):
            numbers = np.flatnonzero((way == number) & readable)
            if not len(numbers):
                continue
            for row, name in zip(numbers.tolist(), self._roll_up.names(score[numbers], threshold), strict=True):
                if known[row] < self._pass:  # NaN passes
                    verdict[row] = "not among these birds"
                else:
                    rolled[row] = name
                    verdict[row] = "named" if name.rank == "species" else "rolled up"
        return rolled, verdict

    def _logits_of_gate(self, seen: Seen, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Those of the taxa that the gate was fitted with."""
        return self._scores.base(seen) if isinstance(self._scores, TaughtScores) else logits

    def _learned_of(self, place_date: PlaceDate | None, *, dated: bool = True) -> tuple[Learned, str | None]:
        """What was fitted with this source of place and date, or else with one of its kind, or else nothing."""
        if place_date is None:
            return self._image, None
        if self._fitted is None:
            return unfitted(self._scores.temperature, place_date), None
        priors = {one.prior: one for one in self._fitted.priors}
        names = (place_date.identity, undated(place_date.identity))
        for name in names if dated else reversed(names):
            if name in priors:
                return priors[name], None
        if alike := [one for one in self._fitted.priors if one.prior_kind == place_date.kind]:
            return alike[-1], (
                f"the weight of place and date was fitted with another source of them ({place_date.kind}); sets and "
                "names promise what they did there."
            )
        return unfitted(self._image.joining.temperature, place_date), (
            "the weight of place and date was not fitted, so scores with them promise nothing; fit it with "
            "`birdsat evaluate identify RUN DATASET` and the same source of place and date."
        )


def open_identifier(
    run: Run,
    *,
    scores: Kind | str = "best",
    place_date: PlaceDate | None = None,
    coverage: float = 0.9,
    sure: float = 0.9,
    gate: float = 0.95,
    taught: bool = True,
    device: Device = None,
) -> RunIdentifier:
    """A run, ready to name photos.

    scores: what names them, the best that the run has or one of KINDS. place_date: of the taxa of `identified_taxa`.
    coverage: of conformal sets; sure: rate at which rolled-up names are right; gate: share of photos of its own taxa
    that pass, 1 for no gate. taught: whether taxa that were taught beside the run take part. Raises CheckpointError as
    `open_scores` and `load_fitted` do, ConfigError for rates that are impossible.
    """
    check_rates(coverage=coverage, sure=sure, gate=gate)
    kind, base = open_scores(run, scores)  # type: ignore[arg-type]
    fitted = load_fitted(run, kind)
    groups = taxon_groups(base.taxa) if fitted is None else fitted.groups
    every, notes = with_taught(run, base) if taught else (base, ())
    if fitted is not None and isinstance(every, TaughtScores):
        every = every.at_temperature(fitted.image.joining.temperature)
    if every.taxa != groups.taxa:
        more = taxon_groups(every.taxa[len(groups.taxa) :])
        groups = TaxonGroups(
            taxa=every.taxa,
            genus=groups.genus + more.genus,
            family=groups.family + more.family,
            common_name=groups.common_name + more.common_name,
        )
    return RunIdentifier(
        run,
        kind,
        every,
        fitted,
        groups,
        place_date,
        coverage=coverage,
        sure=sure,
        gate=gate,
        notes=notes,
        device=device,
    )


def identified_taxa(run: Run, scores: Kind | str = "best", *, taught: bool = True) -> tuple[str, ...]:
    """The taxa that `open_identifier` would name."""
    _, base = open_scores(run, scores)  # type: ignore[arg-type]
    if not taught:
        return base.taxa
    return with_taught(run, base)[0].taxa


def check_rates(**rates: float) -> None:
    """Raise ConfigError for a rate outside 0..1."""
    for name, rate in rates.items():
        if not 0 < rate <= 1 or (name != "gate" and rate == 1):
            allowed = "above 0, up to 1" if name == "gate" else "above 0, below 1"
            raise ConfigError(f"{name} is {rate}; allowed: {allowed}.", settings=(name,))
