"""Shortlists put in the order of a method that looks at photo and chip together."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.dataset.stored_images import StoredImages
from birdsat.embeddings.inference import inference
from birdsat.errors import ConfigError
from birdsat.methods.method import Method
from birdsat.progress import QUIET, Progress
from birdsat.tasks.retrieve_report import Direction


@dataclass(frozen=True, kw_only=True)
class PairMatcher:
    """A method that tells whether photo and chip belong together, and the images of the gallery's n rows."""

    method: Method
    images: StoredImages  # n
    lon_lat: NDArray[np.float64]  # (n, 2) degrees WGS84, longitude first; NaN where the place is missing
    year_fraction: NDArray[np.float64]  # (n,) in [0, 1); NaN where the date is missing
    batch_size: int = 256  # pairs at a time; nothing else of the images is held
    device: torch.device | str | None = None
    progress: Progress = QUIET

    def __post_init__(self) -> None:
        if not self.method.matches_pairs:
            raise ConfigError(
                f"{type(self.method).__name__} matches no pairs of photo and chip, so it cannot rank answers again; "
                "take a run of cvm_mae."
            )
        if self.batch_size < 1:
            raise ConfigError(f"batch_size is {self.batch_size}; allowed: 1 or more.")

    def logits(
        self, query: NDArray[np.int64], answers: NDArray[np.int64], direction: Direction, *, with_metadata: bool
    ) -> NDArray[np.float32]:
        """(q, k) match logits of each query with each of its answers, higher = belongs together.

        query: (q,) rows of the images that ask; answers: (q, k) rows that answer, -1 where there is none: such a
        place gets -inf. with_metadata False marks place and date missing.
        """
        q, k = answers.shape
        scores = np.full(q * k, -np.inf, dtype=np.float32)
        pairs = np.flatnonzero(answers.reshape(-1) >= 0)
        matching = self.progress.bar(f"matching, {direction}", len(pairs), unit="pairs")
        with inference(self.method, self.device) as where, matching as bar:
            for start in range(0, len(pairs), self.batch_size):
                these = pairs[start : start + self.batch_size]
                asking, answering = query[these // k], answers.reshape(-1)[these]
                photo, chip = (asking, answering) if direction == "photo to chip" else (answering, asking)
                lon_lat = torch.from_numpy(self.lon_lat[chip]).float()
                year_fraction = torch.from_numpy(self.year_fraction[chip]).float()
                if not with_metadata:
                    lon_lat, year_fraction = lon_lat.fill_(torch.nan), year_fraction.fill_(torch.nan)
                logits = self.method.match(
                    torch.from_numpy(self.images.photo[photo]).to(where),
                    torch.from_numpy(self.images.chip[chip]).to(where),
                    lon_lat.to(where),
                    year_fraction.to(where),
                )
                scores[these] = logits.float().cpu().numpy()
                bar.advance(len(these))
        return scores.reshape(q, k)
