"""How tables of occurrences are read: fields of every request that takes some."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Positional, Request
from birdsat.workflows.requests.taxonomies import TaxonomyOptions


@dataclass(frozen=True, kw_only=True)
class TableOptions(TaxonomyOptions):
    """How tables of occurrences are read."""

    columns: Sequence[str] = ()
    """Names of columns of the tables that are not found by themselves, as taxon=NAME lon=X lat=Y."""
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
class RecordsOptions(TableOptions):
    """How tables of occurrences are read, and which of their records are believed."""

    trust_places: bool = False
    """Keep records at sea, and do not ask whether longitude and latitude were swapped."""
    absences: bool = False
    """Learn also from rows that say that a taxon was looked for and not found: absent, a presence or a count of 0."""


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
class TargetGroupOptions(Request):
    """Whose records say where was looked."""

    target_group: Sequence[AnyPath] = ()
    """Tables of other taxa that the same people would have written down: where anybody recorded one of them, somebody
    looked. The taxa of the other tables count as well."""


def check_tables(tables: Sequence[AnyPath], setting: str) -> None:
    """Raise ConfigError where no table is named."""
    if not tables:
        raise ConfigError("no table of records is named; name one or several.", settings=(setting,))
