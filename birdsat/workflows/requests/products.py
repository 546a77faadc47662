"""Requests about what is made of finished maps."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from birdsat.errors import ConfigError
from birdsat.workflows.requests.records import PlacesOptions, check_month
from birdsat.workflows.requests.request import AnyPath, Positional, Request


@dataclass(frozen=True, kw_only=True)
class RangeRequest(PlacesOptions):
    """Make ranges of finished maps: polygons of each season, their areas, extent of occurrence, area of occupancy.

    A cell is in a season's range where the mean over its months reaches the threshold, and on passage where any of its
    months does. All maps go into one GeoPackage, and into a JSON beside it.
    """

    maps: Positional[Sequence[AnyPath]]
    """GeoTIFFs of taxa that `birdsat map` made of records; of all twelve months, so that they tell the seasons."""
    threshold: str | float = "max_sss"
    """From which value on a cell is in the range, chosen on records held out of the fit: max_sss (sensitivity and
    specificity add up to the most), p10 (nine tenths of the records are in it), equal (both are alike), prevalence
    (0.5), or a number above 0, up to 1."""
    breeding: Sequence[int] = ()
    """Months of the breeding season, 1 to 12; by default as the map tells them."""
    non_breeding: Sequence[int] = ()
    """Months of the non-breeding season; all others are passage."""
    occurrences: Sequence[AnyPath] = ()
    """Tables of records, of whose places extent of occurrence and area of occupancy are given as well."""
    out: AnyPath = Path("range.gpkg")
    """GeoPackage to write; its JSON is beside it, as range_areas.json."""
    overwrite: bool = False
    """Replace files that are there already."""

    def check(self) -> None:
        """Raise ConfigError for no map, another kind of file, and for seasons that are impossible or half given."""
        super().check()
        if not self.maps:
            raise ConfigError("no map is named; name one or several GeoTIFFs.", settings=("maps",))
        if Path(self.out).suffix.lower() != ".gpkg":
            raise ConfigError(
                f"ranges are written as a GeoPackage, and {self.out} does not end in .gpkg; name it so.",
                settings=("out",),
            )
        for name in ("breeding", "non_breeding"):
            for month in getattr(self, name):
                check_month(month, name)
        if bool(self.breeding) != bool(self.non_breeding):
            missing = "non_breeding" if self.breeding else "breeding"
            raise ConfigError(
                f"one season alone does not tell residents from visitors; name the months of {missing} as well, or of "
                "neither.",
                settings=(missing,),
            )
        if both := sorted(set(self.breeding) & set(self.non_breeding)):
            raise ConfigError(
                f"month {both[0]} is of both seasons; name it in one, or in neither where it is passage.",
                settings=("breeding", "non_breeding"),
            )
        if not self.occurrences:
            self.reject_unused([field.name for field in fields(PlacesOptions)], "tables of records")


@dataclass(frozen=True, kw_only=True)
class ReportRequest(Request):
    """Write a report of a map: one HTML file, with pictures inside, that needs no network.

    In the order of ODMAP (Zurell and others 2020): overview, data, model, assessment, prediction; then limits, what to
    cite, and the command that makes it again.
    """

    map: Positional[AnyPath]
    """GeoTIFF that `birdsat map` made."""
    ranges: AnyPath | None = None
    """GeoPackage that `birdsat range` made of it; by default the one beside it of the map's name, or range.gpkg, where
    there is one."""
    out: AnyPath | None = None
    """HTML file to write; by default beside the map, of its name."""
    overwrite: bool = False
    """Replace a file that is there already."""

    def check(self) -> None:
        """Raise ConfigError for another kind of file."""
        super().check()
        if self.out is not None and Path(self.out).suffix.lower() not in (".html", ".htm"):
            raise ConfigError(
                f"a report is written as HTML, and {self.out} does not end in .html; name it so.", settings=("out",)
            )
