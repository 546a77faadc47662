"""The checklist of the Handbook of the Birds of the World and BirdLife International."""

import re
from collections.abc import Iterator

from birdsat.observations.taxonomies.checklist import Rank
from birdsat.observations.taxonomies.layout import Layout
from birdsat.observations.taxonomies.taxon_rows import Row

_SYNONYMS, _OTHER_NAMES = "synonyms", "alternativecommonnames"


def _recognises(columns: frozenset[str]) -> bool:
    own = any(name.startswith(("birdlifetaxonomictreatment", "birdlifecommonname")) for name in columns)
    return "scientificname" in columns and (own or "sisrecid" in columns)


def _rank(row: Row) -> Rank | str:
    treatment = next((value for name, value in row.items() if name.startswith("birdlifetaxonomictreatment")), "R")
    if treatment.upper() == "NR":  # a subspecies, or a species of others
        return "subspecies" if len(row.get("scientificname", "").split()) > 2 else "not recognised as a species"
    return "subspecies" if len(row.get("scientificname", "").split()) > 2 else "species"


def _synonyms(row: Row) -> Iterator[str]:
    """Written as "Struthio camelus australis; Struthio molybdophanes", or by commas."""
    yield from (name for name in re.split(r"\s*[;,]\s*", row.get(_SYNONYMS, "")) if len(name.split()) > 1)


def _common_names(row: Row) -> Iterator[tuple[str, str]]:
    yield from (("en", name) for name in re.split(r"\s*[;,]\s*", row.get(_OTHER_NAMES, "")) if name)


TAXONOMY = Layout(
    authority="birdlife",
    title="HBW and BirdLife",
    recognises=_recognises,
    prefix="birdlife",
    rank=_rank,
    synonyms=_synonyms,
    common_names=_common_names,
)
