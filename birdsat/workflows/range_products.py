"""From finished maps to ranges: polygons, areas, and the extents that IUCN asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from birdsat.earth.land import near_land
from birdsat.earth.outline import EARTH
from birdsat.errors import BirdsatError, ConfigError, UnknownTaxonError
from birdsat.files import check_new
from birdsat.maps.description import WITHIN
from birdsat.maps.map_file import MapFile
from birdsat.maps.range_file import areas_path, plain_area, write_ranges
from birdsat.maps.seasons import BREEDING, NON_BREEDING, short_months
from birdsat.maps.taxon_range import Extent, TaxonRange, extent_of_places, find_threshold, taxon_range
from birdsat.observations.occurrence_checks import check_occurrences
from birdsat.observations.occurrences import Occurrences
from birdsat.progress import QUIET, Progress
from birdsat.tables import Table
from birdsat.workflows.effort_map import EFFORT_FILE
from birdsat.workflows.records_on_cells import read_tables
from birdsat.workflows.requests.products import RangeRequest

_ONE_PLACE = 1e-6  # degrees: records nearer than that lie in one place


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeResult:
    """The ranges that were made, and why others could not be."""

    ranges: tuple[TaxonRange, ...]
    files: tuple[Path, ...]  # GeoPackage and JSON
    failed: Mapping[str, str]  # reasons by map

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "ranges": [one.to_dict() for one in self.ranges],
            "files": list(map(str, self.files)),
            "failed": dict(self.failed),
        }

    def tables(self) -> tuple[Table, Table]:
        """For the console: the ranges by season, and extents."""
        ranges = Table(columns=["taxon", "season", "months", "km2", "from", "to"], words=3)
        extents = Table(columns=["taxon", "of", "EOO km2", "AOO km2"], words=2)
        for one in self.ranges:
            for part in one.parts:
                areas = (part.area_km2, part.area_low_km2, part.area_high_km2)
                ranges.add_row(one.taxon, part.season, short_months(part.months), *map(plain_area, areas))
            for extent in one.extents:
                extents.add_row(one.taxon, extent.of, *map(plain_area, (extent.eoo_km2, extent.aoo_km2)))
            ranges.add_section()
            extents.add_section()
        ranges.caption = "; ".join(
            f"{one.taxon} from {one.threshold.value:.3g} on ({one.threshold.name})" for one in self.ranges
        )
        why = dict.fromkeys(extent.why for one in self.ranges for extent in one.extents if extent.why)
        extents.caption = "; ".join(why)
        return ranges, extents


def make_ranges(request: RangeRequest, progress: Progress = QUIET) -> RangeResult:
    """Make the ranges of some maps, and write them into one GeoPackage and its JSON.

    A single map of which no range can be made raises its error, InputError or ConfigError; of several, those are listed
    with their reasons. Raises ConfigError where two maps are of one taxon, or when a file is there already and not to
    be overwritten; what `read_table` raises for tables of records. That a taxon is not in these is noted.
    """
    out = Path(request.out)
    files = (out, areas_path(out))
    check_new(files, request.overwrite)
    records = read_tables(request.occurrences, request, progress) if request.occurrences else None
    for reason, count in ({} if records is None else records.dropped).items():
        progress.note(f"{count:,} rows of the tables dropped: {reason}")
    found: list[TaxonRange] = []
    failed: dict[str, str] = {}
    for path in map(Path, request.maps):
        if len(request.maps) > 1 and path.name.endswith(f"_{EFFORT_FILE}"):
            continue  # beside one of the others, where all of a folder are named
        try:
            one = _range_of(path, request)
            one.refuse_empty()
        except BirdsatError as error:
            if len(request.maps) == 1:
                raise
            failed[str(path)] = str(error)
            continue
        if one.taxon in [other.taxon for other in found]:
            raise ConfigError(f"two of the maps are of {one.taxon}; name one of them.", settings=("maps",))
        progress.note(f"{one.taxon}: {one.seasons.told}.")
        for caution in one.about.cautions:
            progress.note(f"{one.taxon}: {caution}.")
        if within := one.about.sources.get(WITHIN):
            progress.note(f"{one.taxon}: its map, and so its range, is of the polygons of {within} alone.")
        if one.reaches_edge:
            progress.note(f"{one.taxon}: its range reaches the edge of the map, where its areas and extents end.")
        try:
            found.append(one if records is None else _with_records(one, records, request, progress))
        except BirdsatError as error:
            if len(request.maps) == 1:
                raise
            progress.note(f"{one.taxon}: without extents of records: {error}")
            found.append(one)
    if found:
        write_ranges(out, found, request.command("range"))
    return RangeResult(ranges=tuple(found), files=files if found else (), failed=failed)


def _range_of(path: Path, request: RangeRequest) -> TaxonRange:
    with MapFile(path) as map_file:
        threshold = find_threshold(map_file.description, str(request.threshold))
        return taxon_range(map_file, threshold, breeding=request.breeding, non_breeding=request.non_breeding)


def _with_records(one: TaxonRange, records: Occurrences, request: RangeRequest, progress: Progress) -> TaxonRange:
    try:
        own = records.of(one.taxon)
    except UnknownTaxonError as error:
        progress.note(f"without extents of records: {error}")
        return one
    if len(np.unique(own.lon_lat, axis=0)) > 1:  # of one place, there is nothing to check
        checked = check_occurrences(
            own,
            on_land=EARTH.contains,
            near_land=near_land,
            cell_degrees=_ONE_PLACE,
            trust_places=request.trust_places,
        )
        for note in checked.notes:
            progress.note(note)
        for reason, count in checked.occurrences.dropped.items():
            if not own.dropped.get(reason):
                progress.note(f"{count:,} records of {one.taxon} dropped: {reason}")
        own = checked.occurrences
    extents = [extent_of_places(f"{len(own):,} records", own.lon_lat), *_by_season(one, own)]
    return one.with_extents(extents)


def _by_season(one: TaxonRange, own: Occurrences) -> Sequence[Extent]:
    """Of the records of each season, where the taxon has any and records say when."""
    seasons = {BREEDING: one.seasons.breeding, NON_BREEDING: one.seasons.non_breeding}
    some = {name: own.where(np.isin(own.month, months)) for name, months in seasons.items() if months}
    return [
        extent_of_places(f"{len(part):,} records, {name} season", part.lon_lat)
        for name, part in some.items()
        if len(part)
    ]
