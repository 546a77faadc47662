"""Which column of a table holds what: by its usual names, or as the user says."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from birdsat.errors import InputError
from birdsat.observations.name_columns import choose_name_column, name_of_parts
from birdsat.observations.readers.cell_values import as_text
from birdsat.observations.readers.points import LAT_OF_GEOMETRY, LON_OF_GEOMETRY
from birdsat.observations.readers.reader import TableSource

_PLANE = (  # pairs of columns of a projection's coordinates
    ("x", "y"),
    ("easting", "northing"),
    ("eastings", "northings"),
    ("utm_x", "utm_y"),
    ("utm_easting", "utm_northing"),
    ("utm_e", "utm_n"),
    ("coord_x", "coord_y"),
    ("x_coord", "y_coord"),
    ("point_x", "point_y"),
)
_PLANE_X, _PLANE_Y = zip(*_PLANE, strict=True)
_SYNONYMS = {
    "photo": ("photo", "image", "path", "file_name", "filename"),
    "taxon": ("taxon", "species", "taxon_species_name", "scientific_name"),
    # Behind the columns that say degrees, those in which metres are found more often, so that it can be said.
    "lon": ("lon", "longitude", "decimal_longitude", "lng", "long", LON_OF_GEOMETRY, *_PLANE_X),
    "lat": ("lat", "latitude", "decimal_latitude", LAT_OF_GEOMETRY, *_PLANE_Y),
    "date": ("date", "event_date", "observation_date", "observed_on", "time_observed_at", "observed_at"),
    "year": ("year",),
    "month": ("month",),
    "day": ("day",),
    "split": ("split", "is_training_image"),
    "group": ("split_group",),
    "id": ("id", "observation_id", "gbif_id", "occurrence_id", "global_unique_identifier"),
    "licence": ("licence", "license"),
    "attribution": ("attribution", "rights_holder"),
    "box_x": ("box_x",),
    "box_y": ("box_y",),
    "box_width": ("box_width",),
    "box_height": ("box_height",),
    "count": ("count", "individual_count", "observation_count"),
    "status": ("occurrence_status", "presence", "presence_absence", "present", "detected"),
    "uncertainty_m": ("coordinate_uncertainty_in_meters", "coordinate_uncertainty", "uncertainty_m"),
    "uncertainty_km": ("uncertainty_km",),
    "public_accuracy_m": ("public_positional_accuracy",),
    "accuracy_m": ("positional_accuracy",),
    "precision": ("coordinate_precision",),
    "obscured": ("coordinates_obscured", "obscured"),
    "geoprivacy": ("geoprivacy",),
    "taxon_geoprivacy": ("taxon_geoprivacy",),
    "basis": ("basis_of_record",),
    "captive": ("captive_cultivated", "captive"),
    "rank": ("taxon_rank",),
    "qualifier": ("identification_qualifier",),
    "genus": ("genus",),
    "epithet": ("specific_epithet", "epithet", "species_epithet"),
    "below": ("infraspecific_epithet", "subspecies"),
    "family": ("family",),
    "order": ("order",),
    "weight": ("weight", "weights"),
    "complete": ("all_species_reported",),
    "common_name": ("common_name", "vernacular_name"),
    "datum": ("geodetic_datum", "coordinate_reference_system", "crs", "srs"),
}
_LOOKED_AT = 200  # rows at the head of a table that tell which of its columns holds scientific names
_TOGETHER = (("lon", "lat"), ("box_x", "box_y", "box_width", "box_height"), ("year", "month"))  # all or none


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumns:
    """Which column holds what. None: found by its usual names, or absent."""

    photo: str | None = None  # path of the photo, or a key that the photo source knows
    taxon: str | None = None  # scientific name; needed
    lon: str | None = None  # degrees east, WGS84; x or east of another CRS
    lat: str | None = None  # degrees north, WGS84; y or north of another CRS
    date: str | None = None  # in any form with one reading
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
    basis: str | None = None  # Darwin Core's basisOfRecord
    captive: str | None = None  # "true": not wild
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
    in_plane: bool = False,
    checklists: bool = False,
) -> dict[str, str]:
    """The columns of a table by `TableColumns`' names, those that are there. in_plane: coordinates of a projection are
    asked for, whose usual names are looked for before those of degrees. checklists: so is what says which checklists
    are complete, and a table that does needs no taxon.

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
    if in_plane and asked.lon is None and asked.lat is None:
        found |= _plane_columns(present)
    elif "photo" in found and asked.lon is None and _plain(found.get("lon", "")) in map(_plain, _PLANE_X):
        found = {what: name for what, name in found.items() if what not in ("lon", "lat")}  # pixels, more often
    if asked.taxon is None and "taxon" in found:
        taxon = _scientific_column(source, present, found)
        found = {**found, "taxon": taxon} if taxon else {what: name for what, name in found.items() if what != "taxon"}
    if not with_photos:
        found.pop("photo", None)
    if "taxon" not in found and not {"genus", "epithet"} <= set(found) and "complete" not in found:
        is_ebird = "SAMPLING EVENT IDENTIFIER" in present
        ebird = (
            " (eBird's sampling file lists checklists; the birds are in the other file, ebd_...)" if is_ebird else ""
        )
        raise InputError(
            f"{path} has no column for the taxon; its columns are {_listed(present)}. Name the one that holds "
            f"scientific names, columns taxon=COLUMN{ebird}.",
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


def _plane_columns(present: Sequence[str]) -> dict[str, str]:
    """The pair of columns of a projection's coordinates, where there is one."""
    by_plain_name = {_plain(name): name for name in reversed(present)}
    for x, y in _PLANE:
        if (east := by_plain_name.get(_plain(x))) and (north := by_plain_name.get(_plain(y))):
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
    by_plain_name = {_plain(name): name for name in reversed(present)}
    usual = (by_plain_name.get(_plain(synonym)) for synonym in _SYNONYMS[what])
    return next((name for name in usual if name is not None), None)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _listed(names: Sequence[str], most: int = 60) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(name[:60] for name in names[:most]) + more


def _scientific_column(source: TableSource, present: Sequence[str], found: dict[str, str]) -> str:
    """Of the columns that usually hold names, that which holds scientific ones at the head of the table; "" where none
    does and the columns of genus and epithet do."""
    by_plain_name = {_plain(name): name for name in reversed(present)}
    usual = [by_plain_name[plain] for name in _SYNONYMS["taxon"] if (plain := _plain(name)) in by_plain_name]
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
