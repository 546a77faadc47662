"""What is known of a photo that was named: the row that every output is made of."""

import dataclasses
import datetime
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from birdsat.observations.photos.facts import PhotoFacts
from birdsat.tasks.identify.answers import Answers, Verdict
from birdsat.tasks.identify.taxon_groups import english_name, in_science


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One of the taxa that a photo may show."""

    rank: int  # 1 is likeliest
    taxon: str
    common_name: str
    image_score: float  # probability by the image alone
    place_date_score: float | None  # by place and date alone; None where they say nothing
    score: float  # by all that is known; probabilities where the photo's row is calibrated
    unexpected: bool  # place and date speak against it
    in_image_set: bool  # of the conformal set by the image alone
    in_set: bool  # of the conformal set by all that is known


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoRow:
    """A photo and its answers, the likeliest first."""

    photo: str  # its path, as it was found
    lon: float | None
    lat: float | None
    place_from: str
    date: str | None  # ISO 8601
    date_from: str
    taken: str | None  # local time, ISO 8601, where EXIF tells it
    verdict: Verdict
    rolled_up_rank: str
    rolled_up: str  # the finest name that is sure enough; "" where there is none
    rolled_up_score: float | None
    known: float | None  # how much the photo is like those of the taxa that are known
    set_size: int  # taxa in the conformal set
    answers: tuple[Answer, ...]
    remarks: tuple[str, ...]  # why it cannot be read, and what is odd about its place and date
    uncertainty_km: float | None = None  # of a place that is told coarsely
    calibrated: bool = True  # whether scores are probabilities; else they put the answers in order, and no more

    @property
    def best(self) -> Answer | None:
        """The likeliest answer."""
        return self.answers[0] if self.answers else None

    @property
    def name(self) -> str:
        """What the photo is said to show: the taxon, the group that is sure enough, or the verdict in words."""
        if self.verdict == "named" and self.rolled_up:
            return self.rolled_up
        if self.verdict == "named" and self.best is not None:
            return self.best.taxon
        return self.rolled_up if self.verdict == "rolled up" and self.rolled_up else self.verdict

    @property
    def common_name(self) -> str:
        """Of the taxon that it is said to show."""
        told = next((one.common_name for one in self.answers if one.taxon == self.name), "")
        return told or (english_name(self.scientific_name) if self.scientific_name != self.name else "")

    @property
    def scientific_name(self) -> str:
        """Of what it is said to show, where a run calls it in English; the name itself where that is not known."""
        is_species = self.verdict == "named" and self.rolled_up_rank in ("", "species")
        return in_science(self.name) if is_species else self.name  # which opens a list of all birds

    @property
    def moment(self) -> datetime.datetime | None:
        """Local time, where it is known."""
        return None if self.taken is None else datetime.datetime.fromisoformat(self.taken)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "PhotoRow":
        """What `to_dict` gave. Raises TypeError or KeyError for anything else."""
        given = dict(value)
        answers = tuple(Answer(**one) for one in given.pop("answers"))
        return cls(answers=answers, remarks=tuple(given.pop("remarks")), **given)


MAY_BE = 0.01  # score from which on a photo may be of a taxon


def photo_rows(
    photos: Sequence[Path],
    reasons: Sequence[str],
    facts: Sequence[PhotoFacts],
    answers: Answers,
    common_names: Mapping[str, str],
    top: int,
) -> Iterator[PhotoRow]:
    """The rows of a batch, with `top` answers each, and all others that may be right.

    reasons: why a photo could not be read, or what of its file was passed over.
    """
    for number, (photo, reason, one) in enumerate(zip(photos, reasons, facts, strict=True)):
        rolled = answers.rolled_up[number]
        yield PhotoRow(
            photo=printable(str(photo)),
            lon=None if one.place is None else one.place.lon,
            lat=None if one.place is None else one.place.lat,
            place_from=one.place_from,
            date=None if one.date is None else one.date.isoformat(),
            date_from=one.date_from,
            taken=None if one.taken is None else one.taken.isoformat(),
            verdict=answers.verdict[number],
            rolled_up_rank="" if rolled is None else rolled.rank,
            rolled_up="" if rolled is None else rolled.name,
            rolled_up_score=None if rolled is None else _known(rolled.score),
            known=_known(answers.known[number]),
            set_size=int(answers.answer_set[number].sum()),
            answers=tuple(_answers(answers, number, common_names, top)),
            remarks=tuple(([reason] if reason else []) + list(one.remarks)),
            calibrated=answers.calibrated is None or bool(answers.calibrated[number]),
        )


def _answers(answers: Answers, photo: int, common_names: Mapping[str, str], top: int) -> Iterator[Answer]:
    if answers.verdict[photo] == "unreadable":
        return
    score = answers.score[photo]
    order = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")
    count = max(top, int((score >= MAY_BE).sum()))
    for rank, label in enumerate(order[:count].tolist(), start=1):
        if not math.isnan(score[label]):
            taxon = answers.taxa[label]
            yield Answer(
                rank=rank,
                taxon=taxon,
                common_name=common_names.get(taxon, ""),
                image_score=float(answers.image_score[photo, label]),
                place_date_score=_known(answers.place_date_score[photo, label]),
                score=float(score[label]),
                unexpected=bool(answers.unexpected[photo, label]),
                in_image_set=bool(answers.image_set[photo, label]),
                in_set=bool(answers.answer_set[photo, label]),
            )


def _known(number: Any) -> float | None:
    return None if math.isnan(number) else float(number)


def printable(path: str) -> str:
    """A path that can be written as text, whatever bytes its name has."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
