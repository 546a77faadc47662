"""The tables of places to draw on maps, looked into before the work that takes long."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from birdsat.earth.box import Box
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.errors import InputError, nearest
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.registry import open_table
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.pictures.points import TaxonPlaces, read_places
from birdsat.progress import Progress
from birdsat.workflows.asked_taxa import AskedTaxa
from birdsat.workflows.cells import box_of
from birdsat.workflows.requests.maps import MapRequest


def read_drawn(
    request: MapRequest,
    taxa: AskedTaxa,
    crosswalk: Crosswalk | None,
    common_names: Mapping[str, str] | None,
    progress: Progress,
) -> tuple[TaxonPlaces, ...]:
    """The places of the taxa in the tables to draw, each table read once.

    How many rows cannot be used is noted; a taxon that a table has not, or not in the box where that is known, is not
    kept.
    """
    columns = TableColumns.parse(tuple(request.columns))
    if request.points and not request.occurrences:
        _check_columns(request)
    drawn = tuple(
        read_places(Path(table), taxa.left, crosswalk, columns=columns, crs=request.crs, common_names=common_names)
        for table in request.points
    )
    for places in drawn:
        for reason, rows in places.remarked.items():
            progress.note(f"{places.table}: {reason}, in {rows:,} rows")
    box = None
    if drawn and request.box is not None:
        box = box_of(request)
    elif drawn and request.region is not None:
        box = open_region(Path(request.region)).grid.box
    keep_drawn(taxa, drawn, box)
    return drawn


def _check_columns(request: MapRequest) -> None:
    """Raise InputError for a column that is named and that no table to draw has; of tables to fit to, reading tells."""
    there = {name for table in request.points for name in open_table(Path(table)).columns}
    for asked in request.columns:
        _, _, name = asked.partition("=")
        if name and name not in there:
            raise InputError(
                f"no table to draw has a column {name!r}{nearest(name, there)}. Name those that they have.",
                settings=("columns", "points"),
            )


def keep_drawn(taxa: AskedTaxa, drawn: Sequence[TaxonPlaces], box: Box | None) -> None:
    """Keep the taxa of which every table has a place in the box."""

    def check(taxon: str) -> None:
        for places in drawn:
            places.check(taxon, box)

    taxa.keep(check)
