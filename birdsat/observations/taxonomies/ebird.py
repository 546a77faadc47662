"""The eBird/Clements checklist: eBird's own taxonomy, that of its API, and the integrated checklist of each October."""

import re

from birdsat.observations.taxonomies.layout import Layout
from birdsat.observations.taxonomies.taxon_rows import TaxonRows

_OF_YEAR = re.compile(r"(?:sort|clements|text for website) v(\d{4})", re.IGNORECASE)


def _recognises(columns: frozenset[str]) -> bool:
    named = {"sciname", "scientificname"} & columns
    return bool(named) and ({"speciescode", "category"} <= columns or "ebirdebirdcode" in columns)


def _version(table: TaxonRows) -> str:
    """Of the integrated checklist, whose columns name it: "sort v2024", "Clements v2024 change"."""
    return max((found[1] for column in table.columns if (found := _OF_YEAR.match(column))), default="")


TAXONOMY = Layout(authority="ebird", title="eBird/Clements", recognises=_recognises, prefix="ebird", version=_version)
