"""What was done to rows that could not be used as they came: never silently."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Why one row was dropped, or kept without the part that could not be used."""

    row: str  # its id, or "row 17" where it has none
    reason: str  # short and the same for every such row: rows are counted by it
    detail: str  # what was found in this row
    kept: bool = False
