"""Which columns of a table hold places and vectors: found by themselves, or as the user says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from birdsat.errors import InputError, nearest
from birdsat.observations.readers.columns import find_column

_NAMES = ("lon", "lat", "vector")
_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
_SHOWN = 40  # columns that a message lists


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorColumns:
    """What the user says of columns; of several tables, each takes those that it has."""

    lon: tuple[str, ...] = ()
    lat: tuple[str, ...] = ()
    vector: tuple[str, ...] = ()  # a column of lists; FIRST:LAST, or A,B,C, of columns of numbers

    @classmethod
    def parse(cls, pairs: Sequence[str]) -> "VectorColumns":
        """From words such as "vector=embedding". Raises InputError for what is not such a pair."""
        said: dict[str, tuple[str, ...]] = {}
        for pair in pairs:
            what, _, column = pair.partition("=")
            if what not in _NAMES or not column:
                raise InputError(
                    f"column {pair!r} cannot be used; write lon=COLUMN, lat=COLUMN, and vector=COLUMN of lists, or "
                    "vector=FIRST:LAST or vector=A,B,C of columns of numbers.",
                    settings=("columns",),
                )
            said[what] = (*said.get(what, ()), column)
        return cls(**said)

    def places(self, present: Sequence[str], path: Path) -> tuple[str, str]:
        """The columns of longitude and latitude. Raises InputError where there are none."""
        found = []
        for what, asked in (("lon", self.lon), ("lat", self.lat)):
            named = next((name for name in asked if name in present), asked[0] if asked else None)
            found.append(find_column(present, what, named, path))
        lon, lat = found
        if lon is None or lat is None:
            raise InputError(
                f"{path} says of no row where it lies: it has neither a geometry (WKB) nor columns of longitude and "
                f"latitude; its columns are {listed(present)}. Name these, columns lon=COLUMN lat=COLUMN.",
                settings=("columns",),
            )
        return lon, lat

    def asked(self, present: Sequence[str], path: Path) -> tuple[str, ...] | None:
        """The columns of vectors that the user names; None where none is named. Raises InputError for absent ones."""
        if not self.vector:
            return None
        for text in self.vector:
            if (columns := _columns_of(text, present)) is not None:
                return columns
        near = nearest(self.vector[0], present)
        raise InputError(
            f"{path} has no {' nor '.join(map(repr, self.vector))} for vectors{near}. Its columns are "
            f"{listed(present)}.",
            settings=("columns",),
        )

    def no_numbers(self, column: str, path: Path) -> InputError:
        """Of a column that is named, and whose cells are words or dates."""
        return InputError(
            f"column {column!r} of {path} holds no numbers; name one column of lists, or columns of numbers.",
            settings=("columns",),
        )


def families(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Columns whose names are alike but for a number at their end, such as A00 to A63, in the order of the numbers."""
    found: dict[str, dict[int, str]] = {}
    for name in names:
        if match := _NUMBERED.fullmatch(name):
            found.setdefault(match[1], {}).setdefault(int(match[2]), name)
    return [tuple(name for _, name in sorted(some.items())) for some in found.values() if len(some) > 1]


def listed(names: Sequence[str]) -> str:
    """The first of many names, for messages."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:60] for name in names[:_SHOWN]) + more


def _columns_of(text: str, present: Sequence[str]) -> tuple[str, ...] | None:
    if text in present:
        return (text,)
    several = tuple(text.split(","))
    if len(several) > 1 and set(several) <= set(present):
        return several
    first, colon, last = text.partition(":")
    if colon and first in present and last in present:
        start, end = present.index(first), present.index(last)
        return tuple(present[start : end + 1]) or None
    return None
