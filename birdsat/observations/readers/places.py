"""Places of the rows of a table: degrees, or coordinates of a CRS that the user, the table or a row of it names."""

import math
import re
from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.earth.crs import CRS, central_meridian, in_degrees_of_arc, named_crs, places_of, read_crs
from birdsat.errors import InputError
from birdsat.observations.coordinates import (
    AT_ZERO,
    BEYOND_180,
    EXCHANGED,
    LIKE_DEGREES,
    NO_CRS,
    OUT_OF_CRS,
    SIDES,
    ZERO_ZERO,
    PlaceReading,
    PlaceTally,
    read_place,
)
from birdsat.observations.readers.cell_values import as_numbers, by_distinct, is_true
from birdsat.observations.readers.column_names import PLANE_X, plain, side_of
from birdsat.observations.readers.sorting import Sorting

_NEAR_MIDDLE, _FAR_FROM_MIDDLE = 9.0, 15.0  # degrees from the central meridian of a grid of UTM's kind
_LEAST_BEYOND = 3  # rows of longitudes beyond 180 that make a table of 0 to 360 degrees; fewer are slips
_OF_PLANE = frozenset(map(plain, PLANE_X))
_CODE = re.compile(r"(?:EPSG|SRID)\W*(\d{4,6})", re.IGNORECASE)
_WGS84 = 4326
# Datums as Darwin Core's geodeticDatum has them, without blanks and signs, and the EPSG code of their degrees.
_DATUMS = {
    **dict.fromkeys(("wgs84", "worldgeodeticsystem1984", "wgs1984", "gcswgs1984", "wgs"), _WGS84),
    **dict.fromkeys(("wgs72", "worldgeodeticsystem1972"), 4322),
    **dict.fromkeys(("nad27", "northamericandatum1927", "gcsnorthamerican1927"), 4267),
    **dict.fromkeys(("nad83", "northamericandatum1983", "gcsnorthamerican1983"), 4269),
    **dict.fromkeys(("etrs89", "europeanterrestrialreferencesystem1989"), 4258),
    **dict.fromkeys(("ed50", "europeandatum1950"), 4230),
    **dict.fromkeys(("agd66", "australiangeodeticdatum1966"), 4202),
    **dict.fromkeys(("agd84", "australiangeodeticdatum1984"), 4203),
    **dict.fromkeys(("gda94", "geocentricdatumofaustralia1994"), 4283),
    **dict.fromkeys(("nzgd49", "nzgd1949"), 4272),
    **dict.fromkeys(("sad69", "southamericandatum1969"), 4618),
    **{"osgb36": 4277, "tokyo": 4301, "ch1903": 4149, "gda2020": 7844, "nzgd2000": 4167, "sirgas2000": 4674},
}
# Of degrees that are WGS84's to two metres.
_AS_WGS84 = frozenset((_WGS84, 4269, 4258, 4283, 7844, 4167, 4674, 4326, 4612, 6318, 6668, 4617, 4759, 9057))


def table_crs(text: str | None) -> CRS | None:
    """The CRS that the user names for tables. Raises InputError for one that is not known."""
    if text is None:
        return None
    try:
        return read_crs(text)
    except InputError as error:
        raise InputError(str(error), settings=("crs",)) from error


def read_places(
    cells: Mapping[str, pa.Array], rows: Sorting, tally: PlaceTally, crs: CRS | None = None
) -> NDArray[np.float64]:
    """(n, 2) longitude and latitude in WGS84 degrees of the rows; NaN where not known.

    cells: "lon" and "lat", of which the former is x, or east, in a CRS of another kind, and "datum", the CRS of each
    row's own. crs: of the rows that name none. What a row names counts where its numbers can be of it: a datum of
    degrees, as WGS84, says nothing of numbers beyond 180. Rows whose numbers are not on Earth are dropped.
    """
    n = len(rows.kept)
    if "lon" not in cells:
        return np.full((n, 2), np.nan)
    (lon, odd_lon), (lat, odd_lat) = as_numbers(cells["lon"]), as_numbers(cells["lat"])
    place = np.stack([lon, lat], axis=1)
    unknown = np.isnan(lon) & np.isnan(lat) & ~odd_lon & ~odd_lat
    off = np.zeros(n, dtype=np.bool_)  # read in another CRS, where they are nowhere
    by_crs, named = _by_crs(cells, place, crs)
    for one, which in by_crs:
        wrong = _to_degrees(place, which, one)
        if one.is_projected and one.linear_units_factor[1] < 10:
            alike = which & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
            _drop(alike, LIKE_DEGREES, (lon, lat), rows, tally)
            wrong, place[alike] = wrong & ~alike, np.nan
            off |= alike
            exchanged = _exchanged((lon, lat), place, which & ~alike & ~wrong, one)
            _drop(exchanged, EXCHANGED, (lon, lat), rows, tally)
            place[exchanged] = np.nan
            off |= exchanged
        _drop(wrong, OUT_OF_CRS, (lon, lat), rows, tally)
        off |= wrong
    _take_sides(cells, place, rows, tally)
    _turn_back(place, ~off, rows, tally)
    on_earth = (np.abs(place[:, 0]) <= 180) & (np.abs(place[:, 1]) <= 90)
    tally.read += int(np.count_nonzero(on_earth))
    if crs is None and plain(tally.lon_column) in _OF_PLANE:
        rows.note(on_earth & ~named, NO_CRS, lambda i: f"{tally.lon_column} {lon[i]:g}, {tally.lat_column} {lat[i]:g}")
    odd = np.flatnonzero(~on_earth & ~unknown & ~off)
    place[odd] = np.nan
    if len(odd):
        place[odd] = _read_odd(cells, odd, rows, tally)
    return place


def without_zeros(place: NDArray[np.float64], rows: Sorting, *, dropped: bool) -> NDArray[np.float64]:
    """Places (n, 2), of which 0,0 is not one: databases write it where nothing is known. dropped: such rows are, in
    place of being kept without."""
    zeros = (place == 0).all(axis=1)
    if not zeros.any():
        return place
    if dropped:
        rows.drop(zeros, AT_ZERO, lambda i: "longitude 0, latitude 0")
    else:
        rows.note(zeros, ZERO_ZERO, lambda i: "longitude 0, latitude 0")
    return np.where(zeros[:, None], np.nan, place)


def _take_sides(cells: Mapping[str, pa.Array], place: NDArray[np.float64], rows: Sorting, tally: PlaceTally) -> None:
    """Make numbers of places (n, 2) negative where a column of their own says west or south, or the name of theirs does
    and none of them is negative."""
    named = (side_of(tally.lon_column), side_of(tally.lat_column))
    for axis, what, below, above in ((0, "lon_side", "W", "E"), (1, "lat_side", "S", "N")):
        if what not in cells:
            known = place[np.isfinite(place[:, axis]), axis]
            if named[axis] == below and len(known) and tally.unsigned.setdefault(axis, not (known < 0).any()):
                place[:, axis] = -np.abs(place[:, axis])
            continue
        column, numbers = cells[what], place[:, axis].copy()
        codes, sides = by_distinct(lambda text: text[:1].upper(), column)
        is_below = is_true(codes, (side == below for side in sides))
        known = is_below | is_true(codes, (side in ("", above) for side in sides))
        wrong = ~known & (numbers != 0) | (is_true(codes, (side == above for side in sides)) & (numbers < 0))
        rows.drop(wrong & np.isfinite(numbers), SIDES, _side_of(column, numbers))
        place[:, axis] = np.where(is_below, -np.abs(numbers), numbers)


def _side_of(column: pa.Array, numbers: NDArray[np.float64]) -> Callable[[int], str]:
    return lambda i: f"{numbers[i]:.12g} {column[i]}"


def _turn_back(place: NDArray[np.float64], of_degrees: NDArray[np.bool_], rows: Sorting, tally: PlaceTally) -> None:
    """Longitudes of 0 to 360 degrees as those of -180 to 180, in a table that has none below 0 before several of them:
    there, such a number is not a slip."""
    lon, lat = place.T
    on_earth = of_degrees & (np.abs(lat) <= 90)
    tally.has_west |= bool((on_earth & (lon < 0)).any())
    beyond = on_earth & (lon > 180) & (lon <= 360)
    tally.beyond_180 += int(np.count_nonzero(beyond))
    tally.of_360 |= tally.beyond_180 >= _LEAST_BEYOND and not tally.has_west
    if not tally.of_360:
        return
    written = lon.copy()
    place[beyond, 0] -= 360
    rows.note(beyond, BEYOND_180, lambda i: f"longitude {written[i]:.12g}")


def _by_crs(
    cells: Mapping[str, pa.Array], place: NDArray[np.float64], crs: CRS | None
) -> tuple[list[tuple[CRS, NDArray[np.bool_]]], NDArray[np.bool_]]:
    """CRSs other than WGS84, and which rows (n,) are read by each, where the others hold degrees of WGS84; and which
    rows name a CRS that is known, which counts."""
    known = np.isfinite(place).all(axis=1)
    like_degrees = known & (np.abs(place[:, 0]) <= 180) & (np.abs(place[:, 1]) <= 90)
    found: list[tuple[CRS, NDArray[np.bool_]]] = []
    own = np.zeros(len(place), dtype=np.bool_)
    if "datum" in cells:
        codes, datums = by_distinct(_of_datum, cells["datum"])
        for number, datum in enumerate(datums):
            if datum is None:
                continue
            which = codes == number
            own |= which & like_degrees if in_degrees_of_arc(datum) else which
            if datum.to_epsg() not in _AS_WGS84:
                found.append((datum, which & (like_degrees if in_degrees_of_arc(datum) else known)))
    if crs is not None and crs.to_epsg() not in _AS_WGS84:
        found.append((crs, ~own & (like_degrees if in_degrees_of_arc(crs) else known)))
    return [(one, which) for one, which in found if which.any()], own


def _of_datum(text: str) -> CRS | None:
    """The CRS that a cell names; None where it says nothing that is known, as "not recorded"."""
    code = _CODE.search(text)
    epsg = int(code[1]) if code else _DATUMS.get("".join(filter(str.isalnum, text.lower())))
    found = None if epsg is None else named_crs(f"EPSG:{epsg}")
    return found if found is not None and (found.is_geographic or found.is_projected) else None


def _to_degrees(place: NDArray[np.float64], which: NDArray[np.bool_], crs: CRS) -> NDArray[np.bool_]:
    """Bring some rows (n,) of places (n, 2) from a CRS, once for each distinct place; those that are nowhere in it."""
    at = np.flatnonzero(which)
    distinct, back = np.unique(place[at], axis=0, return_inverse=True)
    lon, lat = places_of(crs, *distinct.T)
    place[at] = np.stack([lon, lat], axis=1)[back.reshape(-1)]
    wrong = np.zeros(len(place), dtype=np.bool_)
    wrong[at] = np.isnan(place[at, 0])
    return wrong


def _exchanged(
    numbers: tuple[NDArray[np.float64], NDArray[np.float64]],
    place: NDArray[np.float64],
    which: NDArray[np.bool_],
    crs: CRS,
) -> NDArray[np.bool_]:
    """Which (n,) of some rows lie where no grid of UTM's kind is used, and would lie within it with x and y exchanged:
    x is north in the grids of some countries. numbers: as they are written; place: (n, 2) degrees."""
    found = np.zeros(len(place), dtype=np.bool_)
    if (middle := central_meridian(crs)) is None:
        return found
    at = np.flatnonzero(which & (_turns(place[:, 0] - middle) > _FAR_FROM_MIDDLE))
    if len(at):
        x, y = (axis[at] for axis in numbers)
        found[at] = _turns(places_of(crs, y, x)[0] - middle) <= _NEAR_MIDDLE
    return found


def _turns(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """The size of differences of longitude, of 180 at most."""
    size: NDArray[np.float64] = np.abs((degrees + 180) % 360 - 180)
    return size


def _drop(
    which: NDArray[np.bool_],
    reason: str,
    numbers: tuple[NDArray[np.float64], NDArray[np.float64]],
    rows: Sorting,
    tally: PlaceTally,
) -> None:
    if not which.any():
        return
    x, y = numbers
    first = int(which.argmax())
    wrong = PlaceReading(dropped=reason)
    tally.add(wrong, f"{x[first]:.12g}", f"{y[first]:.12g}", rows=int(np.count_nonzero(which)))
    rows.drop(which, reason, lambda i: f"x {x[i]:.12g}, y {y[i]:.12g}")


def _read_odd(
    cells: Mapping[str, pa.Array], odd: NDArray[np.int64], rows: Sorting, tally: PlaceTally
) -> NDArray[np.float64]:
    """(k, 2) places of the rows at some positions, whose cells are not two numbers of degrees."""
    texts = [cells[what].take(pa.array(odd)) for what in ("lon", "lat")]
    codes, found = by_distinct(lambda lon, lat: (read_place(lon, lat), (lon, lat)), *texts)
    times = np.bincount(codes, minlength=len(found)).tolist()
    for (reading, (lon_text, lat_text)), count in zip(found, times, strict=True):
        tally.add(reading, lon_text, lat_text, rows=count)
    readings: list[PlaceReading] = [reading for reading, _ in found]
    at = np.zeros(len(rows.kept), np.int64)  # 0: nothing is wrong
    at[odd] = codes + 1

    def detail(i: int) -> str:
        reading: PlaceReading = readings[at[i] - 1]
        return reading.detail

    rows.drop_by(at, ["", *(reading.dropped for reading in readings)], detail)
    rows.note_by(at, ["", *(reading.remark for reading in readings)], detail)
    return np.array([_lon_lat(reading) for reading in readings])[codes]


def _lon_lat(reading: PlaceReading) -> tuple[float, float]:
    if reading.lon is None or reading.lat is None:
        return math.nan, math.nan
    return reading.lon, reading.lat
