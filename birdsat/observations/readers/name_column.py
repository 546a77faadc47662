"""What the first names of a table say of the others in its column."""

from collections.abc import Sequence

from birdsat.observations.name_columns import are_scientific, beside_english
from birdsat.observations.scientific_names import NO_TAXON, NameReading


class NameColumn:
    """Whether the names of a table are scientific, by its first rows that have any."""

    def __init__(self) -> None:
        self._is_english: bool | None = None

    def among_others(self, written: Sequence[str], names: list[NameReading]) -> list[NameReading]:
        """The names, of which a word alone is not a genus where most are English ones."""
        if self._is_english is None and any(name.dropped != NO_TAXON for name in names):
            self._is_english = not are_scientific(written)
        return list(map(beside_english, names, written)) if self._is_english else names
