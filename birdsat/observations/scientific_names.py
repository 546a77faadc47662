"""Scientific names as tables write them: with authors, subspecies, and marks of doubt."""

import re
from dataclasses import dataclass

_SPECIES = re.compile(r"(?P<genus>[A-Z][a-zà-ÿ-]+)(?: \([A-Z][a-zà-ÿ-]+\))? (?P<epithet>[a-zà-ÿ-]{2,})(?P<rest>.*)")
_SUBSPECIES = re.compile(r" (?:(?:subsp|ssp|var|f)\. )?(?P<epithet>[a-zà-ÿ-]{3,})(?= |$)")
# Hybrids, "either of two", and birds that were not named to the species.
_NOT_ONE = re.compile(r"×|/| x |^\S+ (?:\([A-Z]\S+\) )?(?:spp?|cf|aff|indet|nr)\b\.?")
# Lower-case words that begin an author's name, or stand between two.
_OF_AUTHORS = {"and", "auct", "dal", "de", "del", "della", "den", "der", "des", "dos", "emend", "ex", "la", "le"} | {
    "sensu",
    "ter",
    "van",
    "von",
    "zur",
}


@dataclass(frozen=True, slots=True)
class ScientificName:
    """A name without its authors."""

    species: str  # genus and epithet
    full: str  # with the subspecies, where one was named


def parse_name(text: str) -> ScientificName | None:
    """The species that a scientific name means; None where it means no single one ("Larus sp.", "Anas a × b").

    Authors and year, a subgenus, and what eBird puts in brackets behind a name are left out. Text that does not begin
    as a genus and an epithet do, such as a name of one's own, is left as it is.
    """
    name = " ".join(text.split())
    if _NOT_ONE.search(name):
        return None
    found = _SPECIES.match(name)
    if found is None:
        return ScientificName(name, name)
    species = f"{found['genus']} {found['epithet']}"
    below = _SUBSPECIES.match(found["rest"])
    named = below is not None and below["epithet"] not in _OF_AUTHORS
    return ScientificName(species, f"{species} {below['epithet']}" if below is not None and named else species)
