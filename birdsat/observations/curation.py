"""What was done to rows that could not be used as they came: never silently."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from birdsat.observations.observation import Observation


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Why one row was dropped, or kept without the part that could not be used."""

    row: str  # its id, or "row 17" where it has none
    reason: str  # short and the same for every such row: rows are counted by it
    detail: str  # what was found in this row
    kept: bool = False


class Tally:
    """Counts remarks by reason while observations pass. Memory does not grow with the rows."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()  # rows by reason
        self.remarked: Counter[str] = Counter()  # rows kept, by reason

    def count(self, remark: Remark) -> None:
        """Count one remark."""
        (self.remarked if remark.kept else self.dropped)[remark.reason] += 1

    def observations(self, rows: Iterable[Observation | Remark]) -> Iterator[Observation]:
        """The observations among a reader's rows; the remarks are counted."""
        for row in rows:
            if isinstance(row, Remark):
                self.count(row)
            else:
                yield row
