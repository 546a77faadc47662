"""What all outputs of one request share."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    odd_paths: Mapping[str, Path] = field(default_factory=dict)  # of photos whose path is not what their row calls it
    progress: Progress = QUIET

    @property
    def named_by(self) -> str:
        """In words."""
        return f"birdsat {self.version}, {self.run} ({self.fingerprint[:12]})"


ON_A_PAGE = {".png": 30, ".html": 500}  # photos of a contact sheet, by its ending


def page_paths(path: Path, photos: int) -> list[Path]:
    """The files that an output is written to: the pages of a contact sheet, or the file itself."""
    most = ON_A_PAGE.get(path.suffix.lower(), photos)
    return [page_path(path, page) for page in range(1, -(-photos // most) + 1)]


def page_path(path: Path, page: int) -> Path:
    """The file of a page from 1: names.png, names-2.png, ..."""
    return path if page == 1 else path.with_name(f"{path.stem}-{page}{path.suffix}")
