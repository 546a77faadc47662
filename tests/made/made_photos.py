"""Photos with EXIF, a thing that names them without a model, and rows of named photos."""

import csv
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from birdsat.tasks.identify.answers import Answers, RolledUp, Verdict
from birdsat.workflows.identify_outputs.about import About
from birdsat.workflows.identify_outputs.rows import Answer, PhotoRow

TAXA = ("Corvus corax", "Pica pica", "Falco peregrinus")
COMMON = {"Corvus corax": "Common Raven", "Falco peregrinus": "=Peregrine <b>Falcon</b>"}


def save_photo(
    path: Path,
    red: int = 200,
    *,
    taken: str = "",
    lon_lat: tuple[float, float] | None = None,
    size: tuple[int, int] = (40, 30),
) -> Path:
    """A photo of one colour: what names it looks at how red it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if lon_lat is not None:
        lon, lat = lon_lat
        place = {
            1: "N" if lat >= 0 else "S",
            2: (abs(lat), 0.0, 0.0),
            3: "E" if lon >= 0 else "W",
            4: (abs(lon), 0.0, 0.0),
        }
        exif.get_ifd(0x8825).update(place)
    Image.new("RGB", size, (red, 40, 60)).save(path, exif=exif)
    return path


@dataclass
class FakeIdentifier:
    """By colour: red is the first taxon, dark the second of which only the genus is sure, and blue not a bird."""

    fingerprint: str = "fake-1"
    asked: list[int] = field(default_factory=list)  # photos in each call
    fail_after: int | None = None  # calls
    taxa: tuple[str, ...] = TAXA
    photo_px: int = 24
    notes: tuple[str, ...] = ()

    @property
    def common_names(self) -> Mapping[str, str]:
        return COMMON

    def __call__(
        self,
        views: NDArray[np.uint8],
        lon_lat: NDArray[np.float64],
        dates: Sequence[datetime.date | None],
        readable: NDArray[np.bool_],
    ) -> Answers:
        if self.fail_after is not None and len(self.asked) >= self.fail_after:
            raise KeyboardInterrupt
        assert views.shape[1:] == (24, 24, 3) and len(lon_lat) == len(dates) == len(readable) == len(views)
        self.asked.append(len(views))
        red = views[..., 0].mean(axis=(1, 2))
        first = np.where(red > 150, 0.8, 0.3)
        score = np.stack([first, 0.9 - first, np.full(len(red), 0.1)], axis=1).astype(np.float32)
        score[~readable] = np.nan
        prior = np.full_like(score, np.nan)
        prior[~np.isnan(lon_lat[:, 0])] = (0.01, 0.49, 0.5)
        verdicts: list[Verdict] = []
        rolled: list[RolledUp | None] = []
        for ok, shade in zip(readable.tolist(), red.tolist(), strict=True):
            verdict: Verdict = "named" if shade > 150 else "rolled up" if shade > 20 else "not among these birds"
            verdicts.append(verdict if ok else "unreadable")
            name = {"named": ("species", "Corvus corax"), "rolled up": ("genus", "Pica")}.get(verdicts[-1])
            rolled.append(None if name is None else RolledUp(rank=name[0], name=name[1], score=0.9))  # type: ignore[arg-type]
        return Answers(
            taxa=self.taxa,
            image_score=score,
            place_date_score=prior,
            score=score,
            unexpected=prior < 0.02,
            image_set=score >= 0.5,
            answer_set=score >= 0.5,
            known=np.where(readable, 0.7, np.nan).astype(np.float32),
            rolled_up=tuple(rolled),
            verdict=tuple(verdicts),
        )


def answer(rank: int, taxon: str, score: float, **given: Any) -> Answer:
    facts: dict[str, Any] = {
        "common_name": COMMON.get(taxon, ""),
        "image_score": score,
        "place_date_score": None,
        "unexpected": False,
        "in_image_set": score > 0.5,
        "in_set": score > 0.5,
    }
    return Answer(rank=rank, taxon=taxon, score=score, **(facts | given))


def row(photo: str = "trip/a.jpg", **given: Any) -> PhotoRow:
    """Of a raven near Seattle, as far as nothing else is said."""
    facts: dict[str, Any] = {
        "lon": -122.3,
        "lat": 47.65,
        "place_from": "EXIF",
        "date": "2024-05-01",
        "date_from": "EXIF",
        "taken": "2024-05-01T06:30:00",
        "verdict": "named",
        "rolled_up_rank": "species",
        "rolled_up": "Corvus corax",
        "rolled_up_score": 0.9,
        "known": 0.7,
        "set_size": 1,
        "answers": (answer(1, "Corvus corax", 0.9), answer(2, "Pica pica", 0.0625)),
        "remarks": (),
    }
    return PhotoRow(photo=photo, **(facts | given))


def unreadable(photo: str = "trip/bad.jpg") -> PhotoRow:
    return row(
        photo,
        lon=None,
        lat=None,
        place_from="",
        date=None,
        date_from="",
        taken=None,
        verdict="unreadable",
        rolled_up_rank="",
        rolled_up="",
        rolled_up_score=None,
        known=None,
        set_size=0,
        answers=(),
        remarks=("an empty file",),
    )


ABOUT = About(
    run="mine",
    version="0.1.0",
    fingerprint="abcdef0123456789",
    day=datetime.date(2024, 6, 1),
    top=2,
    wide=False,
    coverage=0.9,
    license="CC-BY-4.0",
    hide_places=False,
    photos=2,
)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
