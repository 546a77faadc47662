"""Coordinates as tables write them, and how exact a place is.

This is the one place that reads a coordinate, says what is wrong with one, and knows how far a hidden place may lie
from the true one. Functions of text alone; "" is a cell that is blank or a column that is not there.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass, field

from birdsat.errors import InputError

OBSCURED_KM = (
    28.0  # iNaturalist moves a hidden place anywhere within a cell of 0.2 degrees, whose diagonal is about that
)
# "true" as tables write it, and spreadsheets in some languages.
YES_WORDS = frozenset(
    (
        *("true", "t", "1", "1.0", "yes", "y", "wahr", "ja", "vrai", "oui", "verdadero", "verdadeiro", "vero"),
        *("si", "sí", "sim", "waar", "sann", "sant", "sand", "prawda", "tak", "pravda", "ano", "igaz", "tosi"),
        *("истина", "да"),
    )
)
MISSING_WORDS = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "unknown", "\\n"))

NOT_NUMBERS = "coordinates unreadable"
COMMAS = "coordinates with decimal commas"
METRES = "coordinates in metres of a projection, not in degrees"
OUT_OF_CRS = "coordinates that are not on Earth in their CRS"
LIKE_DEGREES = "coordinates like degrees in a CRS of another unit"
EXCHANGED = "x and y exchanged, by where they lie in their CRS"
ANGLES = "coordinates in degrees, minutes and seconds"
NOT_ON_EARTH = "coordinates not on Earth"
SWAPPED = "latitude beyond 90 that is in range as a longitude"
SIDES = "side of a coordinate, N, S, E or W, that is unreadable or contradicts its sign"
ONE_MISSING = "one coordinate missing: place left out"
AT_ZERO = "place 0,0"
ZERO_ZERO = "the place 0,0, which stands for none: left out"
NO_CRS = "no CRS is named for coordinates that may be of a projection: taken as degrees, longitude first"
BEYOND_180 = "longitude of 0 to 360 degrees: read as west of Greenwich"
_REMEDIES = {  # of what a whole column has wrong: what it holds, and what to do
    COMMAS: ("commas in place of decimal points", "save the table with points, as spreadsheets of English do"),
    METRES: (
        "metres of a map projection in place of degrees",
        "say which CRS they are in, crs EPSG:CODE, or transform the places to longitude and latitude in WGS84 "
        "(EPSG:4326), as by gdaltransform or sf::st_transform",
    ),
    OUT_OF_CRS: (
        "coordinates that are not on Earth in the CRS that is named for them",
        "name the CRS that they are of",
    ),
    LIKE_DEGREES: (
        "coordinates that look like degrees",
        "leave out the CRS, which is not of degrees, or read other tables apart: `birdsat records` writes them in "
        "degrees",
    ),
    EXCHANGED: (
        "x and y exchanged, by where their CRS would have them",
        "name them the other way round",
    ),
    ANGLES: ("degrees, minutes and seconds in place of decimal degrees", "convert them to such as 47.504"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceReading:
    """What a longitude and a latitude in a table mean."""

    lon: float | None = None  # degrees east; None: not known, or of no use
    lat: float | None = None
    dropped: str = ""  # why the row cannot be used
    remark: str = ""  # why it is kept without its place
    detail: str = ""  # what was found, for either


def read_place(lon: str, lat: str) -> PlaceReading:
    """Both coordinates of a row. Both blank means that the place is not known, one blank that it is left out."""
    numbers: list[float | None] = []
    for what, text in (("longitude", lon), ("latitude", lat)):
        if text.strip().lower() in MISSING_WORDS:
            numbers.append(None)
            continue
        number = _number(text, "EW" if what == "longitude" else "NS")
        if number is not None:
            numbers.append(number)
        else:
            return PlaceReading(dropped=_unreadable(text), detail=f"{what} {text!r} is not a number")
    east, north = numbers
    if east is None and north is None:
        return PlaceReading()
    if east is None or north is None:
        return PlaceReading(remark=ONE_MISSING, detail=f"longitude {lon!r}, latitude {lat!r}")
    if abs(north) <= 90 and abs(east) <= 180:
        return PlaceReading(lon=east, lat=north)
    detail = f"longitude {lon}, latitude {lat}"
    return PlaceReading(dropped=off_earth(east, north), detail=detail)


# A number, and what only says that it is of degrees: 40.446°, 40.446 N, W 79.982.
_WITH_LETTER = re.compile(
    r"([NSEW]?)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*[°º˚]?\s*([NSEW]?)", re.IGNORECASE
)
_MINUS = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))


def _number(text: str, letters: str) -> float | None:
    """Decimal degrees, below 0 in the west and the south; None where they are written otherwise.

    letters: those of the two sides that the number may be on.
    """
    found = _WITH_LETTER.fullmatch(text.translate(_MINUS).strip())
    if found is None:
        try:
            return float(text)
        except ValueError:
            return None
    side = (found[1] + found[3]).upper()
    if not side:
        return float(found[2]) if text.strip()[-1].isdigit() or text.strip()[-1] == "." else None
    if re.fullmatch(r"\d+[Ee]", text.strip()):
        return None  # of a number with an exponent that was lost, perhaps
    number = float(found[2])
    if len(side) > 1 or side not in letters or number < 0:
        return None
    return -number if side in "SW" else number


def off_earth(lon: float, lat: float) -> str:
    """What is wrong with two numbers that are not a longitude and a latitude."""
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return NOT_ON_EARTH
    if max(abs(lon), abs(lat)) > 1000:  # no slip of a degree is as large
        return METRES
    return SWAPPED if 90 < abs(lat) <= 180 and abs(lon) <= 90 else NOT_ON_EARTH


_ANGLE = re.compile(r"\s*[NSEWO]?\s*[+-]?\d{1,3}[ :]\d{1,2}(?:[ :][\d.]+|\.\d+)?\s*[NSEWO]?\s*", re.IGNORECASE)


def _unreadable(text: str) -> str:
    if re.fullmatch(r"\s*[+-]?\d+,\d+\s*", text):
        return COMMAS
    if re.search(r"\d\s*[°º˚]|\d\s*['′’]\s*\d|\d\s*d(?:eg)?\.?\s*\d", text) or _ANGLE.fullmatch(text):
        return ANGLES
    return NOT_NUMBERS


@dataclass(slots=True)
class PlaceTally:
    """How often places of a table were read, and were wrong in a way that a whole column has.

    What a column means is decided once, by the first rows that tell, or one table would be read in two ways.
    """

    lon_column: str
    lat_column: str
    read: int = 0
    has_west: bool = False  # whether longitudes below 0 were met
    beyond_180: int = 0  # longitudes met that may be of 0 to 360 degrees
    of_360: bool = False  # whether they are
    unsigned: dict[int, bool] = field(default_factory=dict)  # of an axis called west or south: numbers without a minus
    wrong: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)  # the first cells of each

    def add(self, reading: PlaceReading, lon: str, lat: str, rows: int = 1) -> None:
        """Count a reading of two cells, found in so many rows."""
        self.read += rows if reading.lon is not None else 0
        if reading.dropped in _REMEDIES:
            self.wrong[reading.dropped] += rows
            self.examples.setdefault(reading.dropped, (lon, lat))

    def check(self, table: object) -> None:
        """Raises InputError, with an example and what to do, where most places are wrong in one such way."""
        for reason, rows in self.wrong.most_common(1):
            if rows > self.read:
                what, remedy = _REMEDIES[reason]
                lon, lat = (cell.strip() for cell in self.examples[reason])
                of_crs = reason in (OUT_OF_CRS, LIKE_DEGREES)
                if reason == EXCHANGED:
                    remedy += f", columns lon={self.lat_column} lat={self.lon_column}"
                others = (
                    ""
                    if of_crs or reason == EXCHANGED
                    else ", or name the columns that hold degrees, columns lon=COLUMN lat=COLUMN"
                )
                raise InputError(
                    f"{table} has {what} in its columns {self.lon_column} and {self.lat_column}, such as {lon!r} and "
                    f"{lat!r}; {remedy}{others}.",
                    settings=("crs",) if of_crs else ("crs", "columns") if reason == METRES else ("columns",),
                )


def place_uncertainty_m(
    stated: str = "",
    public: str = "",
    accuracy: str = "",
    precision: str = "",
    obscured: str = "",
    geoprivacy: str = "",
    taxon_geoprivacy: str = "",
    withheld: str = "",
    generalised: str = "",
) -> float:
    """Radius in metres around a place within which the bird was; NaN where that is not known.

    stated: Darwin Core's coordinateUncertaintyInMeters, or another table's, with or without a unit. public, accuracy:
    iNaturalist's public_positional_accuracy, of the place that is shown, and positional_accuracy, of the true place,
    which counts where nothing is hidden. precision: Darwin Core's coordinatePrecision in degrees, where nothing else
    is known. obscured, geoprivacy, taxon_geoprivacy: iNaturalist's columns on whether the true place is hidden; then it
    is uncertain by OBSCURED_KM unless a public accuracy is given. withheld, generalised: Darwin Core's
    informationWithheld and dataGeneralizations, whose words count where nothing else does.
    """
    shown = _first_length(stated, public)
    hidden = obscured.strip().lower() in YES_WORDS or any(
        privacy.strip().lower() in ("obscured", "private") for privacy in (geoprivacy, taxon_geoprivacy)
    )
    if hidden:
        return shown if not math.isnan(shown) else 1000 * OBSCURED_KM
    metres = _first_length(stated, public, accuracy)
    if not math.isnan(metres):
        return metres
    in_words = _first_number(_of_words(withheld), _of_words(generalised))
    return in_words if not math.isnan(in_words) else _of_precision(precision)


# "Coordinate uncertainty increased to 28000m to protect ...", "Location generalised to 10km", "rounded to 0.1 degrees".
_HIDDEN = re.compile(
    r"coordinate|location|locality|place|position|precision|generali[sz]ed|obscured|rounded|km", re.IGNORECASE
)
_LENGTH_IN_WORDS = re.compile(
    r"(?<![\w.])(\d+(?:[.,]\d+)*)\s?(km|kilomet(?:re|er)s?|m|met(?:re|er)s?|mi(?:les?)?)\b", re.IGNORECASE
)
_DEGREES_IN_WORDS = re.compile(r"(?<![\w.])(\d*\.?\d+)\s?(?:degrees?|deg\b|°)", re.IGNORECASE)


def _of_words(text: str) -> float:
    """Metres that a sentence says of a place that is hidden or rounded; NaN where it says none."""
    if not text or _HIDDEN.search(text) is None:
        return math.nan
    if found := _LENGTH_IN_WORDS.search(text):
        return length_m(f"{found[1]} {found[2]}")
    return _of_precision(found[1]) if (found := _DEGREES_IN_WORDS.search(text)) else math.nan


_LENGTH = re.compile(
    r"[<>~≤±≈]?\s*(?:ca\.?\s*)?(?P<number>[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?)\s*(?P<unit>[a-zA-Z]*)\.?"
)
_METRES = {
    **dict.fromkeys(("", "m", "mt", "mts", "mtr", "metre", "metres", "meter", "meters", "metro", "metros"), 1.0),
    **dict.fromkeys(("km", "kms", "kilometre", "kilometres", "kilometer", "kilometers"), 1000.0),
    **dict.fromkeys(("ft", "foot", "feet"), 0.3048),
    **dict.fromkeys(("mi", "mile", "miles"), 1609.344),
    **dict.fromkeys(("yd", "yds", "yard", "yards"), 0.9144),
}
_METRES_A_DEGREE = 111_320.0


def length_m(text: str) -> float:
    """Metres in a text such as "30", "30 m", "1.5 km" or "1,000"; NaN where it is none, or not above 0."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None or (unit := _METRES.get(found["unit"].lower())) is None:
        return math.nan
    number = found["number"]
    if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", number):
        number = number.replace(",", "")
    try:
        metres = float(number.replace(",", ".")) * unit
    except ValueError:
        return math.nan
    return metres if 0 < metres < math.inf else math.nan  # Darwin Core: zero is not a valid value


def _first_length(*texts: str) -> float:
    return _first_number(*map(length_m, texts))


def _first_number(*numbers: float) -> float:
    return next((number for number in numbers if not math.isnan(number)), math.nan)


def _of_precision(text: str) -> float:
    """Half the diagonal of the cell that coordinates of that precision are rounded to."""
    try:
        degrees = float(text)
    except ValueError:
        return math.nan
    return degrees * _METRES_A_DEGREE * math.sqrt(2) / 2 if 0 < degrees <= 1 else math.nan
