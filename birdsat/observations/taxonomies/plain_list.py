"""Any other table with a column of scientific names: a list of one's own."""

from collections.abc import Iterator

from birdsat.observations.taxonomies.layout import NAMES, Layout
from birdsat.observations.taxonomies.taxon_rows import Row

_SYNONYMS = ("synonyms", "synonym", "othernames")


def _synonyms(row: Row) -> Iterator[str]:
    for column in _SYNONYMS:
        yield from (name.strip() for name in row.get(column, "").replace("|", ";").split(";") if name.strip())


TAXONOMY = Layout(
    authority="",  # that of the file's name
    title="",
    recognises=lambda columns: any(name in columns for name in NAMES),
    synonyms=_synonyms,
)
