"""Surveys brought onto the cells of a grid: one row of each taxon, cell and month, found or not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.region import Region, RegionPoints
from birdsat.errors import some_of
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.survey_records import SurveyRecords
from birdsat.progress import QUIET, Progress
from birdsat.ranges.points import Cells, SurveyRows

LEAST_ABSENCES = 5  # of a taxon, after thinning; of fewer nothing is learned
NO_ABSENCES = "absences are asked for, and no row of the tables says that a taxon was looked for and not found"


def check_surveys(
    region: Region, everything: Occurrences, taxa: Occurrences, progress: Progress = QUIET
) -> SurveyRecords | None:
    """The survey records of some taxa on the region's cells that have imagery, thinned; None where nothing is left.

    everything: as the tables have it; taxa: the records of those to fit, on cells. What is not used is noted.
    """
    surveys = everything.surveys
    if surveys is None:
        return None
    alike = surveys.absent_rows - int(np.count_nonzero(~surveys.present))
    if alike > 0 and not surveys.checklists:
        progress.note(
            f"{alike:,} rows of absences say again what another does, or are of the place and date of a presence."
        )
    recorded = [name for name, count in zip(taxa.taxa, taxa.counts.tolist(), strict=True) if count]
    fitted = _with_presences(surveys.only_taxa(recorded), everything)
    if other := {name: count for name, count in surveys.absences.items() if count and name not in recorded}:
        progress.note(
            f"{sum(other.values()):,} absences of taxa that are not fitted, or have no record, say only where was "
            f"looked: {some_of(other)}."
        )
    inside = region.at(fitted.lon_lat, columns=()).found & (fitted.lon_lat != 0).any(axis=1)
    _note_dropped(fitted, inside, "outside the region, in a cell without imagery, or at 0,0", progress)
    thinned = thin_surveys(fitted.where(inside), everything, region.grid, progress)
    few = {name: count for name, count in thinned.absences.items() if count < LEAST_ABSENCES}
    if some := [name for name, count in few.items() if count]:
        progress.note(
            f"{sum(few.values()):,} absences are not used, of taxa with fewer than {LEAST_ABSENCES} in different cells "
            f"or months: {some_of(some)}."
        )
    kept = thinned.only_taxa([name for name in thinned.taxa if name not in few])
    return kept if len(kept) else None


def thin_surveys(
    surveys: SurveyRecords, everything: Occurrences, grid: AnyGrid, progress: Progress = QUIET
) -> SurveyRecords:
    """One row of each taxon, cell and month, the earliest; where the taxon was recorded in these, by whatever table,
    it is present there: an absence beside a presence only says that it may be missed.

    What has no date is a month of its own, but gives way to a presence of any month, and any absence to a presence
    without a date. All rows lie in the grid.
    """
    cell = grid.cells_at(*surveys.lon_lat.T)
    order = np.lexsort((surveys.day, ~surveys.present, surveys.month, cell, surveys.label))
    keys = np.stack([surveys.label.astype(np.int64), cell, surveys.month])[:, order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    kept = np.zeros(len(order), dtype=np.bool_)
    kept[order[first]] = True
    beaten = kept & ~surveys.present & _recorded(surveys, everything, grid)
    leading = order[first]  # of each taxon, cell and month: a presence where there is one
    there = np.zeros(len(order), dtype=np.bool_)
    there[order] = (surveys.present | beaten)[leading][np.cumsum(first) - 1]
    recorded = there & ~surveys.present
    again = ~kept & ~surveys.present & ~recorded
    if np.count_nonzero(recorded | again):
        progress.note(
            f"{np.count_nonzero(again):,} absences dropped: another of the same taxon in the same cell and month; "
            f"{np.count_nonzero(recorded):,}: the taxon was recorded there."
        )
    return surveys.where(kept & ~beaten)


def surveys_on_region(
    taxa: Occurrences, surveys: SurveyRecords | None, region: Region, progress: Progress = QUIET
) -> tuple[SurveyRows | None, RegionPoints | None]:
    """The survey rows of taxa with records in the cells of a region, and what the region holds at their visits; None
    where there are none. Absences elsewhere are noted: a region may be of the records and a margin."""
    if surveys is None:
        return None, None
    recorded = [name for name, count in zip(taxa.taxa, taxa.counts.tolist(), strict=True) if count]
    surveys = surveys.only_taxa(recorded)
    found = region.at(surveys.lon_lat, columns=()).found
    if lost := int(np.count_nonzero(~found & ~surveys.present)):
        progress.note(f"{lost:,} absences lie outside the cells of the fit, {region.name}, and are not used.")
    rows = survey_rows(surveys.where(found), taxa.taxa, region.grid)
    if rows is None or rows.present.all():
        return None, None
    of_taxa = len(np.unique(rows.taxon[~rows.present]))
    progress.note(
        f"{np.count_nonzero(~rows.present):,} absences of {of_taxa:,} {'taxon' if of_taxa == 1 else 'taxa'}, one a "
        "cell and month, are learned from."
    )
    return rows, region.at(rows.visits.lon_lat, columns=("chip",))


def survey_rows(surveys: SurveyRecords, taxa: Sequence[str], grid: AnyGrid) -> SurveyRows | None:
    """Rows at the centres of cells, of which nothing more is known yet, labelled by their positions among taxa;
    None where there are none."""
    if len(surveys) == 0:
        return None
    at = np.stack([grid.cells_at(*surveys.lon_lat.T), surveys.day], axis=1)
    visits, first, visit = np.unique(at, axis=0, return_index=True, return_inverse=True)
    label = {name: i for i, name in enumerate(taxa)}
    return SurveyRows(
        visits=Cells(lon_lat=grid.centres(visits[:, 0]), columns={}),
        year_fraction=surveys.year_fraction[first],
        visit=visit.reshape(-1),
        taxon=np.array([label.get(name, -1) for name in surveys.taxa], np.int64)[surveys.label],
        present=surveys.present,
    )


def _with_presences(surveys: SurveyRecords, everything: Occurrences) -> SurveyRecords:
    """With all records of the taxa that tables with their absences have none of, as where presences and absences are
    two tables."""
    found = np.bincount(surveys.label[surveys.present], minlength=len(surveys.taxa))
    lacking = everything.only_taxa([name for name, count in zip(surveys.taxa, found, strict=True) if not count])
    if len(lacking) == 0:
        return surveys
    return surveys.joined(
        SurveyRecords(
            taxa=lacking.taxa,
            label=lacking.label,
            lon_lat=lacking.lon_lat,
            day=lacking.day,
            present=np.ones(len(lacking), dtype=np.bool_),
        )
    )


@dataclass(frozen=True, slots=True)
class _Keys:
    """Of taxa in cells, as one number each."""

    taxa: tuple[str, ...]
    grid: AnyGrid

    def of(self, names: tuple[str, ...], label: NDArray[np.int32], lon_lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,); -1 for taxa that are not among these, and outside the grid."""
        ours = {name: i for i, name in enumerate(self.taxa)}
        number = np.array([ours.get(name, -1) for name in names], np.int64)[label]
        cell = self.grid.cells_at(*lon_lat.T)
        key: NDArray[np.int64] = np.where(
            (number >= 0) & (cell >= 0), number * (self.grid.rows * self.grid.columns) + cell, -1
        )
        return key


def _recorded(surveys: SurveyRecords, everything: Occurrences, grid: AnyGrid) -> NDArray[np.bool_]:
    """(n,) whether the taxon of a row was recorded in its cell and month; where either has no date, in its cell."""
    keys = _Keys(surveys.taxa, grid)
    asked = keys.of(surveys.taxa, surveys.label, surveys.lon_lat)
    known = keys.of(everything.taxa, everything.label, everything.lon_lat)
    month, of_known = surveys.month, everything.month
    undated = np.isin(asked, known[of_known == 0]) | ((month == 0) & np.isin(asked, known))
    found: NDArray[np.bool_] = undated | np.isin(asked * 13 + month, known * 13 + of_known)
    return found & (asked >= 0)


def _note_dropped(surveys: SurveyRecords, kept: NDArray[np.bool_], reason: str, progress: Progress) -> None:
    if lost := int(np.count_nonzero(~kept & ~surveys.present)):
        progress.note(f"{lost:,} absences dropped: {reason}")
