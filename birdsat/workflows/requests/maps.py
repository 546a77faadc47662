"""Requests about maps and what is read from them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

from birdsat.errors import ConfigError
from birdsat.maps.panels import PANELS
from birdsat.workflows.map_formats import FORMATS, file_name
from birdsat.workflows.requests.ranges import CovariateOptions, Way
from birdsat.workflows.requests.records import (
    EffortOptions,
    RecordsOptions,
    TableOptions,
    check_month,
    check_months,
    check_tables,
)
from birdsat.workflows.requests.regions import ExtentOptions, GridOptions
from birdsat.workflows.requests.request import AnyPath, Degrees, Folder, OneOf, Positional, Request, Without
from birdsat.workflows.requests.taxonomies import TaxonomyOptions

YEAR = tuple(range(1, 13))
DEFAULT_MONTHS = (6,)  # of what is dated, and what is asked of a model that tells no month from another
MAKE_REGION = "make one with `birdsat embed RUN OUT --grid STEP --imagery IMAGERY`"
_PHOTOS = ["occurrences", "ranges", "run"]  # one of these
_CUT = ("grid", "grid_km", "bands", "stretch")
OF_RECORDS = tuple(  # settings that say which records are read, and what is known of where was looked
    field.name
    for options in (RecordsOptions, EffortOptions)
    for field in fields(options)
    if field.name not in {of_taxa.name for of_taxa in fields(TaxonomyOptions)}
)
_OF_DRAWN = ("columns", "crs")  # which concern tables that are drawn as well
_GRID = ("box", "imagery", *_CUT)


@dataclass(frozen=True, kw_only=True)
class MonthsOptions(Request):
    """Of which months."""

    months: Sequence[int] = ()
    """1 to 12, one or several; without any, June, or the month next to it in which anything was recorded; or the whole
    year at once where seasons are not known."""

    def months_of(self, dated: bool, looked: Sequence[int] = ()) -> tuple[int, ...]:
        """The months to map, by whether anything tells them apart; none: one map of the whole year.

        looked: months in which somebody recorded any taxon; none: not known.
        """
        if self.months or not dated:
            return tuple(self.months)
        (usual,) = DEFAULT_MONTHS
        return (min(looked, key=lambda month: abs(month - usual), default=usual),)

    def check(self) -> None:
        """Raise ConfigError for what is not a month, and for one named twice."""
        super().check()
        check_months(self.months, "months")


@dataclass(frozen=True, kw_only=True)
class MapFilesOptions(MonthsOptions):
    """Which files a map is written to."""

    out: Folder[AnyPath] = Path("maps")
    """Folder for the files: a GeoTIFF, its JSON, its colours for QGIS (.qml) and a picture; and the map of effort."""
    also: Annotated[Sequence[str], OneOf(FORMATS)] = ()
    """Other files to write: gif is an animation of the months, parquet and csv are tables of cells, range is a
    GeoPackage of the seasons' ranges, as `birdsat range` makes it."""
    scale: Literal["data", "full"] = "data"
    """What the ends of the colours are: data makes the most of what the map holds in all its months; full is 0 to 1
    of relative suitability whatever it holds, for pictures of several taxa to be compared."""
    picture: Annotated[bool, Without("Do not draw the picture beside the GeoTIFF.")] = True
    """Draw the picture beside the GeoTIFF, which takes longer than the map of a small region."""
    panels: Annotated[Sequence[str], OneOf(PANELS)] = ()
    """Panels to draw beside the map: uncertainty, applicability, and effort where it is known."""
    within: AnyPath | None = None
    """File of polygons, outside which the map is empty: GeoJSON, a shapefile (also zipped), GeoPackage, FlatGeobuf or
    GeoParquet."""
    within_layer: str | None = None
    """Which layer of a GeoPackage, or which of the shapefiles in a zip file, where there are several."""
    overwrite: bool = False
    """Replace files that are there already."""

    @property
    def has_thresholds(self) -> bool:
        """Whether the map is one that a range can be made of."""
        return False

    def check(self) -> None:
        """Raise ConfigError for an animation of one month, for a layer of no file, and for a range of what has none."""
        super().check()
        if not self.picture:
            self.reject_unused(("panels",), "a picture")
        if self.within is None:
            self.reject_unused(("within_layer",), "a file of polygons (within)")
        if "range" in self.also and not self.has_thresholds:
            raise ConfigError(
                "a range is made of a taxon's map from records: scores of photos and numbers of species have no value "
                "from which on a taxon is there. Leave range out.",
                settings=("also",),
            )
        if "gif" in self.also and len(self.months) < 2:
            raise ConfigError(
                "an animation needs at least two months; name more, or leave gif out.", settings=("months", "also")
            )


@dataclass(frozen=True, kw_only=True)
class MapRequest(MapFilesOptions, CovariateOptions, ExtentOptions, GridOptions, EffortOptions, RecordsOptions):
    """Map where taxa live: for each a Cloud-Optimised GeoTIFF, a band a month, and a picture.

    From records, or a range model that was fitted to some: relative suitability, its uncertainty, and the area where
    the model may be asked; on the built-in world, where the records lie and a margin, unless a region or imagery is
    named. From photos, by what a run learned of the taxon's. Several taxa share one fit; one that cannot be mapped does
    not stop the others.
    """

    taxon: Positional[Sequence[str]]
    """Scientific names, of those in `birdsat taxa RUN` or of those recorded."""
    occurrences: Sequence[AnyPath] = ()
    """Tables of records to fit to: CSV, Parquet, a GBIF download, a Darwin Core Archive. The records of other taxa in
    them say where was looked."""
    ranges: AnyPath | None = None
    """Folder of a range model that `birdsat fit` made, in place of records."""
    way: Way = "occurrences"
    """Of a fit: from occurrences alone, or from both these and photos."""
    run: AnyPath | None = None
    """Folder of the run, for maps from photos, and to embed cells by in place of the built-in encoder."""
    region: AnyPath | None = None
    """Folder of cells that `birdsat embed` made, in place of the built-in world; of a range model, by default those it
    was fitted on."""
    points: Sequence[AnyPath] = ()
    """Tables of occurrences or counts of the taxa to draw on top, read by columns and crs as tables to fit to are; all
    of their rows with a place, of whatever date."""
    sea: bool = False
    """Draw what the map says of the sea also for taxa that live on land."""
    workers: int = 2
    """Processes that cut chips."""

    @property
    def is_from_photos(self) -> bool:
        """Whether there are neither records nor a model fitted to some."""
        return not self.occurrences and self.ranges is None

    @property
    def has_thresholds(self) -> bool:
        return not self.is_from_photos

    @property
    def needs_shared_space(self) -> bool:
        """Whether photos have a part in it, which are compared with cells that the same run embedded."""
        return self.is_from_photos or self.way == "both"

    def check(self) -> None:
        """Raise ConfigError for settings that exclude each other, and for what is missing, with how to get it."""
        super().check()
        if not self.taxon:
            raise ConfigError("no taxon is named; name one or several.", settings=("taxon",))
        check_once(self.taxon, "taxon")
        names = [file_name(taxon) for taxon in self.taxon]
        for name in names:
            if names.count(name) > 1:  # as "A b" and "A_b" are
                alike = " and ".join(repr(taxon) for taxon in self.taxon if file_name(taxon) == name)
                raise ConfigError(
                    f"{alike} would all be written to {name}.tif; map them into folders of their own.",
                    settings=("taxon",),
                )
        if self.occurrences and self.ranges is not None:
            raise ConfigError(
                "a range model is fitted to records already; leave the records out, or fit to them anew.",
                settings=("occurrences", "ranges"),
            )
        if not self.occurrences:
            drawn = _OF_DRAWN if self.points else ()
            of_fit = ("way", "covariates", "inputs", *OF_RECORDS)
            self.reject_unused(tuple(name for name in of_fit if name not in drawn), "records to fit to")
        if self.region is not None:
            self.reject_unused(("world", *_GRID), "cells in place of a region")
        elif self.imagery is None:
            self.reject_unused(_CUT, "imagery (cells of the built-in world are of 0.25 degrees)")
        else:
            self.reject_unused(("world",), "the built-in world")
        self._check_complete()

    def _check_complete(self) -> None:
        missing: list[str] = []
        settings: list[str] = []
        if self.run is None and self.is_from_photos:
            missing.append("records to fit to, or a range model (make one with `birdsat fit`), or a run with photos")
            settings += _PHOTOS
        elif self.run is None and self.way == "both":
            missing.append("a run, whose photos of the taxa are the other half of a map from both")
            settings.append("run")
        if self.imagery is not None and self.box is None and self.region is None:
            missing.append("a box west,south,east,north, whose cells are embedded")
            settings.append("box")
        elif self.needs_shared_space and self.region is None and self.imagery is None and settings != _PHOTOS:
            missing.append(f"cells that the run embedded: a region ({MAKE_REGION}), or a box and imagery")
            settings += ["region", "box", "imagery"]
        if missing:
            raise ConfigError(f"this map needs {'; and '.join(missing)}.", settings=settings)
        if self.occurrences and self.region is None and self.imagery is None and self.way == "occurrences":
            self.reject_unused(("run",), "a region or imagery, or for maps from photos")


@dataclass(frozen=True, kw_only=True)
class RangesOptions(Request):
    """Which range model, and where it is asked."""

    ranges: Positional[AnyPath]
    """Folder of a range model that `birdsat fit` made."""
    region: AnyPath | None = None
    """Folder of cells that `birdsat embed` made; by default those the model was fitted on."""


@dataclass(frozen=True, kw_only=True)
class RichnessRequest(RangesOptions, MapFilesOptions):
    """Map the expected number of species: the sum of the relative suitabilities of all taxa of a range model.

    Written to OUT/richness.tif, .json and .png, and richness_effort.tif where the model's effort is known.
    """

    taxa: Sequence[str] = ()
    """Count these alone."""

    def check(self) -> None:
        """Raise ConfigError for a taxon named twice."""
        super().check()
        check_once(self.taxa, "taxa")


@dataclass(frozen=True, kw_only=True)
class SpeciesRequest(RangesOptions):
    """List the taxa to expect at a place in a month, or through the year, with their relative suitabilities."""

    place: Degrees
    """Longitude,latitude in degrees. Write --place=LON,LAT."""
    month: int | None = None
    """1 to 12; without it, a calendar of all months."""
    min_suitability: float = 0.05
    """Count taxa that are less likely (through all of the year), but do not list them."""
    out: Folder[AnyPath | None] = None
    """Folder for the files: species.csv and .json of a month, or calendar.csv, .json and .png."""
    overwrite: bool = False
    """Replace files that are there already."""

    def check(self) -> None:
        """Raise ConfigError for what is not a month, and for a suitability outside 0..1."""
        super().check()
        if self.month is not None:
            check_month(self.month, "month")
        if not 0 <= self.min_suitability <= 1:
            raise ConfigError(
                f"min_suitability is {self.min_suitability:g}; allowed: 0 to 1.", settings=("min_suitability",)
            )


@dataclass(frozen=True, kw_only=True)
class GapsRequest(RangesOptions, MonthsOptions, TableOptions):
    """List where and when to look next: cells and months where a taxon is expected, unrecorded, and few looked."""

    occurrences: Sequence[AnyPath]
    """Tables of records: CSV, Parquet, a GBIF download, a Darwin Core Archive. All of their taxa say where was
    looked."""
    months: Sequence[int] = YEAR
    """1 to 12, one or several."""
    taxa: Sequence[str] = ()
    """Look for these alone."""
    threshold: str | float = 0.5
    """Relative suitability from which a taxon is expected, or what its own is called: max_sss, p10, equal or
    prevalence, as of `birdsat range`."""
    max_gaps: int = 1000
    """How many are kept, the most promising first."""
    out: AnyPath = Path("gaps.csv")
    """CSV file to write."""
    overwrite: bool = False
    """Replace a file that is there already."""

    def check(self) -> None:
        """Raise ConfigError for no tables, a taxon named twice, figures out of range, and a file that is not CSV."""
        super().check()
        check_tables(self.occurrences, "occurrences")
        if not self.months:
            raise ConfigError("months: none; allowed: 1 to 12, one or several, each once.", settings=("months",))
        check_once(self.taxa, "taxa")
        if self.max_gaps < 1:
            raise ConfigError(f"max_gaps is {self.max_gaps}; allowed: 1 or more.", settings=("max_gaps",))
        if Path(self.out).suffix.lower() != ".csv":
            raise ConfigError(
                f"survey gaps are written as CSV, and {self.out} does not end in .csv; name it so.", settings=("out",)
            )


@dataclass(frozen=True, kw_only=True)
class LocateRequest(Request):
    """Say where photos could have been taken: a probability over cells of the Earth, as a GeoTIFF and a picture.

    By the bird that each shows and where a range model has it, or by its likeness to what a region's cells look like.
    With a dataset in place of photos, measure how far from the truth that is, into RUN/locate.json.
    """

    run: Positional[AnyPath]
    """Folder of the run, a classifier's or any other that sees photos."""
    photos: Positional[Sequence[AnyPath]] = ()
    """Image files, folders with all that is in them, and globs: JPEG, PNG, WebP, TIFF; HEIC and the previews in RAW
    files with the extra birdsat[photos]."""
    ranges: AnyPath | None = None
    """Folder of a range model that `birdsat fit` made: photos are located by the taxa that they may show."""
    region: AnyPath | None = None
    """Folder of cells that `birdsat embed` made; of a range model, by default those it was fitted on. Without a range
    model, the run must have embedded it: photos are located by their likeness to its cells."""
    month: int | None = None
    """1 to 12, when the photos were taken; by default what their EXIF says, and all months are added up where it says
    nothing."""
    dataset: AnyPath | None = None
    """Folder of a dataset whose test photos are located and compared with their places."""
    queries: int = 1000
    """At most so many of its photos, drawn at random."""
    calibrate: AnyPath | None = None
    """Folder of a dataset whose val split the temperature is fitted on, by which likeness becomes a probability; by
    default it is the one that the run learned."""
    prior: AnyPath | None = None
    """Folder of a dataset whose places say where photos are taken; by default every square kilometre is alike, and of
    a dataset its own are taken."""
    out: Folder[AnyPath] = Path("located")
    """Folder for the files, PHOTO.tif, PHOTO.png and located.csv."""
    workers: int = 0
    """Processes that decode the images of datasets."""
    overwrite: bool = False
    """Replace files that are there already."""

    def check(self) -> None:
        """Raise ConfigError where there are neither photos nor a dataset, or both, and for settings of the other."""
        super().check()
        if (self.dataset is None) == (not self.photos):
            raise ConfigError(
                "give either photos to locate, or a dataset to measure how well that goes.",
                settings=("photos", "dataset"),
            )
        if self.ranges is None and self.region is None:
            raise ConfigError(
                "photos are located by the bird that they show, with a range model of its taxa (make one with `birdsat "
                f"fit`), or by what its surroundings look like, with a region that the run embedded ({MAKE_REGION}); "
                "name one of the two.",
                settings=("ranges", "region"),
            )
        if self.dataset is None:
            self.reject_unused(("queries",), "a dataset")
        else:
            self.reject_unused(("month", "out", "overwrite"), "photos")
        if self.month is not None:
            check_month(self.month, "month")
        if self.queries < 1:
            raise ConfigError(f"queries is {self.queries}; allowed: 1 or more.", settings=("queries",))


def check_once(taxa: Sequence[str], setting: str) -> None:
    """Raise ConfigError for a taxon that is named twice."""
    if twice := sorted({taxon for taxon in taxa if taxa.count(taxon) > 1}):
        raise ConfigError(f"{' and '.join(twice)} is named twice; name each taxon once.", settings=(setting,))
