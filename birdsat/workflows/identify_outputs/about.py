"""What all outputs of one request share."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from birdsat.progress import QUIET, Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """Who named the photos, and how they are to be written."""

    run: str  # name of its folder
    version: str  # of birdsat
    fingerprint: str  # of what named them
    day: datetime.date  # when
    top: int
    wide: bool
    coverage: float  # of the conformal sets
    license: str
    hide_places: bool
    photos: int  # rows
    progress: Progress = QUIET

    @property
    def named_by(self) -> str:
        """In words."""
        return f"birdsat {self.version}, {self.run} ({self.fingerprint[:12]})"


def page_path(path: Path, page: int) -> Path:
    """The file of a page from 1: names.png, names-2.png, ..."""
    return path if page == 1 else path.with_name(f"{path.stem}-{page}{path.suffix}")
