"""The records that a served model was fitted to, where they are still there, and how much was looked."""

import threading
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.errors import BirdsatError
from birdsat.explorer.shown_points import shown_points
from birdsat.maps.map_file import MapFile
from birdsat.observations.occurrence_grid import effort
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.ranges.facts import SETTINGS_FILE
from birdsat.workflows.effort_map import EFFORT_FILE

COARSE_DEGREES = 0.5  # squares in whose middle records of a sensitive taxon are shown


class ModelRecords:
    """Of one model. Tables are read when records are asked for first; those that are gone or cannot be read are passed
    over."""

    def __init__(
        self,
        tables: Sequence[Path],
        folder: Path,
        grid: AnyGrid,
        cells: NDArray[np.int64],
        sensitive: Collection[str] = (),
    ) -> None:
        """folder: of the range model, which has the map of effort; sensitive: taxa of the model whose places are not
        shown as they are."""
        self._tables, self._folder, self._grid, self._cells = list(tables), folder, grid, cells
        self._sensitive, self._lock = frozenset(sensitive), threading.Lock()
        self._read: Occurrences | None = None
        self._recorded: dict[str, NDArray[np.int64]] = {}

    @property
    def known(self) -> bool:
        """Whether there is any table."""
        return bool(self._tables)

    @property
    def all(self) -> Occurrences | None:
        """All records; None where they cannot be had."""
        with self._lock:
            if self._read is None and self._tables:
                try:
                    self._read = read_occurrences(self._tables)
                except BirdsatError:
                    self._tables = []
            return self._read

    @cached_property
    def effort(self) -> NDArray[np.float32] | None:
        """(n,) relative effort in the cells; None where it is not known, or was alike everywhere."""
        path = self._folder / EFFORT_FILE
        if not path.is_file():
            return None
        try:
            with MapFile(path) as found:
                if found.description.grid != self._grid:
                    return None
                values = found.read().value[0].reshape(-1)[self._cells]
        except BirdsatError:
            return None
        return None if not np.isfinite(values).any() or np.ptp(values[np.isfinite(values)]) == 0 else values

    def of(self, taxon: str, *, coarse: bool = True) -> dict[str, Any]:
        """Places and months of a taxon's records, as `shown_points` gives them; those of a sensitive one in the middle
        of coarse squares, or left out altogether."""
        found = self._of(taxon)
        if not self.is_sensitive(taxon):
            return shown_points(found)
        return shown_points(found, coarsened_deg=COARSE_DEGREES, left_out=not coarse)

    def is_sensitive(self, taxon: str) -> bool:
        """Whether its places are not to be shown as they are."""
        return taxon in self._sensitive

    def counts(self, taxon: str, grid: AnyGrid, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) records in each cell; none at all of a sensitive taxon."""
        found = None if self.is_sensitive(taxon) else self._of(taxon)
        if found is None:
            return np.zeros(len(cells), np.int64)
        at = grid.cells_at(*found.lon_lat.T)
        return np.bincount(np.searchsorted(cells, at[np.isin(at, cells)]), minlength=len(cells))

    def recorded(self, taxa: Sequence[str], grid: AnyGrid, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(taxa, c) whether anybody recorded each in the cells, in any month."""
        return np.stack([np.isin(cells, self._recorded_cells(taxon, grid)) for taxon in taxa])

    def by_month(self, grid: AnyGrid, cells: NDArray[np.int64], months: int) -> NDArray[np.float64]:
        """(months, n) records of all taxa; of one month, those of the whole year."""
        everything = self.all
        if everything is None:
            return np.zeros((months, len(cells)))
        looked = effort(everything, grid)
        return looked.by_month(cells) if months > 1 else looked.weight(cells)[None]

    def _of(self, taxon: str) -> Occurrences | None:
        everything = self.all
        return None if everything is None or taxon not in everything.taxa else everything.of_label(taxon)

    def _recorded_cells(self, taxon: str, grid: AnyGrid) -> NDArray[np.int64]:
        if taxon not in self._recorded:
            found = None if self.is_sensitive(taxon) else self._of(taxon)
            at = np.empty(0, np.int64) if found is None else np.unique(grid.cells_at(*found.lon_lat.T))
            self._recorded[taxon] = at
        return self._recorded[taxon]


def remembered_tables(folder: Path, command: str, names: Sequence[str]) -> list[Path]:
    """The tables that a fit's command names, those that are still there: of a range model the way to its records."""
    import shlex

    words = shlex.split(command)[2:] if command else []
    options = next((number for number, word in enumerate(words) if word.startswith("--")), len(words))
    found = [Path(word) for word in words[:options] if Path(word).name in names]
    beside = [folder / name for name in names]
    return [path for path in (found or beside) if path.is_file() and path.name != SETTINGS_FILE]
