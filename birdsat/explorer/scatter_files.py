"""What embedding a dataset's photos leaves in the store: their embeddings, and where they lie in a plane."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.files import write_atomic

_PHOTOS, _POINTS = "photos.bin", "scatter.bin"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScatterFiles:
    """Of one run and dataset, in a folder of their own. `scatter.bin` is written last: with it, all is there."""

    folder: Path

    @property
    def made(self) -> bool:
        """Whether all is there."""
        return self.points.is_file()

    @property
    def points(self) -> Path:
        """float32 x and y of n photos, then int32 rows of n, then int32 taxa of n."""
        return self.folder / _POINTS

    @property
    def rows(self) -> int:
        """n."""
        return self.points.stat().st_size // 16

    def photos(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """(n, d) embeddings and (n,) rows of the dataset."""
        n = self.rows
        rows = np.frombuffer(self.points.read_bytes(), "<i4", n, 8 * n)
        return np.fromfile(self.folder / _PHOTOS, "<f2").reshape(n, -1).astype(np.float32), rows

    def write(
        self,
        embeddings: NDArray[np.float32],
        places: NDArray[np.floating],
        rows: NDArray[np.int64],
        taxa: NDArray[np.int64],
    ) -> None:
        """(n, d), (n, 2), (n,) and (n,)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder / _PHOTOS, embeddings.astype("<f2").tobytes())
        parts = (places.astype("<f4"), rows.astype("<i4"), taxa.astype("<i4"))
        write_atomic(self.points, b"".join(part.tobytes() for part in parts))
