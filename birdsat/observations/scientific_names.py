"""Scientific names as tables write them: with authors, subspecies, marks of doubt, and in the wrong letters.

This is the one place that says which species a name means, for records and photos, and for names that are asked for.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from birdsat.observations import name_words as words_of
from birdsat.observations.name_words import bird_genera, english_nouns, lower_genera, only_english

NO_TAXON = "no taxon"
HYBRID = "not one species: hybrid"
EITHER = "not one species: one of several"
DOUBTFUL = "not one species: doubtful"
ABOVE_SPECIES = "not one species: a genus or higher"
ABBREVIATED = "not one species: abbreviated"
A_CODE = "not one species: a code, not a name"
DAMAGED = "not one species: letters of the name are damaged"
DROPPED = (NO_TAXON, HYBRID, EITHER, DOUBTFUL, ABOVE_SPECIES, ABBREVIATED, A_CODE, DAMAGED)

SUBSPECIES = "subspecies counted with its species"
WITHIN_SPECIES = "between subspecies: counted with their species"
AGGREGATE = "aggregate or group counted with the species it is named after"
NOT_SCIENTIFIC = "not a scientific name: taken as it is written"

_LONGEST = 300  # characters; no name is longer, and readings of longer texts are not kept


@dataclass(frozen=True, kw_only=True, slots=True)
class NameReading:
    """What a name in a table means."""

    species: str | None  # genus and epithet, or a name of one's own as it is written; None: no single species
    full: str | None = None  # with the subspecies, where one is named; else as `species`
    dropped: str = ""  # why there is no species, one of DROPPED; "" where there is one
    note: str = ""  # SUBSPECIES, WITHIN_SPECIES or AGGREGATE, where a species was read from such a name
    is_scientific: bool = False  # whether it has a scientific name's form; False for "Great Tit" or "class 7"


def parse_name(text: str, rank: str = "") -> NameReading:
    """The species that a name means; none, with a reason, where it means no single one ("Larus sp.", "Anas a × b").

    Authors and year, a subgenus, marks of age and sex, and what eBird puts in brackets behind a name are left out;
    letters of the wrong case are set right where the genus is known. Text that is not a scientific name, such as an
    English one, is left as it is, but for blanks. rank: Darwin Core's taxonRank, "" where there is none.
    """
    return _parse(text, rank) if len(text) <= _LONGEST else _parse.__wrapped__(text[: 2 * _LONGEST], rank)


def species_name(text: str) -> str:
    """The species that a name asked for means, to be looked up; the text itself where it means no single one."""
    return parse_name(text).species or " ".join(text.split())


def find_name(asked: str, known: Iterable[str]) -> str | None:
    """Which of the known names is asked for: that of the same letters, else the only one that means the same species.

    A name of one's own is found whatever its capitals. None where there is no such name, or more than one.
    """
    names = list(known)
    if asked in names:
        return asked
    species = species_name(asked)
    same = [name for name in names if species_name(name) == species]
    same = same or [name for name in names if species_name(name).casefold() == species.casefold()]
    return species if species in same else same[0] if len(same) == 1 else None


def is_doubt(qualifier: str) -> bool:
    """Whether Darwin Core's identificationQualifier doubts the species ("cf.", "?", "aff. fuscus"), and not what is
    below it ("cf. var. alba")."""
    first, *others = [word.rstrip(".,;:").lower() for word in qualifier.split()] or [""]
    return "?" in qualifier or (first in words_of.DOUBT and not (others and others[0] in words_of.RANKS_BELOW))


def own_name(text: str) -> NameReading:
    """A name that is taken as it is written."""
    name = " ".join(text.split())
    return NameReading(species=name, full=name) if name else NameReading(species=None, dropped=NO_TAXON)


_LETTER = r"[^\W\d_]"
_EPITHET = re.compile(rf"{_LETTER}(?:{_LETTER}|['-](?={_LETTER}))+")
_SMALL = re.compile(r"[^\W\d_A-Z](?:[^\W\d_A-Z]|['-](?=[^\W\d_A-Z]))+")
_YEAR = re.compile(r"[\[(]?\d{4}")
_ABBREVIATED = re.compile(r"[A-Za-z][a-z]{0,2}\.$")
_ABOVE_GENUS = re.compile(r"[a-z]{2,}(?:idae|inae|iformes|oidea)", re.IGNORECASE)
_CODE = re.compile(r"bold:|sh\d+\.|urn:|https?://|[a-z]{2,}:\S*\d", re.IGNORECASE)
# UTF-8 read as Latin-1 or cp1252, and what a decoder puts for bytes that it cannot read.
_MOJIBAKE = re.compile("\ufffd|Ã[\u0080-\u00bf]|Ã\\W|â€|Â[\u0080-\u00bf]")
_CROSS = re.compile(r"(?:^|(?<=[\s\])}]))[xX*](?=[\s\[({]|$)|[×✕✖⨯]|(?<=[a-z])\*(?=[A-Z])")
_HYBRID = re.compile(r"\bhyb(?:rids?|r)?\b", re.IGNORECASE)
_SLASH = re.compile(r"\s?/\s?(?=[^\W\d_\[])|\s?\|\s?(?=[a-z-]{3,}$)")
_OR = re.compile(rf"(?:^|\s)(?:{'|'.join(sorted(words_of.OR))})\.?\s|\s?\+\s?(?=[A-Za-z])", re.IGNORECASE)
_GROUP = re.compile(
    r"\b(?:agg|aggr|aggregate|[Gg]roup|grp|[Cc]omplex|superspecies)\b\.?|\bs\.\s?l(?:at)?\b|\bsens[u.]? lat", re.ASCII
)
# A name in the sense that a list of some year gave it, as a crosswalk calls what may be several species today.
_CONCEPT = re.compile(r"[A-Z][a-z]+ [a-z-]+ sensu [a-z_]+ \S*\d\S*")
_NO_SUBSPECIES = words_of.OF_AUTHORS | words_of.OF_OBSERVERS | words_of.NO_EPITHET | words_of.RANKS_BELOW
_INVISIBLE = re.compile("[\u0000-\u0008\u200b-\u200f\u2060\ufeff\u00ad]")
_TAG = re.compile(r"</?[a-zA-Z]+/?>")
_NUMBERED = re.compile(r"(?:morpho)?spp?\.\s?[A-Z0-9]{1,3}", re.IGNORECASE)  # "sp. A"
_NUMBER = re.compile(r"\d+[.):]?\s*(?=[A-Z])")
_BRACKETS = re.compile(r"\[[^\]]*\]?|\([^)]*\)?")
_BRACKETS_OF_AUTHORS = re.compile(r"[\[(][A-Z][^\])]*[\])]")
_SUBSPECIES_ALONE = r"(?:(?:subsp|ssp|var|f)\.? )?[a-z'-]{3,}"
_PLAIN = str.maketrans(dict.fromkeys("‘’ʼ`´", "'") | dict.fromkeys("‐‑‒–—−", "-") | {"_": " ", "æ": "ae", "œ": "oe"})


@lru_cache(maxsize=1 << 16)
def _parse(text: str, rank: str) -> NameReading:
    written = " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())
    name = _tidy(written)
    if _CONCEPT.fullmatch(written):
        return _read(written)
    rank = "".join(filter(str.isalpha, rank.lower()))
    if (name.lower() in words_of.NO_NAME or _NUMBERED.fullmatch(name)) and rank not in words_of.RANKS_ABOVE:
        return NameReading(species=None, dropped=NO_TAXON)
    if rank in words_of.RANKS_ABOVE or rank in words_of.RANKS_OF_CROSSES:
        return _none(ABOVE_SPECIES if rank in words_of.RANKS_ABOVE else HYBRID)
    if _CODE.match(name):
        return _none(A_CODE)
    found = _ranked(name) or _scientific(name) or _among_others(name)
    if found is None:
        reason = _of_own_name(name)
        return NameReading(species=None, dropped=reason) if reason else NameReading(species=written, full=written)
    if found.species is not None and rank in words_of.RANKS_OF_GROUPS:
        return _read(found.species, found.full, AGGREGATE)
    return found


def _read(species: str, full: str | None = None, note: str = "") -> NameReading:
    return NameReading(species=species, full=full or species, note=note, is_scientific=True)


def _none(reason: str) -> NameReading:
    return NameReading(species=None, dropped=reason, is_scientific=True)


def _tidy(written: str) -> str:
    """In plain letters, without what is around the name."""
    text = _TAG.sub(" ", html.unescape(written)).translate(_PLAIN).replace("%20", " ")
    text = re.sub(r"(?<=\w)(?=[(\[])", " ", text)  # "fuscus(Linnaeus"
    text = re.sub(r"(?<=[a-z])[|\\](?=[A-Z])", " | ", text)  # "major|Pica"
    text = re.sub(r"(?<=[a-z])([,;])(?=[A-Z])", r"\1 ", text)  # "major,Pica"
    text = re.sub(r"(?<=\w)-(?=(?:group|complex|agg|like|type)\b)", " ", text)  # "fuscus-group"
    name = " ".join(text.split()).strip('"“”*†‡ ,;:')
    if name[:1] + name[-1:] == "''":
        name = name[1:-1].strip()
    if name[:1] + name[-1:] in ("()", "[]") and name.count(name[0]) == 1:
        name = name[1:-1].strip()
    unnumbered = _NUMBER.sub("", name, count=1) if name[:1].isdigit() else name
    return unnumbered if is_genus(unnumbered.partition(" ")[0]) else name


def is_genus(word: str) -> bool:
    """Whether a word is a genus of birds, in letters of any case."""
    return word.capitalize() in bird_genera()


def _ranked(name: str) -> NameReading | None:
    """What a name behind its rank, or behind "cf." or "unidentified", means; None where nothing of it is there."""
    first, _, rest = name.partition(" ")
    word = re.sub(r"\W", "", first).lower()
    if not rest:
        return None
    if word in words_of.RANKS_ABOVE and rest[0].isupper() and " " not in rest:
        return _none(ABOVE_SPECIES)
    if word in words_of.RANKS_OF_GROUPS and (found := _scientific(rest)) is not None:
        return found if found.species is None else _read(found.species, found.full, AGGREGATE)
    if word in ("species", "subspecies", "ssp"):
        return _scientific(rest)
    if not is_genus(rest.partition(" ")[0]):
        return None
    if word in words_of.DOUBT or first == "?":
        return _none(DOUBTFUL)
    return _none(ABOVE_SPECIES) if word in words_of.NO_EPITHET else None


def _among_others(name: str) -> NameReading | None:
    """The one scientific name among others that say the same bird: "Great Tit (Parus major)"."""
    pieces = [piece.strip() for piece in re.split(r"[()\[\]|;:,=]|\s-\s", name)]
    found = {
        reading
        for piece in pieces
        if piece != name and is_genus(piece.partition(" ")[0]) and (reading := _scientific(piece)) is not None
    }
    species = {reading.species for reading in found}
    if not found and (reading := _at_end(name)) is not None:
        return reading
    return found.pop() if len(species) == 1 and None not in species else None


def _at_end(name: str) -> NameReading | None:
    """The scientific name behind another, without a mark between: "Great Tit Parus major"."""
    words = name.split()
    for first in range(1, len(words) - 1):
        genus, *behind = words[first:]
        if genus.istitle() and is_genus(genus) and len(behind) <= 2 and all(map(_is_subspecies, behind)):
            return _scientific(" ".join((genus, *behind)))
    return None


def _of_own_name(name: str) -> str:
    """Why a name of one's own is of no single kind; "" where it is of one."""
    words = name.lower().split()
    if (_CROSS.search(name) and len(words) > 1) or _HYBRID.search(name):
        return HYBRID
    if "/" in name or _OR.search(name):
        return EITHER
    if "?" in name:
        return DOUBTFUL
    if words[0] in ("unidentified", "unknown", "unid", "undetermined"):
        return ABOVE_SPECIES
    return ABOVE_SPECIES if any(re.sub(r"\W", "", word) in ("sp", "spp") for word in words[1:]) else ""


def _scientific(name: str) -> NameReading | None:
    """What it means as a scientific name; None where it is not one."""
    if not name or name[0] in "×✕✖⨯" or name[:2] in ("x ", "X "):
        return _none(HYBRID)
    first, _, rest = name.partition(" ")
    if not rest and (parts := re.fullmatch(r"([A-Za-z]+)[-.+]([a-z]{3,})", first)) and is_genus(parts[1]):
        first, rest = parts[1], parts[2]  # as addresses of pages and R's columns have it
    genus = first.strip(",;?")
    known = is_genus(genus)
    if known and not rest:
        return _none(DOUBTFUL if "?" in first else ABOVE_SPECIES)
    if _ABOVE_GENUS.fullmatch(genus) or genus.lower() in words_of.ABOVE_GENUS:
        return _none(HYBRID if _CROSS.search(rest) else EITHER if "/" in rest else ABOVE_SPECIES)
    if _ABBREVIATED.match(first) and re.match(r"(?:[a-z]{1,2}\. )?[a-z-]{3,}", rest) and first[0].isupper():
        return None if _is_english(rest) else _none(ABBREVIATED)  # "St. Lucia warbler"
    if not rest or not (known or (genus.isalpha() and genus.istitle())):
        return None
    if _MOJIBAKE.search(f"{first} {rest.partition(' ')[0]}"):
        return _none(DAMAGED)
    if "?" in first:
        return _none(DOUBTFUL)
    if rest.startswith(("(?)", "[?]")):
        return _none(DOUBTFUL)
    behind = "[A-Z?]" if name.isupper() else "[a-z?]"
    rest = re.sub(rf"^[\[(][^\s\])]+[\])] (?={behind})", "", rest)  # a subgenus, or a superspecies
    bare = rest.partition(" ")
    if is_genus(bare[0]) and bare[0].istitle() and bare[2][:1].islower():  # a subgenus without its brackets
        rest = bare[2] if known and bare[2].partition(" ")[0] not in words_of.OF_AUTHORS else rest
    return _of_known(genus, rest) if known else _of_unknown(genus, rest)


def _of_known(genus: str, rest: str) -> NameReading | None:
    """What stands behind a genus of birds: an epithet, or what says that there is none."""
    if rest[0] in "([":
        return _none(HYBRID if _CROSS.search(rest) or _HYBRID.search(rest) else ABOVE_SPECIES)
    word, _, behind = rest.partition(" ")
    mark = word.rstrip(".,;:").lower()
    if (reason := _no_epithet(word, behind)) is not None:
        return _none(reason)
    if mark in words_of.OF_OBSERVERS or _is_of_author(word, behind):
        return _none(ABOVE_SPECIES)
    if mark in words_of.OR | words_of.AND and behind:
        return _none(EITHER)
    if _ABBREVIATED.match(word):
        return _none(ABBREVIATED)
    plain = word.strip(",;:.*†'\"“”")
    if not _EPITHET.fullmatch(plain) or not only_english().isdisjoint(plain.lower().split("-")):
        return None  # "Amazilia Hummingbird"
    if not plain.islower() and not only_english().isdisjoint(_separate(behind)):
        return None  # "Sula Dwarf Kingfisher"
    if word[-1] in ",;" and _is_subspecies(behind.partition(" ")[0]):
        return _none(EITHER)  # "Larus fuscus, argentatus"
    second, _, others = behind.partition(" ")
    if plain.lower() in words_of.COMPOUND and re.fullmatch(r"[a-z]{4,}", second) and _is_subspecies(second):
        plain, behind = f"{plain}-{second}", others
    return _below(genus.capitalize(), plain.lower(), behind)


def _of_unknown(genus: str, rest: str) -> NameReading | None:
    """What stands behind a word that may be a genus, or begin an English name: "Great tit", "Red winged Blackbird"."""
    word, _, behind = rest.partition(" ")
    if _is_english(rest) or word.endswith(("ed", "ing")) or word in words_of.OF_AUTHORS | words_of.OR:
        return None
    if (reason := _no_epithet(word, behind)) is not None:
        return _none(reason)
    plain = word.strip(",;:.*†'\"“”")
    if not _EPITHET.fullmatch(plain) or not plain.islower():
        return None
    return _below(genus, plain, behind)


def _separate(text: str) -> list[str]:
    return [part.strip("(),.;").lower() for part in text.replace("-", " ").split()]


def _is_english(rest: str) -> bool:
    """Whether what stands behind a word that is not a genus of birds makes an English name of it."""
    words = _separate(rest)
    return not english_nouns().isdisjoint(words) or not lower_genera().isdisjoint(words)


def _no_epithet(word: str, behind: str) -> str | None:
    """Why what stands in an epithet's place names no species; None where it may be an epithet."""
    mark = word.rstrip(".,;:").lower()
    if word in ("x", "X") or word[0] in "×✕✖⨯" or _HYBRID.fullmatch(mark):
        return HYBRID
    if "/" in word and _EPITHET.match(word) and word[0].islower() | word.isupper():
        return EITHER
    if mark in words_of.NO_EPITHET or re.match(r"(?:spp?|spec)\.?(?:\d|nov|[A-Z]$)", word):
        other = _BRACKETS.sub(" ", behind)
        return HYBRID if _CROSS.search(other) else EITHER if "/" in other else ABOVE_SPECIES
    return DOUBTFUL if mark in words_of.DOUBT or "?" in word else None


def _is_of_author(word: str, behind: str) -> bool:
    """Whether the word behind a genus is of its author, so that no epithet is there."""
    if _YEAR.match(word) or re.fullmatch(r"[A-Z]\.?|(?:[A-Z]\.)+[A-Z]?\S*", word):
        return True
    if word in words_of.OF_AUTHORS or (word[:2] in ("d'", "D'") and word[2:3].isupper()):
        return True
    if word[0].islower():
        return False
    return (
        word.rstrip(",.;:").capitalize() in words_of.AUTHORS
        or word.endswith((",", "."))
        or bool(_YEAR.match(behind))
        or behind.partition(" ")[0].lower() in words_of.AND
        or (word.startswith(("Mac", "Mc")) and not word.islower() and any(map(str.isupper, word[2:4])))
    )


def _below(genus: str, epithet: str, behind: str) -> NameReading:
    """What a genus, an epithet and what stands behind them mean."""
    species = f"{genus} {epithet}"
    if not behind:
        return _read(species)
    if _HYBRID.search(behind):
        return _none(HYBRID)
    unsigned = " ".join(_BRACKETS_OF_AUTHORS.sub(" ", behind).split())
    for mark, text, reason in ((_CROSS, behind, HYBRID), (_SLASH, unsigned, EITHER), (_OR, unsigned, EITHER)):
        if at := mark.search(text):
            within = _is_within(genus, epithet, text[: at.start()], text[at.end() :])
            return _read(species, note=WITHIN_SPECIES) if within else _none(reason)
    plain = " ".join(_BRACKETS.sub(" ", behind).split())
    words = plain.split()
    first = words[0].rstrip(".,;:").lower() if words else ""
    in_brackets = (re.sub(r"\W+", " ", one).split() for one in _BRACKETS.findall(behind))
    doubts = any(words and words[0].lower() in words_of.DOUBT for words in in_brackets)
    if "?" in re.sub(r"\d\?", "", plain) or "(?)" in behind or doubts or (first in words_of.DOUBT and len(words) == 1):
        return _none(DOUBTFUL)
    if (first in words_of.AND and not words[-1][0].isdigit() and _is_name(words[1:2])) or _names_another(
        genus, epithet, words
    ):
        return _none(EITHER)
    if _GROUP.search(plain):
        return _read(species, note=AGGREGATE)
    below = words[1:2] if first in words_of.RANKS_BELOW | words_of.DOUBT else words[:1]
    named = below[0].rstrip(".,;:") if below else ""
    return _read(species, f"{species} {named}", SUBSPECIES) if _is_subspecies(named) else _read(species)


def _is_name(words: Sequence[str]) -> bool:
    """Whether there is a word that is an epithet, a genus, or the initial of one."""
    return bool(words) and (_is_subspecies(words[0]) or words[0] in bird_genera() or len(words[0]) == 2)


def _is_subspecies(word: str) -> bool:
    plain = word.rstrip(".,;:")
    return bool(_SMALL.fullmatch(plain)) and plain not in _NO_SUBSPECIES


def _names_another(genus: str, epithet: str, words: list[str]) -> bool:
    """Whether another species is named behind a first one."""
    initial = f"{genus[0]}."
    return any(
        (one in bird_genera() or one == initial)
        and _is_subspecies(two)
        and not (one in (genus, initial) and two.rstrip(".,;:") == epithet)
        for one, two in pairwise(words)
    )


def _is_within(genus: str, epithet: str, left: str, right: str) -> bool:
    """Whether what stands on both sides of a cross, or of "or", are subspecies of one species."""
    left, right = (" ".join(_BRACKETS_OF_AUTHORS.sub(" ", side).split()) for side in (left, right))
    if "]" not in left and "[" not in right:  # "coronata [coronata x auduboni]"
        left, right = left.lstrip("["), right.rstrip("]")
    if not re.match(rf"{_SUBSPECIES_ALONE}$|\[", left):
        return False
    right = re.sub(rf"^(?:{genus}|{genus[0]}\.) (?:{epithet}|{epithet[0]}\.) ", "", right)
    return bool(re.match(rf"{_SUBSPECIES_ALONE}(?: \(.*\))?$|\[[^\]]*\]$", right))
