"""Which taxa to expect at one place: in a month, and over the year."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import Place
from birdsat.errors import ConfigError, InputError, PlaceError
from birdsat.files import write_atomic
from birdsat.maps.richness import check_suitabilities, check_taxa
from birdsat.tables import Table, csv_text

_SHORT_MONTHS = tuple(calendar.month_abbr[1:])
_ENGLISH_COLUMNS = tuple(name.lower() for name in _SHORT_MONTHS)
_OUTSIDE = " *"


@dataclass(frozen=True, kw_only=True, slots=True)
class AtPlace:
    """What a range model says of taxa at a place."""

    suitability: NDArray[np.float32]  # (t,) in a month or (t, 12) over the year, January first; 0..1
    low: NDArray[np.float32]  # likewise: ends of the interval
    high: NDArray[np.float32]
    applicable: NDArray[np.bool_]  # (t,) whether the place lies in the taxon's area of applicability

    def __post_init__(self) -> None:
        shape = self.suitability.shape
        if (self.low.shape, self.high.shape, self.applicable.shape) != (shape, shape, shape[:1]):
            raise InputError(
                f"suitabilities have shape {shape}, their bounds {self.low.shape} and {self.high.shape}, areas of "
                f"applicability {self.applicable.shape}; bounds need the shape of the suitabilities, areas {shape[:1]}."
            )

    def of(self, order: NDArray[np.int64]) -> "AtPlace":
        """Of some taxa, in an order."""
        return AtPlace(
            suitability=self.suitability[order],
            low=self.low[order],
            high=self.high[order],
            applicable=self.applicable[order],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeciesList:
    """The taxa of a place in a month, the likeliest first."""

    place: Place
    month: int  # 1..12
    taxa: tuple[str, ...]  # t names
    found: AtPlace  # in the month, falling
    common_names: tuple[str, ...]  # t; "" where not known
    expected: float  # number of species to expect, those left out among them
    left_out: int  # taxa less likely than was asked for
    cautions: tuple[str, ...] = ()  # what whoever reads the numbers must know

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "lon": self.place.lon,
            "lat": self.place.lat,
            "month": self.month,
            "expected_species": self.expected,
            "left_out": self.left_out,
            "cautions": list(self.cautions),
            "taxa": _rows(self.taxa, self.common_names, self.found),
        }

    def table(self) -> Table:
        """For the console."""
        table = Table(title=f"{where(self.place)} in {calendar.month_name[self.month]}")
        named = any(self.common_names)
        for name in ("taxon", "common name") if named else ("taxon",):
            table.add_column(name)
        table.add_column("relative suitability")
        table.add_column("interval")
        found = self.found
        for row in range(len(self.taxa)):
            table.add_row(
                self.taxa[row] + mark_of(found.applicable[row]),
                *([self.common_names[row]] if named else []),
                f"{found.suitability[row]:.2f}",
                f"{found.low[row]:.2f} to {found.high[row]:.2f}",
            )
        less = f"; {self.left_out:,} less likely ones not shown" if self.left_out else ""
        table.caption = f"{self.expected:,.1f} species expected{less}{meaning_of_marks(found)}"
        return table

    def write_csv(self, path: Path) -> None:
        """A row for each taxon."""
        found = self.found
        numbers = ((f"{value:.4f}" for value in of) for of in (found.suitability, found.low, found.high))
        rows = zip(self.taxa, self.common_names, *numbers, map(int, found.applicable), strict=True)
        write_atomic(
            path, csv_text(("taxon", "common_name", "relative_suitability", "low", "high", "applicable"), rows)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceCalendar:
    """The taxa of a place through the year, the likeliest (in their best month) first."""

    place: Place
    taxa: tuple[str, ...]  # t names
    found: AtPlace  # over the year
    common_names: tuple[str, ...]  # t; "" where not known
    expected: NDArray[np.float32]  # (12,) number of species to expect, those left out among them
    left_out: int  # taxa that are in no month as likely as was asked for
    cautions: tuple[str, ...] = ()  # what whoever reads the numbers must know

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the months January first."""
        return {
            "lon": self.place.lon,
            "lat": self.place.lat,
            "expected_species": self.expected.tolist(),
            "left_out": self.left_out,
            "cautions": list(self.cautions),
            "taxa": _rows(self.taxa, self.common_names, self.found),
        }

    def table(self) -> Table:
        """For the console, in per cent."""
        table = Table(title=f"{where(self.place)}: relative suitability by month, per cent")
        table.add_column("taxon")
        for month in _SHORT_MONTHS:
            table.add_column(month)
        found = self.found
        for taxon, by_month, inside in zip(self.taxa, found.suitability.tolist(), found.applicable, strict=True):
            table.add_row(taxon + mark_of(inside), *(f"{100 * p:.0f}" for p in by_month))
        table.add_section()
        table.add_row("species expected", *(f"{number:.0f}" for number in self.expected))
        less = f"{self.left_out:,} less likely taxa not shown" if self.left_out else ""
        table.caption = (less + meaning_of_marks(found)).removeprefix("; ")
        return table

    def write_csv(self, path: Path) -> None:
        """A row for each taxon, a column for each month."""
        found = self.found
        named = zip(self.taxa, self.common_names, found.suitability, found.applicable, strict=True)
        rows = (
            (taxon, common, *(f"{p:.4f}" for p in by_month), int(inside)) for taxon, common, by_month, inside in named
        )
        write_atomic(path, csv_text(("taxon", "common_name", *_ENGLISH_COLUMNS, "applicable"), rows))


def species_list(
    taxa: Sequence[str],
    found: AtPlace,
    place: Place,
    month: int,
    *,
    min_suitability: float = 0.05,
    common_names: Mapping[str, str] | None = None,
    cautions: Sequence[str] = (),
) -> SpeciesList:
    """The taxa to expect at a place in a month.

    found: (t,) of each of taxa, at that place in that month. min_suitability: taxa less likely are counted, not listed.

    Raises PlaceError where the suitabilities are not known there, InputError for values outside 0..1 or of another
    number of taxa, ConfigError for a month outside 1..12.
    """
    if month not in range(1, 13):
        raise ConfigError(f"month is {month}; allowed: 1 (January) to 12 (December).")
    _check(taxa, found.suitability, (len(taxa),), place)
    order, listed = _order(taxa, found.suitability, min_suitability)
    return SpeciesList(
        place=place,
        month=month,
        taxa=listed,
        found=found.of(order),
        common_names=_common(listed, common_names),
        expected=float(found.suitability.sum(dtype=np.float64)),
        left_out=len(taxa) - len(listed),
        cautions=tuple(cautions),
    )


def place_calendar(
    taxa: Sequence[str],
    found: AtPlace,
    place: Place,
    *,
    min_suitability: float = 0.05,
    common_names: Mapping[str, str] | None = None,
    cautions: Sequence[str] = (),
) -> PlaceCalendar:
    """The taxa to expect at a place through the year.

    found: (t, 12) of each of taxa there, January first. min_suitability: taxa less likely in every month are counted,
    not listed. Raises as `species_list`.
    """
    _check(taxa, found.suitability, (len(taxa), 12), place)
    order, listed = _order(taxa, found.suitability.max(axis=1, initial=0), min_suitability)
    return PlaceCalendar(
        place=place,
        taxa=listed,
        found=found.of(order),
        common_names=_common(listed, common_names),
        expected=found.suitability.sum(axis=0, dtype=np.float64).astype(np.float32),
        left_out=len(taxa) - len(listed),
        cautions=tuple(cautions),
    )


def _check(taxa: Sequence[str], suitability: NDArray[np.float32], shape: tuple[int, ...], place: Place) -> None:
    check_taxa(taxa, len(suitability))
    if suitability.shape != shape:
        raise InputError(f"the suitabilities have shape {suitability.shape}; {shape} is needed.")
    check_suitabilities(suitability)
    if np.isnan(suitability).any():
        raise PlaceError(f"at {where(place)} nothing is known: there is no imagery. Take a place that the map covers.")


def _rows(taxa: Sequence[str], common_names: Sequence[str], found: AtPlace) -> list[dict[str, Any]]:
    """Plain JSON values of each taxon."""
    return [
        {
            "taxon": taxon,
            "common_name": common,
            "relative_suitability": suitability,
            "low": low,
            "high": high,
            "applicable": applicable,
        }
        for taxon, common, suitability, low, high, applicable in zip(
            taxa,
            common_names,
            found.suitability.tolist(),
            found.low.tolist(),
            found.high.tolist(),
            found.applicable.tolist(),
            strict=True,
        )
    ]


def mark_of(applicable: bool) -> str:
    """What stands behind the name of a taxon outside whose area of applicability a place lies."""
    return "" if applicable else _OUTSIDE


def meaning_of_marks(found: AtPlace) -> str:
    """For captions: what the mark means, where there is one."""
    return "" if found.applicable.all() else f";{_OUTSIDE} outside the taxon's area of applicability: a guess"


def _order(
    taxa: Sequence[str], likeliest: NDArray[np.float32], min_suitability: float
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The likeliest first, equals by name; which, and their names."""
    order = [
        i for i in sorted(range(len(taxa)), key=lambda i: (-likeliest[i], taxa[i])) if likeliest[i] >= min_suitability
    ]
    return np.array(order, dtype=np.int64), tuple(taxa[i] for i in order)


def _common(taxa: Sequence[str], names: Mapping[str, str] | None) -> tuple[str, ...]:
    return tuple((names or {}).get(taxon, "") for taxon in taxa)


def where(place: Place) -> str:
    """A place for people: 47.2°N 9.5°E."""
    east, north = "E" if place.lon >= 0 else "W", "N" if place.lat >= 0 else "S"
    return f"{abs(place.lat):g}°{north} {abs(place.lon):g}°{east}"
