"""Which column of a table holds what: by its usual names, or as the user says."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from birdsat.earth.crs import CRS, in_degrees_of_arc
from birdsat.errors import InputError
from birdsat.observations.dates import read_date
from birdsat.observations.name_columns import are_scientific, choose_name_column, name_of_parts
from birdsat.observations.readers.cell_values import as_text
from birdsat.observations.readers.column_names import PLANE, PLANE_X, PLANE_Y, SYNONYMS, plain, plainer
from birdsat.observations.readers.reader import TableSource
from birdsat.observations.scientific_names import parse_name

_LOOKED_AT = 200  # rows at the head of a table that tell which of its columns holds scientific names
_SIDES = frozenset(("N", "S", "E", "W", "NORTH", "SOUTH", "EAST", "WEST"))
_OF_PRESENCE = ("presence", "presenceabsence", "present", "detected")  # where no cell says presence by being blank
# Columns of the taxon that are blank where it is not a species, and what the column of the whole name then is: in that
# of iNaturalist, a complex is called as a species is.
_OF_SPECIES_ALONE = {"species": "whole", "taxonspeciesname": "whole_above"}
_MAY_SAY_DEGREES = ("lon", "lat", "uncertainty_m", "uncertainty_km")
# Columns that tell a place, in ways that are not read.
_ONE_COLUMN = (
    *("coordinates", "coordinate", "coords", "location", "latlon", "latlong", "latlng", "lonlat", "gps", "position"),
    *("gpscoordinates", "geopoint", "point", "latitudelongitude", "geolocation", "latlongitude", "koordinaten"),
)
_GRID_REFERENCES = (
    *("gridreference", "gridref", "osgr", "osgridref", "osgridreference", "geohash", "h3", "mgrs", "usng", "utm"),
    *("tetrad", "square", "gridsquare", "gridcell", "pluscode", "quadrat", "atlasblock", "blockcode"),
    *("kilometersquare", "hectad", "monad", "utmgrid", "mtb", "tk25", "qdgc", "pentad", "quadrant"),
)
_TOGETHER = (("lon", "lat"), ("box_x", "box_y", "box_width", "box_height"), ("year", "month"))  # all or none


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumns:
    """Which column holds what. None: found by its usual names, or absent."""

    photo: str | None = None  # path of the photo, or a key that the photo source knows
    taxon: str | None = None  # scientific name; needed
    lon: str | None = None  # degrees east, WGS84; x or east of another CRS
    lat: str | None = None  # degrees north, WGS84; y or north of another CRS
    lon_side: str | None = None  # "W": the longitude is west of Greenwich, though its number is not below 0
    lat_side: str | None = None  # "S": likewise
    date: str | None = None  # in any form with one reading
    end: str | None = None  # the last day, where `date` is the first of several
    split: str | None = None  # train, val, test; or 1 for train and 0 for test
    group: str | None = None  # rows that share it, as those of one visit, fall into one split
    id: str | None = None  # without one the photo names the row, without a photo the row's number
    licence: str | None = None
    attribution: str | None = None
    box_x: str | None = None  # left edge of the crop, in pixels of the photo
    box_y: str | None = None  # upper edge
    box_width: str | None = None
    box_height: str | None = None
    count: str | None = None  # individuals seen
    year: str | None = None  # year, month and day tell the date where the date's own column does not
    month: str | None = None
    day: str | None = None
    status: str | None = None  # "absent" or 0: looked for and not found
    uncertainty_m: str | None = None  # radius around the place, metres
    uncertainty_km: str | None = None  # the same in kilometres, as `birdsat records` writes it
    public_accuracy_m: str | None = None  # iNaturalist's, of the place that is shown
    accuracy_m: str | None = None  # iNaturalist's, of the true place, which may be hidden
    precision: str | None = None  # Darwin Core's coordinatePrecision, degrees
    obscured: str | None = None  # "true": the true place is hidden
    geoprivacy: str | None = None  # "obscured" or "private": likewise
    taxon_geoprivacy: str | None = None
    withheld: str | None = None  # Darwin Core's informationWithheld: "uncertainty increased to 28000m"
    generalised: str | None = None  # Darwin Core's dataGeneralizations: "generalised to 10 km"
    basis: str | None = None  # Darwin Core's basisOfRecord
    captive: str | None = None  # "true" or "captive": not wild
    means: str | None = None  # Darwin Core's establishmentMeans: rows of "managed" or "captive" are not wild
    degree: str | None = None  # Darwin Core's degreeOfEstablishment: likewise
    escaped: str | None = None  # "yes": escaped from captivity
    exotic: str | None = None  # eBird's EXOTIC CODE, X where it escaped
    approved: str | None = None  # eBird's APPROVED: 0 where its reviewers did not accept the record
    verified: str | None = None  # Darwin Core's identificationVerificationStatus: "rejected" or "incorrect" counts
    certain: str | None = None  # "no": the observer doubts the species
    visible: str | None = None  # Movebank's: "false" where the position is marked as an outlier
    rank: str | None = None  # Darwin Core's taxonRank: rows of a genus or higher are dropped
    qualifier: str | None = None  # Darwin Core's identificationQualifier: rows of "cf." or "?" are dropped
    genus: str | None = None  # with the epithet in `taxon` or `epithet`, where the name is in parts
    epithet: str | None = None
    below: str | None = None  # epithet of the subspecies
    common_name: str | None = None  # in any language
    weight: str | None = None  # how often a place of the background is to be drawn; of other tables, not looked for
    complete: str | None = None  # "1": the row is of a checklist of all species; of other tables, not looked for
    datum: str | None = None  # the CRS of each row's place: Darwin Core's geodeticDatum, or such as EPSG:25832

    @classmethod
    def parse(cls, pairs: Sequence[str]) -> "TableColumns":
        """From words such as "taxon=scientificName". Raises InputError for what is not such a pair."""
        known = [field.name for field in fields(cls)]
        named = dict(pair.partition("=")[::2] for pair in pairs)
        for what, column in named.items():
            if what not in known or not column:
                raise InputError(
                    f"column {what}={column} cannot be used; write NAME=COLUMN, NAME one of {', '.join(known)}.",
                    settings=("columns",),
                )
        return cls(**named)


def find_columns(
    source: TableSource,
    asked: TableColumns,
    path: Path,
    *,
    with_photos: bool = True,
    crs: CRS | None = None,
    checklists: bool = False,
) -> dict[str, str]:
    """The columns of a table by `TableColumns`' names, those that are there. crs: of its coordinates, see
    `columns_of_plane`. checklists: what says which checklists are complete is asked for as well, and a table that does
    needs no taxon.

    Raises InputError for a column asked for that is not there, and for a table without taxon or with one coordinate
    only.
    """
    present = source.columns
    found = {
        field.name: name
        for field in fields(asked)
        if field.name not in ("weight", *(() if checklists else ("complete",)))
        and (name := find_column(present, field.name, getattr(asked, field.name), path)) is not None
    }
    _refuse_twice(present, found, path)
    found = of_their_table(source, found, asked)
    if of_plane := columns_of_plane(present, asked, crs):
        found |= of_plane
    elif "photo" in found and asked.lon is None and plain(found.get("lon", "")) in map(plain, PLANE_X):
        found = {what: name for what, name in found.items() if what not in ("lon", "lat")}  # pixels, more often
    if asked.taxon is None and "taxon" in found:
        taxon = _scientific_column(source, present, found)
        found = {**found, "taxon": taxon} if taxon else {what: name for what, name in found.items() if what != "taxon"}
    if "status" in found and plain(found["status"]) in _OF_PRESENCE:
        found["seen"] = found["status"]
    if "taxon" not in found and not {"genus", "epithet"} <= set(found):
        called_name = next((name for name in present if plain(name) == "name"), None)
        if called_name is not None and are_scientific(_head(source, called_name)):
            found["taxon"] = called_name
    whole = find_column(present, "whole", None, path)
    if whole is not None and asked.taxon is None and plain(found.get("taxon", "")) in _OF_SPECIES_ALONE:
        found[_OF_SPECIES_ALONE[plain(found["taxon"])]] = whole
    if not with_photos:
        found.pop("photo", None)
    if "taxon" not in found and not {"genus", "epithet"} <= set(found) and "complete" not in found:
        is_ebird = "SAMPLING EVENT IDENTIFIER" in present
        ebird = (
            " (eBird's sampling file lists checklists; the birds are in the other file, ebd_...)" if is_ebird else ""
        )
        common = f", or taxon={found['common_name']} for common names" if "common_name" in found else ""
        raise InputError(
            f"{path} has no column for the taxon; its columns are {_listed(present)}. Name the one that holds "
            f"scientific names, columns taxon=COLUMN{common}{ebird}{without_names(present)}.",
            settings=("columns",),
        )
    if asked.month is None and not {"year", "month"} <= set(found):  # a year alone is not a date
        found = {what: name for what, name in found.items() if what not in ("year", "month", "day")}
    for group in _TOGETHER:
        missing = [name for name in group if name not in found]
        if missing and len(missing) < len(group):
            raise InputError(
                f"{path} has {', '.join(found[name] for name in group if name in found)} but nothing for "
                f"{', '.join(missing)}; its columns are {_listed(present)}. Name the missing ones: "
                f"columns {' '.join(f'{name}=COLUMN' for name in missing)}.",
                settings=("columns",),
            )
    return found


def columns_of_plane(present: Sequence[str], asked: TableColumns, crs: CRS | None) -> dict[str, str]:
    """The pair of columns of a projection's coordinates, which goes before degrees where the CRS is of such a one; none
    where there is no such pair, or columns of places are asked for."""
    if crs is None or in_degrees_of_arc(crs) or asked.lon is not None or asked.lat is not None:
        return {}
    by_plain_name = {plain(name): name for name in reversed(present)}
    for x, y in PLANE:
        if (east := by_plain_name.get(plain(x))) and (north := by_plain_name.get(plain(y))):
            return {"lon": east, "lat": north}
    return {}


def find_column(present: Sequence[str], what: str, asked: str | None, path: Path) -> str | None:
    """The column that is asked for, else the one whose name is usual for `what`. Raises InputError for one asked for
    that is not there."""
    if asked is not None:
        if asked in present:
            return asked
        near = difflib.get_close_matches(asked, present, n=3, cutoff=0.5)
        nearest = f"; nearest: {', '.join(map(repr, near))}" if near else ""
        raise InputError(
            f"{path} has no column {asked!r} for {what}{nearest}. Its columns are {_listed(present)}.",
            settings=("columns",),
        )
    by_plain_name = {plain(name): name for name in reversed(present)}
    usual = (by_plain_name.get(plain(synonym)) for synonym in SYNONYMS[what])
    if what not in _MAY_SAY_DEGREES:
        return next((name for name in usual if name is not None), None)
    # A name with "WGS84" or a unit behind it goes before those of a projection's coordinates.
    of_plane = {plain(name) for name in (*PLANE_X, *PLANE_Y)}
    names = list(dict.fromkeys(plain(synonym) for synonym in SYNONYMS[what]))
    in_words = {plainer(name): name for name in reversed(present)}
    looked_up = [(by_plain_name, [name for name in names if name not in of_plane]), (in_words, names)]
    looked_up.append((by_plain_name, names))
    return next((there[name] for there, some in looked_up for name in some if name in there), None)


def _refuse_twice(present: Sequence[str], found: dict[str, str], path: Path) -> None:
    """Raises InputError where a column that is read has the name of another."""
    for name in found.values():
        if (times := list(present).count(name)) > 1:
            raise InputError(
                f"{path} has {times} columns called {name!r}, of which one is to be read; rename the others."
            )


def of_their_table(source: TableSource, found: dict[str, str], asked: TableColumns) -> dict[str, str]:
    """Without columns whose names mean something else in tables of another kind."""
    left = dict(found)
    if "visible" in left and plain(left.get("lon", "")) != "locationlong":
        del left["visible"]  # Movebank's alone
    if "end" in left and asked.end is None and "start" not in plain(left.get("date", "")):
        del left["end"]
    for what in ("lon_side", "lat_side"):
        if what in left and getattr(asked, what) is None and _SIDES.isdisjoint(_head(source, left[what])):
            del left[what]
    others = (plain(name) for name in source.columns if name != left.get("date"))
    if plain(left.get("date", "")) == "timestamp" and asked.date is None and any("date" in name for name in others):
        del left["date"]  # when a form was sent, beside when the bird was seen
    may_be_date = asked.date is None and plain(left.get("date", "")) == "datum"  # it is, in some languages
    if may_be_date and not any(read_date(text).day for text in _head(source, left["date"])):
        left.setdefault("datum", left["date"])
        del left["date"]
    return left


def _head(source: TableSource, column: str) -> set[str]:
    """What the first rows have in a column, in capitals."""
    first = next(iter(source.cells([column])), None)
    if first is None:
        return set()
    return {text.strip().upper() for text in as_text(first.columns[column].slice(0, _LOOKED_AT)).to_pylist()}


def without_names(present: Sequence[str]) -> str:
    """What is to be said where the row of names was not taken apart, or is not such a row."""
    if any(read.is_scientific and read.species for read in map(parse_name, present)):
        return " (the first row seems to be a record: put a row of column names in front)"
    if len(present) > 1:
        return ""
    return (
        " (cells are taken apart at commas, semicolons, tabs or bars; lines above the row of names are to be deleted)"
    )


def no_places(present: Sequence[str], path: Path) -> InputError:
    """The error of a table without columns of longitude and latitude."""
    by_plain_name = {plain(name): name for name in reversed(present)}
    if sum(_is_fraction(name) for name in present) >= 2:
        return InputError(
            f"{path} has no row of column names: its first row is {_listed(present, 6)}. Put one in front, such as "
            "species,lat,lon,date."
        )
    told = ""
    if found := next((by_plain_name[name] for name in _ONE_COLUMN if name in by_plain_name), ""):
        told = f"What is in {found!r} must be split into two columns, lat and lon. "
    elif found := next((by_plain_name[name] for name in _GRID_REFERENCES if name in by_plain_name), ""):
        told = f"Squares and codes, as in {found!r}, are not read: add columns of degrees. "
    return InputError(
        f"{path} has no columns of longitude and latitude; its columns are {_listed(present)}. {told}Name those that "
        "hold them, columns lon=COLUMN lat=COLUMN.",
        settings=("columns",),
    )


def _is_fraction(name: str) -> bool:
    return re.fullmatch(r"[+-]?\d+\.\d+", name.strip()) is not None


def _listed(names: Sequence[str], most: int = 60) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(name[:60] for name in names[:most]) + more


def _scientific_column(source: TableSource, present: Sequence[str], found: dict[str, str]) -> str:
    """Of the columns that usually hold names, that which holds scientific ones at the head of the table; "" where none
    does and the columns of genus and epithet do."""
    by_plain_name = {plain(name): name for name in reversed(present)}
    usual = [by_plain_name[key] for key in map(plain, SYNONYMS["taxon"]) if key in by_plain_name]
    parts = [found[part] for part in ("genus", "epithet") if part in found]
    if len(usual) == 1 and len(parts) < 2:
        return usual[0]
    first = next(iter(source.cells([*usual, *parts])), None)
    if first is None:
        return usual[0]
    texts = {
        name: [text.strip() for text in as_text(cells.slice(0, _LOOKED_AT)).to_pylist()]
        for name, cells in first.columns.items()
    }
    blank = [""] * _LOOKED_AT
    genera, epithets = (texts[found[part]] if part in found else blank for part in ("genus", "epithet"))
    names = {column: list(map(name_of_parts, texts[column], genera)) for column in usual}
    if len(parts) == 2:
        names[""] = [name_of_parts("", *both) for both in zip(genera, epithets, strict=True)]
    return choose_name_column(names)
