"""What a format of observations needs to be read: whether a path is of it, and its rows as a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from birdsat.observations.curation import Remark


class TableSource(Protocol):
    """A table that is read in a stream."""

    @property
    def columns(self) -> list[str]:
        """Their names. Those that `TableColumns` looks for are found by themselves."""
        ...

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
        """Number (from 1) and the cells `names` of each row, or a remark on why a row cannot be used; a remark that
        says `kept` comes before its row. Raises InputError where the table cannot be read to its end."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A format."""

    name: str  # with its suffixes, as messages call it
    recognises: Callable[[Path], bool]  # of a path that exists; InputError where it is damaged
    open: Callable[[Path], TableSource]  # of a path that is recognised; InputError where it cannot be read
