"""AviList, the global checklist that the authorities agreed on in 2025."""

from birdsat.observations.taxonomies.layout import Layout


def _recognises(columns: frozenset[str]) -> bool:
    return "scientificname" in columns and any(name.startswith(("avilist", "englishnameavilist")) for name in columns)


TAXONOMY = Layout(authority="avilist", title="AviList", recognises=_recognises, prefix="avilist")
