"""iNaturalist's taxonomy, as the archive it publishes: taxa.csv, with common names in a file for each language."""

from collections.abc import Iterator

from birdsat.observations.taxonomies.layout import Layout
from birdsat.observations.taxonomies.taxon_rows import Row, TaxonRows
from birdsat.observations.taxonomies.vernaculars import vernaculars, with_vernaculars

_OWN = {"taxonrank", "scientificname", "specificepithet", "parentnameusageid"}


def _recognises(columns: frozenset[str]) -> bool:
    return columns >= {*_OWN, "identifier"}


def _rows(table: TaxonRows) -> Iterator[Row]:
    """With their common names."""
    yield from with_vernaculars(table, table.read(), id_of=lambda row: row.get("id", ""))


TAXONOMY = Layout(
    authority="inat",
    title="iNaturalist",
    recognises=_recognises,
    ids={"inat": ("id",)},
    rows=_rows,
    common_names=vernaculars,
)
