"""From tables to the records and the cells that a fit is made of: the same for `fit` and for `map`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.world import open_world
from birdsat.errors import some_of
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.row_rules import COUNT_OF_0, RECORDED_ABSENT
from birdsat.observations.record_dates import DATE_LOST
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.progress import QUIET, Progress
from birdsat.ranges.effort import hardly_corrected
from birdsat.ranges.records import Records, check_records
from birdsat.ranges.survey_points import NO_ABSENCES
from birdsat.workflows.asked_dates import dates_of
from birdsat.workflows.asked_effort import TargetGroup, with_effort
from birdsat.workflows.extent import extent_of, named_extent, stray_note
from birdsat.workflows.name_lists import open_crosswalk, say_names
from birdsat.workflows.requests.maps import MapRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.requests.records import TableOptions

_WORTH_A_WORD = 0.05  # of the records, without a date that their tables have


def read_tables(
    tables: Sequence[Path | str],
    options: TableOptions,
    progress: Progress = QUIET,
    crosswalk: Crosswalk | None = None,
    *,
    absences: bool = False,
    checklists: bool = False,
) -> Occurrences:
    """All records of the tables, named by the taxonomy that is asked for; crosswalk: to it, where it is open already.
    absences: with the rows that say that a taxon was looked for and not found, as surveys. checklists: with what
    complete checklists do not list, likewise.

    What became of names is noted. Raises what `read_occurrences` raises.
    """
    crosswalk = crosswalk or open_crosswalk(options)
    found = read_occurrences(
        [Path(table) for table in tables],
        columns=TableColumns.parse(tuple(options.columns)),
        max_uncertainty_km=options.max_uncertainty_km,
        dates=dates_of(options),
        crosswalk=crosswalk,
        language=options.language,
        crs=options.crs,
        absences=absences,
        checklists=checklists,
    )
    say_names(found.taxa, found.noted, crosswalk, progress)
    for reason in DATE_LOST:  # which maps of months miss
        if (rows := found.noted.get(reason, 0)) >= _WORTH_A_WORD * max(1, len(found)):
            progress.note(f"{rows:,} {'row' if rows == 1 else 'rows'} kept: {reason}")
    return found


def records_on_cells(
    request: FitRequest | MapRequest,
    own: Occurrences,
    taxa: Sequence[str],
    region: Region | None,
    progress: Progress,
    crosswalk: Crosswalk | None = None,
) -> tuple[Region, Records]:
    """The cells of a fit to some taxa of a request's own tables, or to all of them, and its records on these.

    region: that the request names; None: the built-in world, of which the box is taken that the request names, or that
    of the taxa's records and a margin. Records of the target group say where was looked, and are fitted to nothing. A
    note says where nothing does. Raises what `check_records` raises.
    """
    everything, target = own, TargetGroup.of(request)
    if target.tables:
        everything = own.joined(read_tables(target.tables, request, progress, crosswalk, absences=request.absences))
    _say_absences(request, own, progress)
    looked = target.records(everything, crosswalk)
    own = replace(own, dropped=everything.dropped)  # rows of the target group's tables that are not records, as well
    cells = region or named_extent(request) or open_world()
    records = check_records(
        cells,
        own,
        tuple(taxa),
        trust_places=request.trust_places,
        thin_km=request.thin_km,
        progress=progress,
    )
    if region is None and request.box is None and not request.world:
        if note := stray_note(records.taxa.lon_lat):
            progress.note(note)
        cells = open_world(extent_of(records.taxa.lon_lat))  # of the same cells: the records stay as they are
    records = with_effort(
        records,
        looked,
        request,
        cells.grid,
        cells.cells(),
        within=f"{'on land' if cells.imagery.is_of_land else 'in a cell with imagery'} of {cells.name}",
        tables=request,
        progress=progress,
    )
    if records.effort is None:
        others = "no records of other taxa in these cells say where else was looked; name tables of such as"
        if target.names:
            named = ", ".join(target.names)
            others = (
                f"{named} has no records of other taxa in these cells that say where else was looked; name others as"
            )
        progress.note(f"observer bias not corrected: {others} the target group.")
    elif (hardly := hardly_corrected(records.effort.source, records.effort.share)) is not None:
        progress.note(f"{hardly}.")
    return cells, records


def only_recorded(records: Records, progress: Progress) -> Records:
    """The taxa of which any record is left: of the others, only background is known, which would count as a guess."""
    counts = dict(zip(records.taxa.taxa, records.taxa.counts.tolist(), strict=True))
    if not (lost := [taxon for taxon, count in counts.items() if not count]):
        return records
    progress.note(f"{len(lost):,} taxa have no record in the region's cells and are not in the model: {some_of(lost)}.")
    kept = [taxon for taxon, count in counts.items() if count]
    return replace(records, taxa=records.taxa.only_taxa(kept))


def _say_absences(request: FitRequest | MapRequest, own: Occurrences, progress: Progress) -> None:
    """Absences that are not used, or are asked for and not there, are noted."""
    unused = sum(own.dropped.get(reason, 0) for reason in (RECORDED_ABSENT, COUNT_OF_0))
    if unused and not request.reads_absences:
        progress.note(
            f"{unused:,} rows say that a taxon was looked for and not found, and are not used; ask for absences to "
            "learn from them."
        )
    if request.reads_absences and own.surveys is None:
        progress.note(f"{NO_ABSENCES}.")
