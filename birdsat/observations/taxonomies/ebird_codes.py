"""How eBird makes the codes of groups of subspecies, which they keep when they become species.

A code has letters of each word of the common name that the species had then: Common Cicadabird gives comcic4, Lesser
Sand-Plover lessap1, Bar-bellied Cuckooshrike babcuc5. So the code of a species that a list adds tells of what bird it
was a part.
"""

_LETTERS = {2: (3, 3), 3: (2, 1, 3), 4: (2, 1, 2, 1)}  # of each word, by the number of words
_LETTERS_BEFORE_HYPHEN = (3, 2, 1)  # where the second and third word of three are one, as in Sand-Plover
_COLOURS = {"black": "blk", "brown": "brn", "gray": "gry", "grey": "gry", "green": "grn", "blue": "blu"}
_SHORT_COLOURS = {"black": "bk", "brown": "bn", "gray": "gy", "grey": "gy", "green": "gn", "blue": "bu"}


def code_stem(id: str) -> str:
    """An eBird code without the number at its end; "" of an id of another kind."""
    kind, _, code = id.partition(":")
    return code.rstrip("0123456789") if kind == "ebird" else ""


def code_of_name(common_name: str) -> str:
    """What the codes of parts of a species begin with, by its common name; "" where no rule is known."""
    words = ["".join(filter(str.isalpha, word)) for word in common_name.casefold().replace("-", " ").split()]
    letters = _LETTERS.get(len(words), ())
    if len(words) == 3 and "-" in common_name.split()[-1]:
        letters = _LETTERS_BEFORE_HYPHEN
    code = ""
    for word, count in zip(words, letters, strict=False):
        abbreviated = {3: _COLOURS, 2: _SHORT_COLOURS}.get(count, {}).get(word, word)
        code += abbreviated[:count]
    return code
