"""What names photos, opened as it is asked for. A stand-in: by the run's own scores alone."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.progress import Progress
from birdsat.tasks.identify.answers import Answers, RolledUp
from birdsat.tasks.naming import name_photos
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.requests.identify_options import IdentifyOptions


@dataclass(frozen=True, kw_only=True)
class StandIn:
    run: Run
    taxa: tuple[str, ...]
    notes: tuple[str, ...] = ()
    calibrated: bool = False
    scores: str = "best"

    @property
    def common_names(self) -> Mapping[str, str]:
        return {}

    @property
    def photo_px(self) -> int:
        return self.run.photo_px

    @property
    def fingerprint(self) -> str:
        return model_fingerprint(self.run)

    def __call__(
        self,
        views: NDArray[np.uint8],
        lon_lat: NDArray[np.float64],
        dates: Sequence[datetime.date | None],
        readable: NDArray[np.bool_],
    ) -> Answers:
        named = name_photos(self.run, list(views))
        score = (named if named.meaning == "probability" else named.with_temperature(0.1)).score.copy()
        score[~readable] = np.nan
        sure = score >= 0.5
        return Answers(
            taxa=self.taxa,
            image_score=score,
            place_date_score=np.full_like(score, np.nan),
            score=score,
            unexpected=np.zeros(score.shape, np.bool_),
            image_set=sure,
            answer_set=sure,
            known=np.where(readable, 1, np.nan).astype(np.float32),
            rolled_up=tuple(
                RolledUp(rank="species", name=self.taxa[int(np.argmax(row))], score=float(row.max())) if ok else None
                for row, ok in zip(score, readable.tolist(), strict=True)
            ),
            verdict=tuple("named" if ok else "unreadable" for ok in readable.tolist()),
        )


def open_run_identifier(options: IdentifyOptions, progress: Progress) -> StandIn:
    run = load_run(Path(options.run))
    return StandIn(run=run, taxa=run.taxa)
