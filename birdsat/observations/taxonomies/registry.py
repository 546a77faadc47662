"""The authorities whose lists are read."""

import pkgutil

from birdsat.observations.taxonomies.layout import Layout

TAXONOMIES: tuple[str, ...] = (  # "module:TAXONOMY", in the order in which they are asked whether a table is theirs
    "birdsat.observations.taxonomies.avilist:TAXONOMY",
    "birdsat.observations.taxonomies.birdlife:TAXONOMY",
    "birdsat.observations.taxonomies.ebird:TAXONOMY",
    "birdsat.observations.taxonomies.ioc:TAXONOMY",
    "birdsat.observations.taxonomies.gbif:TAXONOMY",
    "birdsat.observations.taxonomies.inaturalist:TAXONOMY",
    "birdsat.observations.taxonomies.plain_list:TAXONOMY",
)


def layouts() -> list[Layout]:
    """All of them, imported."""
    return [pkgutil.resolve_name(name) for name in TAXONOMIES]
