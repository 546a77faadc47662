"""Rows that say of themselves that they are not records of a wild bird at that place."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.errors import ConfigError
from birdsat.observations.coordinates import MISSING_WORDS, YES_WORDS, place_uncertainty_m
from birdsat.observations.readers.cell_values import by_distinct, is_true
from birdsat.observations.readers.sorting import Sorting
from birdsat.observations.record_dates import ALL_DATES, RecordDates
from birdsat.observations.scientific_names import DOUBTFUL

# Darwin Core's basisOfRecord for birds that did not live where they are: in zoos, and in the ground.
_NOT_LIVING_THERE = {"livingspecimen": "kept in a zoo or garden", "fossilspecimen": "fossil", "fossil": "fossil"}
_NO = ("false", "f", "0", "0.0", "no", "n", "falsch", "nein", "faux", "non", "falso", "onwaar", "nee", "falsk")
# Or 0, in a column that tells presence.
_NOT_FOUND = (
    *("absent", "absence", "not detected", "not found", "not present", "not observed", "undetected", "nondetection"),
    *("non-detection", "excluded", "a", "abs", *_NO),
    *("ausente", "abwesend", "assente", "afwezig", "fehlend", "nicht gefunden", "non observé", "ikke observert"),
)
_COUNTED_NONE = ("absent", "absence", "zero", "not detected", "not found", "not seen", "not present")
_REJECTED = ("reject", "incorrect", "not accepted", "afgekeurd")
NOT_EXACT = "no column tells how exact the place is: taken as exact"  # where that is asked for
NOT_TOLD = "whether it was found is not told"  # in a column that tells presence
CAPTIVE, NOT_ACCEPTED, OUTLIER = "captive or domestic", "not accepted by its reviewers", "position marked as an outlier"
_CAPTIVE = (
    *("captive", "cultivated", "captive/cultivated", "captivecultivated", "managed", "domestic", "domesticated"),
    *("not wild", "zoo", "pet", "escaped", "escapee"),
)
RECORDED_ABSENT, COUNT_OF_0 = "recorded as absent", "count of 0"  # looked for and not found
_UNCERTAINTY = {  # the cells that tell it, and what `place_uncertainty_m` calls them
    "uncertainty_m": "stated",
    "public_accuracy_m": "public",
    "accuracy_m": "accuracy",
    "precision": "precision",
    "obscured": "obscured",
    "geoprivacy": "geoprivacy",
    "taxon_geoprivacy": "taxon_geoprivacy",
    "withheld": "withheld",
    "generalised": "generalised",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RowRules:
    """Which rows of a table are dropped although they can be read."""

    max_uncertainty_km: float | None = None  # radius around the place; rows that give none are kept
    wild_only: bool = False  # drop captive birds, fossils, and counts of 0
    dates: RecordDates = ALL_DATES  # the only ones to keep
    checklists: bool = False  # read also which rows are of complete checklists
    absences: bool = False  # keep rows that record an absence, which are marked; else they are dropped

    def __post_init__(self) -> None:
        most = self.max_uncertainty_km
        if most is not None and not (math.isfinite(most) and most > 0):
            raise ConfigError(f"the largest uncertainty is {most} km; it must be above 0, or left out.")

    def apply(
        self, rows: Sorting, cells: Mapping[str, pa.Array], names: tuple[NDArray[np.int64], list[str]]
    ) -> NDArray[np.bool_]:
        """Drop what they refuse, and give which (n,) of the rows record an absence, where these are kept.

        cells: (n,) by TableColumns' names; names: which (n,) of the names as written each row has.
        """
        absent = np.zeros(len(rows.kept), dtype=np.bool_)
        if self.absences:
            absent |= _where("status", cells, _recorded_absent) | _where("count", cells, _counted_none)
        else:
            rows.drop_cells("status", cells, lambda text: RECORDED_ABSENT if _recorded_absent(text) else "")
        if self.wild_only:
            rows.drop_cells("seen", cells, lambda text: NOT_TOLD if text.lower() in MISSING_WORDS | {"?"} else "")
            for what, reason in _SAID.items():
                rows.drop_cells(what, cells, reason)
            codes, written = names
            domestic = [CAPTIVE if is_domestic(name) else "" for name in written]
            rows.drop_by(codes, domestic, lambda i: written[codes[i]])
            if not self.absences:
                rows.drop_cells("count", cells, lambda text: COUNT_OF_0 if _counted_none(text) else "")
        self.apply_uncertainty(rows, cells)
        return absent

    def apply_uncertainty(self, rows: Sorting, cells: Mapping[str, pa.Array]) -> None:
        """Drop those whose place is less exact."""
        if self.max_uncertainty_km is not None:
            metres = uncertainty_m(cells, len(rows.kept))
            reason = f"place uncertain by more than {self.max_uncertainty_km:g} km"
            if not any(what in cells for what in UNCERTAINTY):
                rows.note(np.ones(len(metres), np.bool_), NOT_EXACT, lambda i: "no such column")
            rows.drop(metres > 1000 * self.max_uncertainty_km, reason, lambda i: f"{metres[i]:,.0f} m")


UNCERTAINTY = (*_UNCERTAINTY, "uncertainty_km")  # the columns that tell it
EVERY_ROW = RowRules()  # but those that record an absence


def uncertainty_m(cells: Mapping[str, pa.Array], rows: int) -> NDArray[np.float64]:
    """(n,) radius around the place of each row in metres; NaN where nothing is told."""
    present = [what for what in UNCERTAINTY if what in cells]
    if not present:
        return np.full(rows, np.nan)

    def metres(*texts: str) -> float:
        told = dict(zip(present, texts, strict=True))
        if told.get("uncertainty_km") and not told.get("uncertainty_m"):
            told["uncertainty_m"] = f"{told['uncertainty_km']} km"
        return place_uncertainty_m(**{_UNCERTAINTY[what]: text for what, text in told.items() if what in _UNCERTAINTY})

    codes, found = by_distinct(metres, *(cells[what] for what in present))
    return np.array(found, np.float64)[codes]


def is_domestic(name: str) -> bool:
    """Whether a name is of a domestic form: "(Domestic type)", "Gallus gallus domesticus". Feral pigeons live wild."""
    words = name.lower().split()
    if "(domestic" in name.lower():
        return True
    return words[:2] not in (["columba", "livia"], ["passer", "domesticus"]) and any(
        word.rstrip(".,;)").removesuffix("us").removesuffix("a") in ("domestic", "dom") for word in words[2:]
    )


def _where(what: str, cells: Mapping[str, pa.Array], says: Callable[[str], bool]) -> NDArray[np.bool_] | bool:
    """(n,) rows whose cell says so; False where there is no such column."""
    if what not in cells:
        return False
    codes, said = by_distinct(says, cells[what])
    return is_true(codes, said)


def is_yes(text: str) -> bool:
    """Whether a cell says yes."""
    return text.lower() in YES_WORDS or _number(text) == 1


def _counted_none(text: str) -> bool:
    return _number(text) == 0 or text.lower() in _COUNTED_NONE


def _recorded_absent(text: str) -> bool:
    return text.lower() in _NOT_FOUND or _number(text) == 0


def _not_living_there(text: str) -> str:
    return _NOT_LIVING_THERE.get("".join(filter(str.isalpha, text.lower())), "")


# What single cells say of a row: that it is of no wild bird, of another bird perhaps, or of another place.
_SAID: dict[str, Callable[[str], str]] = {
    "basis": _not_living_there,
    "captive": lambda text: CAPTIVE if text.lower() in YES_WORDS or text.lower() in _CAPTIVE else "",
    "means": lambda text: CAPTIVE if text.lower() in _CAPTIVE else "",
    "degree": lambda text: CAPTIVE if text.lower() in _CAPTIVE else "",
    "escaped": lambda text: CAPTIVE if text.lower() in YES_WORDS or text.lower() in _CAPTIVE else "",
    "exotic": lambda text: CAPTIVE if text.upper() == "X" else "",  # eBird: escapee
    "approved": lambda text: NOT_ACCEPTED if text.lower() in _NO else "",
    "verified": lambda text: NOT_ACCEPTED if any(word in text.lower() for word in _REJECTED) else "",
    "certain": lambda text: DOUBTFUL if text.lower() in _NO else "",
    "visible": lambda text: OUTLIER if text.lower() in _NO else "",
}


def _number(text: str) -> float:
    """NaN where the text is not a number."""
    try:
        return float(text)
    except ValueError:
        return math.nan
