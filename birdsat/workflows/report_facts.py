"""What a report is written from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from birdsat.maps.description import SCORE, MapDescription


@dataclass(frozen=True, kw_only=True, slots=True)
class MapFacts:
    """What a report is written from, beside its pictures."""

    about: MapDescription
    created: str  # when the map was made, ISO 8601
    file: str  # name of the map
    areas: Mapping[str, Any] | None  # of its ranges, as `read_areas` gives them
    report_command: str
    area_km2: float  # of the cells with a value
    inside: float  # share of it in the area of applicability; NaN: not known
    doubt: float  # mean over it of what `MapDescription.doubt` names; NaN: not known

    @property
    def has_fit(self) -> bool:
        """Whether it is of records, and not of photos alone."""
        return self.about.quantity.name != SCORE.name

    @property
    def tables(self) -> str:
        """The tables of records, for people."""
        return self.about.sources.get("records", "") or "tables that are not known"
