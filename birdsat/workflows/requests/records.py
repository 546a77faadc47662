"""How tables of occurrences are read: fields of every request that takes some."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from birdsat.earth.date import mid_month
from birdsat.errors import ConfigError, InputError, about
from birdsat.observations.dates import read_period
from birdsat.workflows.requests.request import AnyPath, Called, Positional, Request
from birdsat.workflows.requests.taxonomies import TaxonomyOptions


@dataclass(frozen=True, kw_only=True)
class DatesOptions(Request):
    """Of which dates records are taken."""

    from_date: Annotated[str | datetime.date | None, Called("from")] = None
    """Leave out records before this year, month or day, and those without a date: 2015, 2015-06 or 2015-06-01."""
    to_date: Annotated[str | datetime.date | None, Called("to")] = None
    """Leave out records after this year, month or day, and those without a date."""
    record_months: Sequence[int] = ()
    """Leave out records of other months, 1 to 12, and those without a date."""

    def check(self) -> None:
        """Raise ConfigError for what is not a date or a month, and for an end before the beginning."""
        super().check()
        spans = {}
        for name in ("from_date", "to_date"):
            if (asked := getattr(self, name)) is not None:
                object.__setattr__(self, name, str(asked))
                try:
                    spans[name] = read_period(str(asked))
                except InputError as error:
                    raise ConfigError(str(error), settings=(name,)) from error
        if len(spans) == 2 and spans["from_date"][0] > spans["to_date"][1]:
            raise ConfigError(
                f"records are asked for from {self.from_date} to {self.to_date}, which ends before it begins; exchange "
                "the two.",
                settings=("from_date", "to_date"),
            )
        check_months(self.record_months, "record_months")


@dataclass(frozen=True, kw_only=True)
class TableOptions(DatesOptions, TaxonomyOptions):
    """How tables of occurrences are read."""

    columns: Sequence[str] = ()
    """Names of columns of the tables that are not found by themselves, as taxon=NAME lon=X lat=Y."""
    crs: str | None = None
    """In which the coordinates of the tables are, as EPSG:25832, WKT or '+proj=...'; degrees of WGS84 without it.
    Columns called x, y or easting, northing are then found. What a row or a geometry says of its own CRS counts more.
    """
    max_uncertainty_km: float | None = None
    """Leave out records whose place is uncertain by more."""

    def check(self) -> None:
        """Raise ConfigError for an uncertainty that is not above 0."""
        super().check()
        if self.max_uncertainty_km is not None and not self.max_uncertainty_km > 0:
            raise ConfigError(
                f"max_uncertainty_km is {self.max_uncertainty_km:g}; allowed: above 0.",
                settings=("max_uncertainty_km",),
            )


@dataclass(frozen=True, kw_only=True)
class PlacesOptions(TableOptions):
    """How tables of occurrences are read, and whether their places are believed."""

    trust_places: bool = False
    """Keep records at sea, and do not ask whether longitude and latitude were swapped."""


@dataclass(frozen=True, kw_only=True)
class RecordsOptions(PlacesOptions):
    """How tables of occurrences are read, and which of their rows are learned from."""

    absences: bool = False
    """Learn also from rows that say that a taxon was looked for and not found: absent, a presence or a count of 0."""
    checklists: bool = False
    """Learn also from what complete checklists do not list (eBird's ALL SPECIES REPORTED): each taxon of a table was
    looked for on all complete checklists of it. Name eBird's sampling file among the tables, which has those on which
    none of the taxa is."""

    @property
    def reads_absences(self) -> bool:
        """Whether anything that was looked for and not found is learned from."""
        return self.absences or self.checklists


@dataclass(frozen=True, kw_only=True)
class RecordsRequest(TableOptions):
    """Read tables of records, clean them, and write what is left as one table; what became of every row is said.

    Rows are read as for a map: names without authors, subspecies counted with their species, dates in any form with
    one reading, and without absences, captive birds and rows without a place. Records that say the same again are kept.
    """

    tables: Positional[Sequence[AnyPath]]
    """Tables of records: CSV, Parquet, a GBIF download, a Darwin Core Archive, a Camtrap DP package."""
    out: AnyPath
    """File of the records, .csv or .parquet: id, taxon, lon, lat, date, uncertainty_km, count, source and row."""
    taxa: Sequence[str] = ()
    """Keep the records of these alone."""
    dropped: AnyPath | None = None
    """CSV file that lists every row that is dropped, with its id and the reason."""
    overwrite: bool = False
    """Replace files that are there already."""

    def check(self) -> None:
        """Raise ConfigError for no tables, for files of another format, and for one file named for two things."""
        super().check()
        check_tables(self.tables, "tables")
        out = Path(self.out)
        if out.suffix.lower() not in (".csv", ".parquet"):
            raise ConfigError(f"out is {out}; allowed: a name that ends in .csv or .parquet.", settings=("out",))
        if self.dropped is None:
            return
        dropped = Path(self.dropped)
        if dropped.suffix.lower() != ".csv":
            raise ConfigError(f"dropped is {dropped}; allowed: a name that ends in .csv.", settings=("dropped",))
        if dropped == out:
            raise ConfigError(f"out and dropped are both {out}; name two files.", settings=("out", "dropped"))


@dataclass(frozen=True, kw_only=True)
class EffortOptions(Request):
    """What is known of where was looked."""

    target_group: Sequence[AnyPath] = ()
    """Tables of other taxa that the same people would have written down: where anybody recorded one of them, somebody
    looked; the taxa of the other tables count as well. Or names of taxa of the tables, species, genera, families or
    orders, such as Picidae: only their records say where was looked."""
    background: AnyPath | None = None
    """Table of places that are the background as they are, such as all sites that were visited, in place of places that
    are drawn: lon, lat and, where there is one, weight."""
    bias: AnyPath | None = None
    """Raster of relative effort, of any CRS, how much an area was looked at: all background is drawn by it, in place of
    the records of all taxa."""
    thin_km: float | None = None
    """Keep one record of a taxon and month in so many kilometres each way, in place of one in a cell of the map."""

    def check(self) -> None:
        """Raise ConfigError for two things that say where was looked, and for a distance that is not above 0."""
        super().check()
        if len(given := self.given("target_group", "background", "bias")) > 1:
            raise ConfigError(
                f"{' and '.join(given)} each say where was looked, and exclude each other; keep one of them.",
                settings=given,
            )
        if self.thin_km is not None and not (math.isfinite(self.thin_km) and self.thin_km > 0):
            raise ConfigError(f"thin_km is {self.thin_km:g}; allowed: above 0.", settings=("thin_km",))


def check_months(months: Sequence[int], setting: str) -> None:
    """Raise ConfigError for what is not a month, and for one that is named twice."""
    for month in months:
        check_month(month, setting)
    if len(set(months)) < len(months):
        raise ConfigError(
            f"{setting}: {', '.join(map(str, months))}; allowed: 1 to 12, one or several, each once.",
            settings=(setting,),
        )


def check_month(month: int, setting: str) -> None:
    """Raise ConfigError for what is not a month."""
    with about(setting):
        mid_month(month)


def check_tables(tables: Sequence[AnyPath], setting: str) -> None:
    """Raise ConfigError where no table is named."""
    if not tables:
        raise ConfigError("no table of records is named; name one or several.", settings=(setting,))
