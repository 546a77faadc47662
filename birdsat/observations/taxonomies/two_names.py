"""Birds that a table has under names of two authorities, found without a list that it should follow."""

from collections import defaultdict
from collections.abc import Collection

from birdsat.observations.taxonomies.families import family_of_genus
from birdsat.observations.taxonomies.spelling import gender_stem


def two_names(taxa: Collection[str]) -> dict[str, str]:
    """Names that AviList does not accept -> those of the taxa that are the same birds.

    AviList is read only where two of the taxa have one epithet in two genera of a family, which most tables have not.
    """
    families = family_of_genus()
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in taxa:
        genus, _, epithet = name.partition(" ")
        if epithet and genus in families:
            alike[families[genus], gender_stem(epithet)].append(name)
    doubtful = sorted(name for names in alike.values() if len(names) > 1 for name in names)
    if not doubtful:
        return {}
    from birdsat.observations.taxonomies.crosswalk import Crosswalk
    from birdsat.observations.taxonomies.open_checklist import open_checklist

    avilist = open_checklist("avilist")
    crosswalk, present = Crosswalk(avilist), set(taxa)
    found = {}
    for name in doubtful:
        new = None if name in avilist.species else crosswalk.match(name).new
        if new is not None and new.name in present:
            found[name] = new.name
    return found
