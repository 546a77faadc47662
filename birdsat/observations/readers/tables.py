"""Observations from the rows of a table."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from birdsat.earth.place import Place
from birdsat.observations.curation import Remark
from birdsat.observations.name_columns import name_of_parts
from birdsat.observations.observation import Observation
from birdsat.observations.readers.cell_values import as_text
from birdsat.observations.readers.columns import TableColumns, find_column, find_columns, no_places
from birdsat.observations.readers.name_rows import NAME_PARTS, TaxonNames
from birdsat.observations.readers.places import table_crs
from birdsat.observations.readers.point_columns import crs_of_places, with_points
from birdsat.observations.readers.registry import open_table
from birdsat.observations.readers.row_rules import EVERY_ROW, RowRules
from birdsat.observations.readers.rows import Rows, read_rows, to_date
from birdsat.observations.readers.wide_tables import by_taxon
from birdsat.observations.scientific_names import parse_name
from birdsat.observations.taxonomy import Taxon, Taxonomy


def read_table(
    path: Path,
    columns: TableColumns | None = None,
    *,
    rules: RowRules = EVERY_ROW,
    taxa: TaxonNames | None = None,
    crs: str | None = None,
) -> Iterator[Observation | Remark]:
    """Observations of a table, with a remark for each row dropped or kept without a part, which stands before it.

    The table is of one of the formats in `READERS`. Rows that record an absence are dropped, and those that `rules`
    refuse. taxa: the list that names are brought to; as they are written without one. crs: in which the coordinates
    are, as "EPSG:25832"; degrees of WGS84 without one. What a row or a geometry column says of its own CRS counts more.

    Both coordinates missing means that the place is not known; with one of two missing it is taken as not known as
    well, with a remark. Rows that repeat an id are found by the build, not here. Raises InputError for a file that is
    absent, empty or of another format, for a CRS that is not known, for a column asked for that is not there, and for a
    table without taxon or with one coordinate only.
    """
    rows = read_table_rows(path, columns, rules=rules, with_photos=True, taxa=taxa, crs=crs)
    return (one for some in rows for one in _in_order(some))


def read_table_rows(
    path: Path,
    columns: TableColumns | None = None,
    *,
    rules: RowRules = EVERY_ROW,
    with_photos: bool = False,
    taxa: TaxonNames | None = None,
    crs: str | None = None,
) -> Iterator[Rows]:
    """As `read_table`, column by column, some thousands of rows at a time: for who reads millions.

    with_photos: False where nobody looks at the photos, which some formats have to gather first.
    """
    named = table_crs(crs)
    asked = columns or TableColumns()
    opened = open_table(path)
    source = by_taxon(with_points(opened, asked, path), asked, path)
    found = find_columns(source, asked, path, with_photos=with_photos, crs=named, checklists=rules.checklists)
    if rules.wild_only and "lon" not in found:  # who asks for records asks where they were
        raise no_places(opened.columns, path)
    return read_rows(source, found, rules, path, taxa, crs_of_places(source, found.get("lon", ""), named))


def read_taxonomy(path: Path) -> Taxonomy:
    """The distinct taxa of a table, with genus, family, order and common name where it has such columns.

    They are named as those of observations are: without authors, and subspecies by their species. Rows that name no
    single species are passed over, and the first row of a taxon counts. Raises InputError as `read_table` does.
    """
    source = open_table(path)
    named = find_columns(source, TableColumns(), path, with_photos=False)
    found = {what: column for what, column in named.items() if what in NAME_PARTS or what == "rank"}
    for rank in ("genus", "family", "order", "common_name"):
        if (column := find_column(source.columns, rank, None, path)) is not None:
            found[rank] = column
    taxa: dict[str, Taxon] = {}
    for cells in source.cells(sorted(set(found.values()))):
        texts = {rank: as_text(cells.columns[name]).to_pylist() for rank, name in found.items()}
        for row in zip(*texts.values(), strict=True):
            values = {rank: text.strip() for rank, text in zip(texts, row, strict=True)}
            written = name_of_parts(**{part: values.get(part, "") for part in NAME_PARTS})
            name = parse_name(written, values.get("rank", "")).species
            if name is not None and name not in taxa:
                ranks = {rank: values.get(rank, "") for rank in ("genus", "family", "order", "common_name")}
                taxa[name] = Taxon(name=name, **ranks)
    return Taxonomy(taxa.values())


def _in_order(rows: Rows) -> Iterator[Observation | Remark]:
    """The observations and remarks of some rows, by the number of the row."""
    remarks = sorted(rows.said(), key=lambda said: said[0])
    kept = np.flatnonzero(rows.kept)
    at = 0
    for number, observation in zip(rows.number[kept].tolist(), _observations(rows), strict=True):
        while at < len(remarks) and remarks[at][0] <= number:
            yield remarks[at][1]
            at += 1
        yield observation
    yield from (remark for _, remark in remarks[at:])


def _observations(rows: Rows) -> Iterator[Observation]:
    kept = np.flatnonzero(rows.kept)
    texts = (rows.text(what, kept) for what in ("photo", "group", "licence", "attribution"))
    (split, splits), (box, boxes) = rows.split, rows.photo_box
    columns = zip(
        rows.ids(kept),
        rows.name[kept].tolist(),
        rows.lon_lat[kept].tolist(),
        rows.day[kept].tolist(),
        rows.count[kept].tolist(),
        split[kept].tolist(),
        box[kept].tolist(),
        *texts,
        strict=True,
    )
    for id, name, (lon, lat), day, count, split_at, box_at, photo, group, licence, attribution in columns:
        taxon = rows.names[name].species
        assert taxon is not None  # the row is kept
        yield Observation(
            id=id,
            taxon=taxon,
            photo=photo or None,
            photo_box=boxes[box_at],
            place=None if lon != lon else Place(lon, lat),
            date=to_date(day),
            split=splits[split_at],
            group=group or None,
            licence=licence,
            attribution=attribution,
            count=None if count != count else count,
        )
