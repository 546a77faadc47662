"""Requests about lists of taxa: which one names are brought to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Positional, Request


@dataclass(frozen=True, kw_only=True)
class TaxonomyOptions(Request):
    """By which list taxa are named."""

    taxonomy: str | None = None
    """Bring all names to the accepted species of this list: a file, or a name such as avilist or ebird@2024. Without it
    they stay as they are written. docs/taxonomies.md says how."""
    follows: str | None = None
    """The list that the names of the tables follow, by which names that mean less now are known."""
    mapping: AnyPath | None = None
    """CSV of old_name,new_name pairs that are believed before all else."""
    range_folder: AnyPath | None = None
    """Folder of files of polygons with the ranges of species of the taxonomy, such as Larus_argentatus.geojson, to tell
    the records of one that is several now apart."""
    language: str = "en"
    """Of common names, where the taxonomy has several: en, de, fr, ..."""

    def check(self) -> None:
        """Raise ConfigError for what only a taxonomy makes use of."""
        super().check()
        if self.taxonomy is None:
            self.reject_unused(("follows", "mapping", "range_folder", "language"), "a taxonomy")


@dataclass(frozen=True, kw_only=True)
class MatchTaxaRequest(Request):
    """Say what each name of a list, or of a table of records, means in an authority's list.

    Written are the old and the new name, the kind of change, the evidence for it, and the candidates where it is not
    known; beside it the counts as JSON. docs/taxonomies.md has the kinds, and the lists that have a name.
    """

    old: Positional[str]
    """A list of taxa (a file, or a name such as ebird@2021), or a table with names: CSV, Parquet, a GBIF download."""
    to: str
    """The list whose accepted species are wanted: a file, or a name such as avilist or ebird@2024. Write FILE@VERSION
    where the file does not say its version."""
    out: AnyPath = Path("matched.csv")
    """CSV file to write; the counts go into a JSON file of the same name."""
    follows: str | None = None
    """Of a table with names: the list that they follow, by which names that mean less now are known."""
    mapping: AnyPath | None = None
    """CSV of old_name,new_name pairs that are believed before all else."""
    through: Sequence[str] = ("avilist",)
    """Lists that may know what neither does, such as of which species another is a subspecies."""
    records: Sequence[AnyPath] = ()
    """Of a table with places: tables of records by the new names, to tell by place which of several species an old name
    means. The table's own records of these species are taken as well."""
    range_folder: AnyPath | None = None
    """Of a table with places: folder of files of polygons with the ranges of species by the new names, such as
    Larus_argentatus.geojson, for the same."""
    columns: Sequence[str] = ()
    """Names of columns of the tables that are not found by themselves, as taxon=NAME lon=X lat=Y."""
    overwrite: bool = False
    """Replace files that are there already."""

    def check(self) -> None:
        """Raise ConfigError for a file that is not CSV."""
        super().check()
        if Path(self.out).suffix.lower() != ".csv":
            raise ConfigError(
                f"matches are written as CSV, and {self.out} does not end in .csv; name it so.", settings=("out",)
            )
