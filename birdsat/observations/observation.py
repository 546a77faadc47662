"""The record that everything starts from: one bird of one taxon, with what is known of where and when."""

import datetime
from dataclasses import dataclass
from typing import Literal, get_args

from birdsat.earth.place import Place
from birdsat.errors import InputError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
NO_BIRD = "no bird"  # taxon of a place at which nothing was observed, whose chip is there to be learned from


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A bird of one taxon. What is not known is None: a photo without place or date is legal everywhere."""

    id: str  # unique within a dataset
    taxon: str  # scientific name, or NO_BIRD
    photo: str | None = None  # where the photo's bytes are found: a path, or a key that the photo source knows
    photo_box: tuple[float, float, float, float] | None = None  # crop to x, y, width, height in pixels
    place: Place | None = None
    date: datetime.date | None = None
    split: Split | None = None  # as the source gives it; None: to be drawn
    group: str | None = None  # drawn into one split with all others of it, as of one photo or one visit
    licence: str = ""
    attribution: str = ""
    count: float | None = None  # individuals seen, where they were counted

    def __post_init__(self) -> None:
        if not self.id:
            raise InputError("an observation needs an id; give every row of the table a unique one.")
        if not self.taxon:
            raise InputError(f"observation {self.id!r} has no taxon; drop the row or name its taxon.")
        if self.split is not None and self.split not in SPLITS:
            raise InputError(f"observation {self.id!r} has split {self.split!r}; allowed: {', '.join(SPLITS)}.")
