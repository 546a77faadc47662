"""The names of a table's rows: which column has them, put together from their parts, and read beside English ones."""

from collections.abc import Iterable, Mapping, Sequence

from birdsat.observations.name_words import only_english
from birdsat.observations.scientific_names import ABOVE_SPECIES, NO_TAXON, NameReading, is_genus, own_name, parse_name


def name_of_parts(taxon: str = "", genus: str = "", epithet: str = "", below: str = "") -> str:
    """The name in a row whose columns may hold its parts: "Parus" and "major" are Parus major.

    taxon: what the column for the whole name holds, which in some tables is the epithet alone. below: the subspecies.
    """
    words = taxon.replace("_", " ").split()
    if words and not (genus and _is_epithet(words, genus)):
        return taxon
    words = words or epithet.split()
    if not genus or not words:
        return genus
    return " ".join((genus, words[0].lower(), *words[1:], *([below.lower()] if below else [])))


def _is_epithet(words: Sequence[str], genus: str) -> bool:
    """Whether words are an epithet alone, with its authors or without; "Mallard" and "Parus" are none."""
    first = words[0].lower()
    alone = len(words) == 1 or (words[0].islower() and not words[1][0].islower())
    return alone and first != genus.lower() and only_english().isdisjoint(word.lower() for word in words)


def choose_name_column(names: Mapping[str, Sequence[str]]) -> str:
    """The first of several columns, each with some of its names, in which most are scientific; else the first."""
    return next((column for column, some in names.items() if are_scientific(some)), next(iter(names)))


def are_scientific(names: Iterable[str]) -> bool:
    """Whether most of some names, blank ones left out, are scientific."""
    readings = [reading for name in names if (reading := parse_name(name)).dropped != NO_TAXON]
    return 2 * sum(reading.is_scientific for reading in readings) > len(readings)


def beside_english(reading: NameReading, text: str) -> NameReading:
    """What a name means among others that mostly are not scientific: there a word alone is no genus ("Anhinga")."""
    return own_name(text) if reading.dropped == ABOVE_SPECIES and is_genus(text) else reading
