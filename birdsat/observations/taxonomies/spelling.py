"""Ways in which two names can be written differently and mean one bird."""

import unicodedata
from functools import lru_cache

_LEAST_LETTERS = 5  # of words that may differ in one letter: shorter ones differ so by chance (alba, alma)
_GENDERS = ("us", "um", "os", "on", "is", "a", "e")  # nominative endings of Latin and Greek adjectives
_COMPARATIVES = {"major": "maj", "majus": "maj", "minor": "min", "minus": "min"}
_OTHER_SPELLINGS = (("grey", "gray"), ("colour", "color"), ("sulphur", "sulfur"))


@lru_cache(maxsize=1 << 17)
def gender_stem(epithet: str) -> str:
    """What is left of an epithet without the ending that follows the gender of its genus.

    albus, alba and album have one stem, so have niger, nigra, nigrum, and viridis, viride.
    """
    if epithet in _COMPARATIVES:
        return _COMPARATIVES[epithet]
    if epithet.endswith("er"):
        return epithet[:-2] + "r"
    for ending in _GENDERS:
        if epithet.endswith(ending) and len(epithet) - len(ending) >= 2:
            stem = epithet[: -len(ending)]
            return stem[:-2] + "r" if stem.endswith("er") else stem
    return epithet


def is_one_letter_off(one: str, other: str) -> bool:
    """Whether a letter was left out, added or changed, or two neighbours exchanged; of words that are long enough."""
    if min(len(one), len(other)) < _LEAST_LETTERS or abs(len(one) - len(other)) > 1 or one == other:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if len(one) == len(other):
        swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
        return swapped or one[at + 1 :] == other[at + 1 :]
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return longer[at + 1 :] == shorter[at:]


@lru_cache(maxsize=1 << 17)
def folded(common_name: str) -> str:
    """A common name without case, accents, hyphens and blanks: Turtle-Dove, Turtle Dove and turtledove are one."""
    plain = unicodedata.normalize("NFKD", common_name.casefold())
    letters = "".join(mark for mark in plain if mark.isalnum())
    for one, other in _OTHER_SPELLINGS:
        letters = letters.replace(one, other)
    return letters


def folded_tails(common_name: str) -> list[str]:
    """What a common name ends with after its first word, its first two and so on: of two words or more, folded."""
    words = common_name.split()
    tails = (" ".join(words[first:]) for first in range(1, len(words)))
    return [folded(tail) for tail in tails if len(tail.replace("-", " ").split()) > 1]
