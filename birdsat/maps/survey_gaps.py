"""Where and when to look next: a taxon is expected, nobody recorded it, and few looked."""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError, InputError
from birdsat.files import write_atomic
from birdsat.maps.richness import SuitabilityBlock, check_taxa
from birdsat.observations.occurrence_grid import Cells, Effort, RecordedCells
from birdsat.tables import Table, csv_text

_HEAD = ("taxon", "lon", "lat", "month", "relative_suitability", "records_of_all_taxa", "rank", "threshold")
_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SurveyGaps:
    """Cells and months where a taxon is expected but unrecorded, the most promising first."""

    taxa: tuple[str, ...]  # t names
    label: NDArray[np.int64]  # (g,) index of each gap's taxon
    lon_lat: NDArray[np.float64]  # (g, 2) centre of its cell, degrees
    month: NDArray[np.int64]  # (g,) 1..12
    suitability: NDArray[np.float32]  # (g,) of the taxon there
    effort: NDArray[np.float64]  # (g,) records of all taxa in the cell and month
    threshold: str | float  # suitability from which taxa are expected, or what that of each is called
    thresholds: NDArray[np.float32]  # (t,) suitability from which each taxon is expected
    found: int  # gaps in all; g are kept
    cautions: tuple[str, ...] = ()  # what whoever reads the numbers must know

    @property
    def rank(self) -> NDArray[np.float64]:
        """(g,) chance that the taxon is there and was missed, falling; see `survey_gaps`."""
        return rank_of(self.suitability, self.effort)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "threshold": self.threshold,
            "found": self.found,
            "cautions": list(self.cautions),
            "gaps": [dict(zip(_HEAD, row, strict=True)) for row in self._rows()],
        }

    def table(self, most: int = _SHOWN) -> Table:
        """For the console: the first of them."""
        table = Table(title=f"{self.found:,} cells and months with a taxon expected but unrecorded")
        table.add_column("taxon")
        for name in ("lon", "lat", "month", "relative suitability", "records", "rank"):
            table.add_column(name)
        for taxon, lon, lat, month, suitability, effort, rank, _ in self._rows()[:most]:
            when = calendar.month_abbr[month]
            figures = (f"{lon:.2f}", f"{lat:.2f}", when, f"{suitability:.2f}", f"{effort:,.4g}", f"{rank:.3f}")
            table.add_row(taxon, *figures)
        table.caption = (
            f"expected: relative suitability {self._threshold_text} or more; records: of all taxa in the cell and "
            "month; rank: relative suitability / (1 + records)"
        )
        return table

    @property
    def _threshold_text(self) -> str:
        if not isinstance(self.threshold, str):
            return f"{self.threshold:g}"
        low, high = (f"{value:.3g}" for value in (self.thresholds.min(), self.thresholds.max()))
        return f"of {self.threshold} ({low if low == high else f'{low} to {high}'})"

    def write_csv(self, path: Path) -> None:
        """A row for each gap."""
        write_atomic(path, csv_text(_HEAD, self._rows()))

    def _rows(self) -> list[tuple[str, float, float, int, float, float, float, float]]:
        names = [self.taxa[i] for i in self.label]
        columns = (
            np.round(self.lon_lat[:, 0], 6).tolist(),
            np.round(self.lon_lat[:, 1], 6).tolist(),
            self.month.tolist(),
            np.round(self.suitability.astype(np.float64), 4).tolist(),
            np.round(self.effort, 4).tolist(),
            np.round(self.rank, 6).tolist(),
            np.round(self.thresholds[self.label].astype(np.float64), 4).tolist(),
        )
        return list(zip(names, *columns, strict=True))


def survey_gaps(
    blocks: Iterable[SuitabilityBlock],
    taxa: Sequence[str],
    months: Sequence[int],
    grid: Cells,
    *,
    recorded: RecordedCells,
    effort: Effort,
    threshold: str | float,
    thresholds: Sequence[float],
    max_gaps: int = 1000,
    cautions: Sequence[str] = (),
) -> SurveyGaps:
    """The cells and months where a taxon is expected but unrecorded, by the chance that it is there and was missed.

    blocks: of t taxa and m months (1..12) on `grid`; recorded (of the same taxa in the same order) and effort are on it
    too. That chance is suitability / (1 + records): one who looks finds the taxon with a chance of which nothing is
    known, so each value of it between 0 and 1 is as likely, and e who look all miss it with the mean of
    (1 - chance)^e, which is 1 / (1 + e). Each record of any taxon in the cell and month counts as one who looked.

    thresholds: (t,) the suitability from which each taxon is expected; threshold: what these are called, or the number
    that all have, for the record, as are cautions: what whoever reads the numbers must know.

    Of all gaps, the `max_gaps` highest are kept, so that memory does not grow with the grid. Raises ConfigError for
    settings out of range, InputError for a number of taxa or months that is not the blocks'.
    """
    least = np.asarray(thresholds, dtype=np.float32)
    if not ((least > 0) & (least <= 1)).all() or max_gaps < 1:
        raise ConfigError(
            f"thresholds {least.tolist()} and max_gaps {max_gaps}: allowed are above 0, up to 1, and 1 gap or more."
        )
    check_taxa(taxa, len(least))
    best = np.empty((0, 6))  # rank, label, month, cell, suitability, effort
    found = 0
    for block in blocks:
        check_taxa(taxa, len(block.suitability))
        if block.suitability.shape[1] != len(months):
            raise InputError(
                f"{len(months)} months are named, the blocks have {block.suitability.shape[1]}; name each."
            )
        label, at_month, at_cell = np.nonzero(block.suitability >= least[:, None, None])
        month = np.asarray(months, dtype=np.int64)[at_month]
        cell = block.cells[at_cell]
        new = ~recorded.contains(label.astype(np.int64), month, cell)
        label, at_month, at_cell, month, cell = (a[new] for a in (label, at_month, at_cell, month, cell))
        found += len(label)
        suitability = block.suitability[label, at_month, at_cell].astype(np.float64)
        looked = effort.by_month(block.cells)[month - 1, at_cell]
        rows = np.stack([rank_of(suitability, looked), label, month, cell, suitability, looked], axis=1)
        best = _highest(np.concatenate([best, rows]), max_gaps)
    cells = best[:, 3].astype(np.int64)
    row, column = np.divmod(cells, grid.columns)
    lon_lat = np.stack([(grid.lon[column] + 180) % 360 - 180, grid.lat[row]], axis=1)
    return SurveyGaps(
        taxa=tuple(taxa),
        label=best[:, 1].astype(np.int64),
        lon_lat=lon_lat,
        month=best[:, 2].astype(np.int64),
        suitability=best[:, 4].astype(np.float32),
        effort=best[:, 5],
        threshold=threshold,
        thresholds=least,
        found=found,
        cautions=tuple(cautions),
    )


def rank_of(suitability: NDArray[np.floating[Any]], effort: NDArray[np.float64]) -> NDArray[np.float64]:
    """suitability / (1 + effort); see `survey_gaps`."""
    return np.asarray(suitability, dtype=np.float64) / (1 + effort)


def _highest(rows: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Sorted by rank, falling; equals by taxon, month and cell, so that the order of the blocks changes nothing."""
    if len(rows) > most:  # first those that may be kept: sorting all is slow; ties at the edge stay until then
        edge = np.partition(rows[:, 0], len(rows) - most)[len(rows) - most]
        rows = rows[rows[:, 0] >= edge]
    order = np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], -rows[:, 0]))
    return rows[order[:most]]
