"""What is said of photos: scores apart and together, the name that is sure enough, and whether it is a known bird."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Rank = Literal["species", "genus", "family", "order", "class"]
# "not calibrated": nothing tells how sure a name has to be, so there are candidates, and none of them is the answer.
Verdict = Literal["named", "rolled up", "not calibrated", "not among these birds", "unreadable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledUp:
    """The finest name that is sure enough."""

    rank: Rank
    name: str  # scientific; "Aves" where no family is sure enough
    score: float  # probability that the photo's taxon belongs to it


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What an identifier says of n photos about its t taxa."""

    taxa: tuple[str, ...]  # t scientific names
    image_score: NDArray[np.float32]  # (n, t) probability by the image alone; NaN in rows of unreadable photos
    place_date_score: NDArray[np.float32]  # (n, t) probability by place and date alone; NaN where they say nothing
    score: NDArray[np.float32]  # (n, t) probability by all that is known
    unexpected: NDArray[np.bool_]  # (n, t) whether place and date speak against the taxon
    image_set: NDArray[np.bool_]  # (n, t) conformal set by the image alone
    answer_set: NDArray[np.bool_]  # (n, t) conformal set by all that is known
    known: NDArray[np.float32]  # (n,) how much the photo is like those of its taxa, before any prior: the gate's score
    rolled_up: tuple[RolledUp | None, ...]  # n; None for photos of which no name is given: see the verdict
    verdict: tuple[Verdict, ...]  # n
    # (n,) whether `score` is a probability, fitted on held-out photos; None: of all of them. Where it is not, scores
    # order the taxa and promise nothing.
    calibrated: NDArray[np.bool_] | None = None


class Identifier(Protocol):
    """Names photos. The same input gives the same answer at every call, whatever else is in its batch."""

    @property
    def taxa(self) -> tuple[str, ...]:
        """Scientific names."""

    @property
    def common_names(self) -> Mapping[str, str]:
        """Of the taxa that have one."""

    @property
    def photo_px(self) -> int:
        """Side of the views that it takes, pixels."""

    @property
    def fingerprint(self) -> str:
        """Changes with all that answers depend on: weights, taxa, prior, temperatures, thresholds."""

    def __call__(
        self,
        views: NDArray[np.uint8],
        lon_lat: NDArray[np.float64],
        dates: Sequence[datetime.date | None],
        readable: NDArray[np.bool_],
    ) -> Answers:
        """views (b, px, px, 3) RGB; lon_lat (b, 2) degrees, NaN: not known; dates (b); readable (b)."""
