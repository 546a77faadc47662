"""A region: the cells of a grid, embedded once and read for every map of any taxon and month."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.errors import ConfigError
from birdsat.imagery.open_imagery import Imagery
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run

Column = Literal["chip", "covariates", "year"]  # covariates are of a region that has some beside it
BOTH: tuple[Column, ...] = ("chip", "year")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionPoints:
    """What a region holds of n places. A column that was not asked for is (n, 0)."""

    cells: NDArray[np.int64]  # (n,) positions of the cells they are in; -1 outside the grid
    found: NDArray[np.bool_]  # (n,) whether the cell was embedded: it is in the grid, was asked for and has imagery
    chip: NDArray[np.float32]  # (n, f); NaN where not found
    year: NDArray[np.float32]  # (n, 1 + 2 K, d); NaN where not found
    covariates: NDArray[np.float32] | None = None  # (n, k) that a range model reads beside these; NaN where not known


class Region(ABC):
    """Cells that were embedded. Holds no open file."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What messages call it."""

    @property
    def name_and_box(self) -> str:
        """For messages about what lies outside it."""
        box = str(self.grid.box)
        return self.name if box in self.name else f"{self.name}, whose box is {box}"

    @property
    @abstractmethod
    def identity(self) -> str:
        """All that its numbers depend on: two regions of one identity are the same."""

    @abstractmethod
    def way_from(self, folder: Path) -> str:
        """How whatever lies in a folder remembers it, for `open_remembered`; both can be moved together."""

    @property
    @abstractmethod
    def grid(self) -> AnyGrid:
        """The grid that its cells are of."""

    @property
    @abstractmethod
    def run(self) -> str:
        """Name of what embedded it, to be shown."""

    @property
    @abstractmethod
    def model(self) -> str:
        """Fingerprint of what embedded it: numbers of regions of one model mean the same."""

    @property
    @abstractmethod
    def imagery(self) -> Imagery:
        """What its cells were embedded from, which need not be there any more."""

    @property
    @abstractmethod
    def chip_km(self) -> float:
        """Side of the smallest chip that each cell was embedded from, kilometres; 0: it was not from chips."""

    @property
    @abstractmethod
    def chip_width(self) -> int:
        """f, numbers that say what a chip shows."""

    @property
    @abstractmethod
    def embedding_width(self) -> int:
        """d, of the shared space of photos and chips; 0: it has no part in one."""

    @property
    @abstractmethod
    def harmonics(self) -> int:
        """K, of the annual cycle; 0: the method knows no dates."""

    @abstractmethod
    def __len__(self) -> int:
        """Cells with imagery."""

    @abstractmethod
    def cells(self) -> NDArray[np.int64]:
        """(n,) positions of its cells with imagery, sorted."""

    @abstractmethod
    def blocks(self, columns: tuple[Column, ...] = BOTH) -> Iterator[RegionBlock]:
        """All cells in the order of their positions, a block at a time; only the columns asked for are read.

        Raises DatasetError where a part is damaged.
        """

    @abstractmethod
    def at(self, lon_lat: NDArray[np.float64], columns: tuple[Column, ...] = ("chip",)) -> RegionPoints:
        """What the region holds of places (n, 2), in degrees, longitude first; NaN is outside.

        Raises DatasetError where a part is damaged.
        """

    def check_model(self, run: Run) -> None:
        """Raises ConfigError when the region was embedded by another model than that of `run`, or by none."""
        if self.embedding_width == 0:
            raise ConfigError(
                f"{self.name} holds features ({self.run}) that photos cannot be compared with; leave the run out, or "
                f"embed a region by it with `birdsat embed {run.path} OUT --grid STEP ...`.",
                settings=("region",),
            )
        if (own := model_fingerprint(run)) != self.model:
            raise ConfigError(
                f"{self.name} was embedded by the run {self.run!r} (model {self.model}), not by {run.path} "
                f"(model {own}); take that run, or embed a region by this one with `birdsat embed {run.path} OUT "
                "--grid STEP ...` in another folder."
            )

    def _unfilled(self, lon_lat: NDArray[np.float64], columns: tuple[Column, ...]) -> RegionPoints:
        """The places' cells, of which nothing is known yet."""
        cells = self.grid.cells_at(*lon_lat.T)
        n, terms = len(cells), 1 + 2 * self.harmonics
        return RegionPoints(
            cells=cells,
            found=np.zeros(n, dtype=np.bool_),
            chip=np.full((n, self.chip_width if "chip" in columns else 0), np.nan, dtype=np.float32),
            year=np.full((n, terms, self.embedding_width if "year" in columns else 0), np.nan, dtype=np.float32),
        )
