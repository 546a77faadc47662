"""The names of a table's rows: which column has them, put together from their parts, and read beside English ones."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from birdsat.observations.name_words import only_english
from birdsat.observations.scientific_names import ABOVE_SPECIES, NO_TAXON, NameReading, is_genus, own_name, parse_name

_UNKNOWN = frozenset(("na", "n/a", "#n/a", "nan", "null", "none", "-", "--", ".", "\\n", "<na>"))


@lru_cache(maxsize=1 << 14)  # the same names come again with every block of a table
def name_of_parts(taxon: str = "", genus: str = "", epithet: str = "", below: str = "") -> str:
    """The name in a row whose columns may hold its parts: "Parus" and "major" are Parus major.

    taxon: what the column for the whole name holds, which in some tables is the epithet alone. below: the subspecies.
    """
    taxon, genus, epithet, below = (_told(part) for part in (taxon, genus, epithet, below))
    genus = _without_author(genus)
    words = _behind_genus(taxon.replace("_", " ").split(), genus)
    if words and not (genus and _is_epithet(words, genus)):
        return taxon
    words = words or _behind_genus(epithet.split(), genus)
    if not genus or not words:
        return genus
    if words[0].lower() == genus.lower() and len(words) > 1:
        return epithet  # the whole name, in the column of a part
    return " ".join((genus, words[0].lower(), *words[1:], *([below.lower()] if below else [])))


def _told(part: str) -> str:
    """A cell, or "" where it says that nothing is known, as R's NA does."""
    return "" if part.strip().lower() in _UNKNOWN else part


def _without_author(genus: str) -> str:
    words = genus.split()
    if "/" in genus or not {"X", "×"}.isdisjoint(words):
        return genus
    is_alone = len(words) > 1 and words[0].isalpha() and words[0].istitle() and not words[1].islower()
    return words[0] if is_alone and is_genus(words[0]) and words[1].strip("(),")[:1].isalpha() else genus


def _behind_genus(words: list[str], genus: str) -> list[str]:
    """Words without the initial of the genus: "P. major" beside Parus."""
    is_initial = len(words) > 1 and len(genus) > 1 and words[0].lower() in (f"{genus[0].lower()}.", genus[0].lower())
    return words[1:] if is_initial else words


def _is_epithet(words: Sequence[str], genus: str) -> bool:
    """Whether words are an epithet alone, with its authors or without; "Mallard" and "Parus" are none."""
    first = words[0].lower()
    alone = len(words) == 1 or (words[0].islower() and not words[1][0].islower())
    alone = alone or (len(words) < 4 and all(map(str.islower, words)))  # "cf. major", "major newtoni"
    return alone and first != genus.lower() and only_english().isdisjoint(word.lower() for word in words)


def choose_name_column(names: Mapping[str, Sequence[str]]) -> str:
    """The first of several columns, each with some of its names, in which most are scientific; else the first."""
    return next((column for column, some in names.items() if are_scientific(some)), next(iter(names)))


def are_scientific(names: Iterable[str]) -> bool:
    """Whether most of some names, blank ones left out, are scientific."""
    readings = [reading for name in names if (reading := parse_name(name)).dropped != NO_TAXON]
    return 2 * sum(reading.is_scientific for reading in readings) > len(readings)


def beside_english(reading: NameReading, text: str) -> NameReading:
    """What a name means among others that mostly are not scientific: there a word alone is not a genus ("Anhinga")."""
    return own_name(text) if reading.dropped == ABOVE_SPECIES and is_genus(text) else reading
