"""Where and when to look next: a taxon is expected, nobody recorded it, and few looked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError, some_of
from birdsat.files import check_new
from birdsat.maps.richness import SuitabilityBlock
from birdsat.maps.seasons import month_names
from birdsat.maps.survey_gaps import SurveyGaps, survey_gaps
from birdsat.maps.taxon_range import name_or_number
from birdsat.observations.occurrence_grid import effort, recorded_cells
from birdsat.observations.occurrences import Occurrences
from birdsat.progress import QUIET, Progress
from birdsat.ranges.all_taxa import Groups, iter_taxa
from birdsat.ranges.model import RangeFeatures, RangeModel
from birdsat.ranges.thresholds import BY_CONSTRUCTION
from birdsat.workflows.open_ranges import cautions, note_cautions, open_ranges
from birdsat.workflows.records_on_cells import read_tables
from birdsat.workflows.reported import Reported
from birdsat.workflows.requests.maps import GapsRequest


class GapsResult(Reported[SurveyGaps]):
    """Survey gaps, and the table that they were written to."""


def find_gaps(request: GapsRequest, progress: Progress = QUIET) -> GapsResult:
    """Cells and months where a taxon is expected and no table records it, written to a CSV file.

    Of a taxon, only cells in its area of applicability are asked. Records of all taxa in the tables say where was
    looked. Raises InputError when no record lies in the region, ConfigError when the file is there already and not to
    be overwritten, UnknownTaxonError for a taxon that was not fitted.
    """
    out, asked = Path(request.out), name_or_number(str(request.threshold))
    check_new([out], request.overwrite)
    model, region = open_ranges(request)
    taxa = model.named(request.taxa) or model.facts.taxa
    thresholds = _thresholds(model, taxa, asked)
    said = cautions(model, taxa, request.months)
    note_cautions(said, progress)
    records = _records_within(region, read_tables(request.occurrences, request, progress), taxa, progress)
    _check_months(records, request.months, progress)
    blocks = (
        SuitabilityBlock(cells=some.cells, suitability=_within_areas(model, some, taxa, groups, thresholds))
        for some, groups in iter_taxa(model, region, taxa, request.months)
    )
    gaps = survey_gaps(
        blocks,
        taxa,
        request.months,
        region.grid,
        recorded=recorded_cells(records, region.grid, taxa),
        effort=effort(records, region.grid),
        threshold=asked,
        thresholds=thresholds,
        max_gaps=request.max_gaps,
        cautions=said,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    gaps.write_csv(out)
    return GapsResult(report=gaps, files=(out,))


def _thresholds(model: RangeModel, taxa: Sequence[str], asked: str | float) -> tuple[float, ...]:
    """From which value on each taxon is expected. Raises InputError for a name where nothing was held out to choose
    thresholds on."""
    if isinstance(asked, float):
        return (asked,) * len(taxa)
    if asked == "prevalence":
        return (BY_CONSTRUCTION,) * len(taxa)
    found = [model.thresholds(taxon) for taxon in taxa]
    if lacking := [taxon for taxon, one in zip(taxa, found, strict=True) if one is None]:
        raise InputError(
            f"{some_of(lacking)}: nothing was held out to choose a threshold on. Give a number above 0, up to 1.",
            settings=("threshold",),
        )
    return tuple(float(getattr(one, asked)) for one in found)


def _check_months(records: Occurrences, months: Sequence[int], progress: Progress) -> None:
    """Raise InputError where nothing was recorded in any of the months, and note those in which nothing was. Records
    without a date are of any."""
    there = set(np.unique(records.month).tolist())
    if 0 in there or not (lacking := [month for month in months if month not in there]):
        return
    if len(lacking) == len(months):
        raise InputError(
            f"nothing was recorded in {month_names(lacking)}, so that every cell would be a gap; ask for months in "
            f"which somebody looked: {', '.join(map(str, sorted(there)))}.",
            settings=("months",),
        )
    progress.note(
        f"nothing was recorded in {month_names(lacking)}: every cell where a taxon is expected is a gap then."
    )


def _within_areas(
    model: RangeModel, cells: RangeFeatures, taxa: Sequence[str], groups: Groups, thresholds: Sequence[float]
) -> NDArray[np.float32]:
    """(taxa, months, c) suitabilities; NaN where a taxon would be expected outside its area of applicability. Asked in
    the few cells where it is expected alone."""
    suitability = np.concatenate(list(groups))
    for label, of_taxon, threshold in zip(model.labels(taxa), suitability, thresholds, strict=True):
        expected = np.flatnonzero((of_taxon >= threshold).any(axis=0))
        if len(expected):
            inputs, lon_lat = cells.inputs[expected], cells.lon_lat[expected]
            (inside,) = model.applicability.inside(inputs, lon_lat, (label,))
            of_taxon[:, expected[~inside]] = np.nan
    return suitability


def _records_within(region: Region, records: Occurrences, taxa: Sequence[str], progress: Progress) -> Occurrences:
    """Those in the region's grid; what is odd is noted. Raises InputError when there is none."""
    inside = records.where(region.grid.cells_at(*records.lon_lat.T) >= 0)
    if not len(inside):
        raise InputError(
            f"none of the {len(records):,} records lies in {region.name_and_box}; give "
            "tables of that region. Without records every cell would be a gap."
        )
    if len(inside) < len(records):
        progress.note(f"{len(records) - len(inside):,} of {len(records):,} records lie outside the region.")
    recorded = {inside.taxa[label] for label in np.flatnonzero(inside.counts).tolist()}
    if missing := [taxon for taxon in taxa if taxon not in recorded]:
        progress.note(f"{len(missing):,} of {len(taxa):,} taxa are never recorded in the region, such as {missing[0]}.")
    return inside
