"""What columns are usually called: by data portals, field apps and tracking databases, and in some languages.

The first of the names of a thing that a table has counts, so that names which now and then mean something else stand
behind those that do not.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from birdsat.observations.readers.points import LAT_OF_GEOMETRY, LON_OF_GEOMETRY

PLANE = (  # pairs of columns of a projection's coordinates
    ("x", "y"),
    ("easting", "northing"),
    ("eastings", "northings"),
    ("utm_x", "utm_y"),
    ("utm_easting", "utm_northing"),
    ("utm_e", "utm_n"),
    ("coord_x", "coord_y"),
    ("x_coord", "y_coord"),
    ("point_x", "point_y"),
    ("east", "north"),
    ("ost", "nord"),
    ("rechtswert", "hochwert"),
)
PLANE_X, PLANE_Y = zip(*PLANE, strict=True)
SYNONYMS: dict[str, tuple[str, ...]] = {
    "photo": ("photo", "image", "path", "file_name", "filename"),
    "taxon": (
        *("taxon", "species", "taxon_species_name", "scientific_name", "species_scientific_name", "canonical_name"),
        *("individual_taxon_canonical_name", "accepted_scientific_name", "species_name", "taxon_name", "latin_name"),
        *("latin", "binomial", "binomial_name", "sci_name", "wissenschaftlicher_name", "wissenschaftlicher_artname"),
        *("nom_scientifique", "nom_latin", "nombre_cientifico", "nome_cientifico", "nome_scientifico"),
        *("wetenschappelijke_naam", "vetenskapligt_namn", "espece", "espèce", "especie", "espécie"),
    ),
    "whole": ("scientific_name",),  # of whatever rank, beside a column of species alone
    # Behind the columns that say degrees, those in which metres are found more often, so that it can be said.
    "lon": (
        *("lon", "decimal_longitude", "longitude", "lng", "long", "location_long", "location_lon", "longitud"),
        *("längengrad", "laengengrad", "lengtegraad", "longitudine", LON_OF_GEOMETRY, *PLANE_X),
    ),
    "lat": (
        *("lat", "decimal_latitude", "latitude", "location_lat", "latitud", "breitengrad", "breedtegraad"),
        *("latitudine", LAT_OF_GEOMETRY, *PLANE_Y),
    ),
    # Which side of Greenwich and of the equator, where the numbers do not say it by their signs.
    "lon_side": (
        *("ew", "e_w", "we", "w_e", "lon_ew", "long_ew", "longitude_ew", "lon_dir", "long_dir", "lon_direction"),
        *("longitude_direction", "longitude_dir", "lon_hemisphere", "longitude_hemisphere", "lon_hemi", "lon_ref"),
        *("longitude_ref", "gps_longitude_ref", "ew_hemisphere", "hemisphere_ew", "east_west"),
    ),
    "lat_side": (
        *("ns", "n_s", "sn", "s_n", "lat_ns", "latitude_ns", "lat_dir", "lat_direction", "latitude_direction"),
        *("latitude_dir", "lat_hemisphere", "latitude_hemisphere", "lat_hemi", "lat_ref", "latitude_ref"),
        *("gps_latitude_ref", "ns_hemisphere", "hemisphere_ns", "north_south"),
    ),
    "date": (
        *("date", "event_date", "observation_date", "observed_on", "time_observed_at", "observed_at", "date_observed"),
        *("obs_date", "observed_date", "date_time", "date_observation", "observation_datetime", "survey_date"),
        *("sighting_date", "visit_date", "obs_dt", "collection_date", "date_collected", "start_date", "date_start"),
        *("startdatum", "event_start", "date_time_collected", "datum"),
        *("date_of_observation", "date_of_sighting", "date_of_record", "date_of_survey", "date_of_visit"),
        *("date_of_collection", "sampling_date", "sample_date", "record_date", "recording_date", "capture_date"),
        *("observation_day", "fecha", "fecha_observacion", "date_obs", "timestamp"),
    ),
    "end": ("end_date", "date_end", "slutdatum"),
    "year": ("year", "start_date_year", "event_year", "obs_year"),
    "month": ("month", "start_date_month", "event_month", "obs_month"),
    "day": ("day", "start_date_day", "event_day", "obs_day"),
    "split": ("split", "is_training_image"),
    "group": ("split_group",),
    "id": ("id", "observation_id", "gbif_id", "occurrence_id", "global_unique_identifier", "record_id", "event_id"),
    "licence": ("licence", "license"),
    "attribution": ("attribution", "rights_holder"),
    "box_x": ("box_x",),
    "box_y": ("box_y",),
    "box_width": ("box_width",),
    "box_height": ("box_height",),
    "count": (
        *("count", "individual_count", "observation_count", "number_of_individuals", "number_observed", "how_many"),
        *("abundance", "organism_quantity", "aantal", "anzahl", "antal"),
    ),
    "status": ("occurrence_status", "presence", "presence_absence", "present", "detected"),
    "uncertainty_m": (
        *("coordinate_uncertainty_in_meters", "coordinate_uncertainty", "uncertainty_m", "coordinate_uncertainty_m"),
        *("coordinate_uncertainty_in_m", "coordinate_uncertainty_meters", "uncertainty_meters", "coord_uncertainty"),
        *("uncertainty_in_meters", "coord_uncertainty_m", "coordinate_accuracy", "coordinate_accuracy_in_meters"),
        *("coordinate_accuracy_m", "location_accuracy", "horizontal_accuracy", "gps_accuracy", "accuracy_m"),
        *("location_error_numerical", "accuracy", "uncertainty", "nauwkeurigheid", "noggrannhet"),
        "coordinates_uncertainty",
    ),
    "uncertainty_km": ("uncertainty_km", "coordinate_uncertainty_km", "coordinate_uncertainty_in_km"),
    "public_accuracy_m": ("public_positional_accuracy",),
    "accuracy_m": ("positional_accuracy",),
    "precision": ("coordinate_precision",),
    "obscured": ("coordinates_obscured", "obscured"),
    "geoprivacy": ("geoprivacy",),
    "taxon_geoprivacy": ("taxon_geoprivacy",),
    "withheld": ("information_withheld",),
    "generalised": ("data_generalizations", "data_generalisations"),
    "basis": ("basis_of_record",),
    "captive": ("captive_cultivated", "captive"),
    "means": ("establishment_means",),
    "degree": ("degree_of_establishment",),
    "escaped": ("is_escape", "escape", "escaped"),
    "exotic": ("exotic_code",),
    "approved": ("approved",),
    "verified": ("identification_verification_status", "verification_status", "validation_status", "record_status"),
    "certain": ("certain", "is_certain"),
    "visible": ("visible",),
    "rank": ("taxon_rank",),
    "qualifier": ("identification_qualifier",),
    "genus": ("genus", "gen"),
    "epithet": ("specific_epithet", "epithet", "species_epithet", "sp"),
    "below": ("infraspecific_epithet", "subspecies", "ssp"),
    "family": ("family",),
    "order": ("order",),
    "weight": ("weight", "weights"),
    "complete": ("all_species_reported",),
    "common_name": ("common_name", "vernacular_name", "species_common_name", "english_name", "com_name"),
    "datum": ("geodetic_datum", "coordinate_reference_system", "crs", "srs"),
}

_BRACKETS = re.compile(r"[(\[{]([^)\]}]*)[)\]}]\s*$")
# What is said of coordinates in and around the name of their column, and changes nothing of what they are.
_OF_DEGREES = frozenset(
    (
        *("wgs84", "wgs1984", "wgs", "wgs 84", "epsg4326", "epsg 4326", "4326", "deg", "degree", "degrees", "°", "dd"),
        *("dec", "decimal", "decimal degrees", "decimal deg", "dec deg", "decdeg", "ddeg", "decdegrees", "gps"),
        *("coord", "coords", "geo"),
    )
)
# The side of which they are, behind a blank or in brackets: "lat_s" and "lon_w" are corners of boxes.
_SIDES = {
    **dict.fromkeys(("n", "°n", "deg n", "degrees north", "north"), "N"),
    **dict.fromkeys(("e", "°e", "deg e", "degrees east", "east"), "E"),
    **dict.fromkeys(("s", "°s", "deg s", "degrees south", "south"), "S"),
    **dict.fromkeys(("w", "°w", "deg w", "degrees west", "west"), "W"),
}
# In names of columns of other dates than that of the record.
_OTHER_DATES = (
    *("edit", "identif", "modif", "creat", "updat", "upload", "interpret", "publish", "enter", "entry", "export"),
    *("submit", "crawl", "parsed", "birth", "ring", "determin", "verif", "review", "import", "valid", "candidate"),
    *("regist", "geodetic"),
)
# Of Darwin Core and its kin, as "dwc:eventDate" or whole addresses.
_NAMESPACE = re.compile(r"^(?:https?://\S+/|(?:dwc|dwciri|dcterms|dc|gbif|idigbio)[:.])")
_METRES = {"m": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "mts": "m", "km": "km"}


@lru_cache(maxsize=1 << 14)
def plain(name: str) -> str:
    """A name of a column as it is compared: letters and digits alone, in small ones, "metres" as "meters"."""
    return "".join(filter(str.isalnum, _NAMESPACE.sub("", name.lower()))).replace("metre", "meter")


def side_of(name: str) -> str:
    """N, E, S or W where the name of a column of coordinates says of which side they are: "Longitude (W)"; else ""."""
    found = _BRACKETS.search(name.strip())
    said = found[1] if found is not None else name.strip().rpartition(" ")[2]
    return _SIDES.get(" ".join(said.lower().split()), "") if found is not None or " " in name.strip() else ""


def plainer(name: str) -> str:
    """As `plain`, without words that say of coordinates only that they are degrees of WGS84, or their side: "Latitude
    (WGS84)", "Longitude W"."""
    bare = name.strip()
    if side_of(bare):
        bracket = _BRACKETS.search(bare)
        bare = bare.rpartition(" ")[0] if bracket is None else bare[: bracket.start()]
    elif (found := _BRACKETS.search(bare)) is not None:
        inner = " ".join(re.split(r"[\s_:]+", found[1].strip().lower()))
        rest = bare[: found.start()]
        if inner in _OF_DEGREES:
            bare = rest
        elif inner in _METRES:
            return plain(f"{rest} {_METRES[inner]}")
    words = [word for word in re.split(r"[\s_.:-]+", bare) if word]
    while len(words) > 1 and words[0].lower() in _OF_DEGREES:
        del words[0]
    while len(words) > 1 and words[-1].lower() in _OF_DEGREES:
        del words[-1]
    return plain("".join(words))


def unread_date(present: Sequence[str]) -> str:
    """Of a table's columns, none of which is known for a date, the one that may be it; "" where none seems to be."""
    may_be = (
        name
        for name in present
        if any(word in plain(name) for word in ("date", "datum", "fecha"))
        and plain(name) != "datum"
        and not any(word in plain(name) for word in _OTHER_DATES)
    )
    return next(may_be, "")
