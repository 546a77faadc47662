"""Tables whose coordinates are of another CRS: named by the user, or by each row."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.observations import coordinates
from birdsat.observations.observation import Observation
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.tables import read_table

MUNICH_UTM32 = (691_000, 5_334_000)  # 11.5671 E, 48.1306 N


def table(path: Path, head: str, rows: Sequence[Sequence[object]]) -> Path:
    lines = [f"species,{head}", *(",".join(["Apus apus", *map(str, row)]) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def places(found: Occurrences) -> list[list[float]]:
    return np.round(found.lon_lat, 3).tolist()


def read(path: Path, crs: str | None = None) -> list[list[float]]:
    return places(read_occurrences(path, crs=crs))


def mercator(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """EPSG:3857 by its own formula."""
    radius = 6378137.0
    return np.column_stack([np.degrees(x / radius), np.degrees(2 * np.arctan(np.exp(y / radius)) - np.pi / 2)])


def test_metres_are_read_in_the_crs_that_is_named(shared_cases: Path) -> None:
    path = shared_cases / "maps" / "utm_metres.csv"
    found = read_occurrences(path, crs="EPSG:3857")
    x, y = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=(1, 2)).T
    expected = np.unique(np.round(mercator(x, y), 5), axis=0)
    np.testing.assert_allclose(np.unique(np.round(found.lon_lat, 5), axis=0), expected, atol=2e-5)
    assert (found.rows, found.dropped) == (len(x), {})


UTM_32 = [
    "EPSG:32632",
    "epsg:25832",
    "urn:ogc:def:crs:EPSG::32632",
    "+proj=utm +zone=32 +datum=WGS84",
    'PROJCS["a",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],'
    'PARAMETER["central_meridian",9],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],'
    'PARAMETER["false_northing",0],UNIT["metre",1]]',
]


@pytest.mark.parametrize("crs", UTM_32, ids=range(len(UTM_32)))
def test_a_crs_is_named_by_code_wkt_or_proj(tmp_path: Path, crs: str) -> None:
    path = table(tmp_path / "t.csv", "x,y", [MUNICH_UTM32])
    assert read(path, crs) == [[11.567, 48.131]]


@pytest.mark.parametrize(
    "crs",
    ["EPSG:999999", "UTM 32", "25832", "", "/etc/passwd", "http://127.0.0.1:9/crs", "+init=epsg:25832",
     "+proj=pipeline +step +proj=utm +zone=32", "x" * 50_000, "EPSG:4978", "IAU_2015:30100",
     "+proj=longlat +R=1737400"],
)  # fmt: skip
def test_what_is_not_a_crs_of_the_earth_is_refused_by_name(tmp_path: Path, crs: str) -> None:
    path = table(tmp_path / "t.csv", "x,y", [MUNICH_UTM32])
    with pytest.raises(InputError, match=r"is not known; give|is not one of maps of the Earth; give") as caught:
        read_occurrences(path, crs=crs)
    assert caught.value.settings == ("crs",) and len(str(caught.value)) < 300


@pytest.mark.parametrize("head", ["Easting,Northing", "UTM_E,UTM_N", "POINT_X,POINT_Y", "x_coord,y_coord", "lon,lat"])
def test_columns_of_a_plane_are_found_once_a_crs_is_named(tmp_path: Path, head: str) -> None:
    assert read(table(tmp_path / "t.csv", head, [MUNICH_UTM32]), "EPSG:32632") == [[11.567, 48.131]]


def test_columns_of_a_plane_go_before_those_of_degrees_where_the_crs_is_of_one(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "longitude,latitude,x,y", [(1, 2, *MUNICH_UTM32)])
    assert read(path, "EPSG:32632") == [[11.567, 48.131]]
    assert read(path) == read(path, "EPSG:4326") == [[1, 2]]
    named = read_occurrences(path, columns=TableColumns(lon="x", lat="y"), crs="EPSG:32632")
    assert places(named) == [[11.567, 48.131]]
    table(path, "photo,x,y", [("a.jpg", *MUNICH_UTM32)])
    (row,) = read_table(path, crs="EPSG:32632")
    assert isinstance(row, Observation) and row.place is not None and round(row.place.lon, 3) == 11.567


def test_rows_that_are_nowhere_in_the_crs_are_dropped_and_counted(tmp_path: Path) -> None:
    rows = [(1_000_000, 6_000_000), (5e7, 0), (1e300, 0), ("", ""), (1, ""), ("east", 3), ("inf", 0), (2_000_000, 0)]
    found = read_occurrences(table(tmp_path / "t.csv", "x,y", rows), crs="EPSG:3857")
    assert len(found) == 2 and found.rows == 8
    assert found.dropped == {
        coordinates.OUT_OF_CRS: 2, coordinates.NOT_NUMBERS: 1, coordinates.NOT_ON_EARTH: 1, "no place": 2,
    }  # fmt: skip
    assert found.noted == {coordinates.ONE_MISSING: 1}


def test_a_table_that_is_nowhere_in_the_crs_and_one_of_degrees_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "x,y", [(5e7, 0), (6e7, 1), (1_000_000, 1_000_000)])
    with pytest.raises(InputError, match=r"not on Earth in the CRS that is named.*columns x and y.*name the CRS"):
        read_occurrences(path, crs="EPSG:3857")
    path = table(tmp_path / "d.csv", "x,y", [(11.5, 48.1), (11.6, 48.1), MUNICH_UTM32])
    with pytest.raises(
        InputError, match=r"look like degrees in its columns x and y, such as '11.5'.*leave out the CRS"
    ):
        read_occurrences(path, crs="EPSG:32632")
    path = table(tmp_path / "m.csv", "x,y", [(11.5, 48.1), MUNICH_UTM32, (691_500, 5_334_000)])
    found = read_occurrences(path, crs="EPSG:32632")
    assert (len(found), found.dropped) == (2, {coordinates.LIKE_DEGREES: 1})


def test_small_numbers_of_a_crs_in_kilometres_are_places(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "x,y", [(100, 50)])
    (place,) = read(path, "+proj=laea +lat_0=50 +lon_0=10 +units=km +datum=WGS84")
    assert abs(place[0] - 11.4) < 0.05 and abs(place[1] - 50.44) < 0.05


def test_a_row_that_names_its_own_crs_is_read_by_it(tmp_path: Path) -> None:
    rows = [
        (*MUNICH_UTM32, "EPSG:32633"),  # its own
        (691_000, 5_334_000, "not recorded"),  # the one that is named
        (691_000, 5_334_200, "WGS84"),  # of degrees, which these are not: the one that is named
        (11.5, 48.1, "WGS84"),  # its own
        (11.5, 48.2, "urn:ogc:def:crs:EPSG::4326"),
    ]
    path = table(tmp_path / "t.csv", "x,y,geodeticDatum", rows)
    assert sorted(read(path, "EPSG:32632")) == [
        [11.5, 48.1], [11.5, 48.2], [11.567, 48.131], [11.567, 48.132], [17.567, 48.131],
    ]  # fmt: skip


def test_old_datums_of_rows_move_their_places_and_those_of_today_do_not(tmp_path: Path) -> None:
    datums = ("NAD27", "North American Datum 1927", "EPSG:4267", "NAD83", "WGS 84", "unknown", "")
    path = table(tmp_path / "t.csv", "lon,lat,geodeticDatum", [(-100, 40 + i, name) for i, name in enumerate(datums)])
    found = read_occurrences(path)
    lon, lat = found.lon_lat[np.argsort(found.lon_lat[:, 1])].T
    moved = np.abs(lon + 100) > 1e-4
    assert moved.tolist() == [True, True, True, False, False, False, False]
    assert (np.abs(lon + 100) < 2e-3).all() and (np.abs(lat - 40 - np.arange(7)) < 2e-3).all()


def test_swapped_degrees_of_another_datum_are_still_told(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "lon,lat", [(-100, 40), (-101, 40), (40, -100)])
    assert read_occurrences(path, crs="EPSG:4267").dropped == {coordinates.SWAPPED: 1}


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:3006", "EPSG:25832"])
def test_x_and_y_that_are_exchanged_in_a_grid_of_utms_kind_are_refused_with_what_to_do(
    tmp_path: Path, crs: str
) -> None:
    rows = [f"Parus major,{6_500_000 + i},{600_000 + i}" for i in range(4)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(("species,x,y", *rows)))
    with pytest.raises(InputError, match="columns lon=y lat=x"):
        read_occurrences(path, crs=crs)
    right = read_occurrences(path, columns=TableColumns(lon="y", lat="x"), crs=crs)
    assert len(right) == 4 and (right.lon_lat[:, 1] > 55).all()
    path.write_text("\n".join(("species,y,x", *rows, "Parus major,600000,6500000")))
    some = read_occurrences(path, crs=crs)
    assert some.dropped == {coordinates.EXCHANGED: 1} and len(some) == 4
