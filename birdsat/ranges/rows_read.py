"""What became of the rows of the tables that a fit was made to, for the record."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsRead:
    """From rows to points; all 0 of a model of an earlier release, which did not keep it."""

    rows: int = 0  # of all tables
    repeats: int = 0  # that said again what another had said
    absences: int = 0  # that say that a taxon was looked for and not found, and are used as surveys and visits
    records: int = 0  # distinct ones of all taxa, which say where was looked
    used: int = 0  # of them, those of the taxa fitted, after all checks and thinning: the points
    dropped: tuple[tuple[str, int], ...] = ()  # reason -> rows, or records of the taxa fitted, not used
    noted: tuple[tuple[str, int], ...] = ()  # reason -> rows used without a part

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "rows": self.rows,
            "repeats": self.repeats,
            "absences": self.absences,
            "records": self.records,
            "used": self.used,
            "dropped": dict(self.dropped),
            "noted": dict(self.noted),
        }
