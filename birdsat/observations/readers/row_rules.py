"""Rows that say of themselves that they are not records of a wild bird at that place."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from birdsat.errors import ConfigError

RULED = ("status", "uncertainty_m", "basis", "captive", "count", "taxon")  # the cells that rules look at
# Darwin Core's basisOfRecord for birds that did not live where they are: in zoos, and in the ground.
_NOT_LIVING_THERE = {"livingspecimen": "kept in a zoo or garden", "fossilspecimen": "fossil"}
_YES = ("true", "t", "1", "yes")


@dataclass(frozen=True, kw_only=True, slots=True)
class RowRules:
    """Which rows of a table are dropped although they can be read. Rows that record an absence always are."""

    max_uncertainty_km: float | None = None  # radius around the place; rows that give none are kept
    wild_only: bool = False  # drop captive birds, fossils, and counts of 0

    def __post_init__(self) -> None:
        most = self.max_uncertainty_km
        if most is not None and not (math.isfinite(most) and most > 0):
            raise ConfigError(f"the largest uncertainty is {most} km; it must be above 0, or left out.")

    def refuse(self, cells: Mapping[str, str]) -> tuple[str, str] | None:
        """Reason and detail for a row that is to be dropped, else None. cells: text, by TableColumns' names."""
        status = cells.get("status", "")
        if status.lower() == "absent":
            return "recorded as absent", f"occurrence status {status!r}"
        if self.wild_only:
            basis = _NOT_LIVING_THERE.get("".join(filter(str.isalpha, cells.get("basis", "").lower())))
            if basis is not None:
                return basis, f"basis of record {cells['basis']!r}"
            if cells.get("captive", "").lower() in _YES or "(domestic" in cells["taxon"].lower():
                return "captive or domestic", cells["taxon"]
            if _number(cells.get("count", "")) == 0:
                return "count of 0", f"count {cells['count']!r}"
        if self.max_uncertainty_km is not None:
            metres = _number(cells.get("uncertainty_m", ""))
            if metres > 1000 * self.max_uncertainty_km:
                return f"place uncertain by more than {self.max_uncertainty_km:g} km", f"{metres:,.0f} m"
        return None


EVERY_ROW = RowRules()  # but those that record an absence


def _number(text: str) -> float:
    """NaN where the text is not a number."""
    try:
        return float(text)
    except ValueError:
        return math.nan
