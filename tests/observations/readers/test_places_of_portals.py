"""Places as portals, apps and spreadsheets write them: columns, sides, points, and how exact they are."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from text_tables import accounted, text_table

from birdsat.errors import InputError
from birdsat.observations import coordinates
from birdsat.observations.curation import Remark
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.column_names import plain, plainer
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.places import read_places
from birdsat.observations.readers.sorting import Sorting
from birdsat.observations.readers.tables import read_table


@pytest.mark.parametrize(
    "names",
    [
        *("Latitude_DD,Longitude_DD", "latitude (deg),longitude (deg)", "Latitude (WGS84),Longitude (WGS84)"),
        *("lat_wgs84,lon_wgs84", "GPS Latitude,GPS Longitude", "coords.lat,coords.lon", "location-lat,location-long"),
        *("latitude[°],longitude[°]", "geo_lat,geo_lng", "latitud,longitud", "Breitengrad,Längengrad"),
        *("breedtegraad,lengtegraad", "Latitude N,Longitude E", "decimal latitude,decimal longitude", "Y,X"),
    ],
)
def test_coordinates_are_found_whatever_is_said_of_their_degrees(tmp_path: Path, names: str) -> None:
    found = read_occurrences(text_table(tmp_path / "t.csv", f"species,{names}", "Parus major,48.2,16.3"))
    assert found.lon_lat.tolist() == [[16.3, 48.2]]


@pytest.mark.parametrize("names", ["Latitude (S),Longitude (W)", "Latitude S,Longitude W", "lat (°S),lon (deg W)"])
def test_a_side_in_the_name_of_a_column_counts_where_the_numbers_have_no_signs(tmp_path: Path, names: str) -> None:
    found = read_occurrences(text_table(tmp_path / "t.csv", f"species,{names}", "Parus major,48.2,16.3"))
    assert found.lon_lat.tolist() == [[-16.3, -48.2]]
    signed = text_table(tmp_path / "t.csv", f"species,{names}", "Parus major,-48.2,-16.3", "Parus major,-41,2")
    assert sorted(read_occurrences(signed).lon_lat.tolist()) == [[-16.3, -48.2], [2, -41]]
    asked = TableColumns(lon=names.split(",")[1], lat=names.split(",")[0])
    path = text_table(tmp_path / "t.csv", f"species,{names}", "Parus major,48.2,16.3")
    assert read_occurrences(path, columns=asked).lon_lat.tolist() == [[-16.3, -48.2]]


@pytest.mark.parametrize(
    "names", ["start_lat,start_lon", "lat_s,lon_w", "lat_n,lon_e", "lat_min,lon_min", "latmax,lonmax"]
)
def test_ends_of_lines_and_corners_of_boxes_are_no_places(tmp_path: Path, names: str) -> None:
    with pytest.raises(InputError, match="no columns of longitude and latitude"):
        read_occurrences(text_table(tmp_path / "t.csv", f"species,{names}", "Parus major,48.2,16.3"))


def test_degrees_with_a_word_behind_go_before_a_plane() -> None:
    assert plainer("Latitude (WGS84)") == plainer("lat. dd") + "itude" == "latitude"
    assert plainer("Coordinate uncertainty (m)") == "coordinateuncertaintym" and plain("In_Metres") == "inmeters"


def test_columns_of_a_plane_beside_degrees_are_passed_over(tmp_path: Path) -> None:
    path = text_table(tmp_path / "t.csv", "species,x,y,lat_wgs84,lon_wgs84", "Parus major,600000,5300000,48.2,16.3")
    assert read_occurrences(path).lon_lat.tolist() == [[16.3, 48.2]]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        *(("coordinateUncertaintyInMetres", "5000"), ("Coordinate uncertainty (m)", "7071.1"), ("accuracy", "5000")),
        *(("Coordinate Uncertainty in Metres", "10 000 m"), ("uncertainty", "2000"), ("uncertainty (km)", "2")),
        *(("coordinate_uncertainty_km", "2.5"), ("location-error-numerical", "1500"), ("Accuracy (m)", "1001")),
        ("informationWithheld", "Coordinate uncertainty increased to 28000m to protect threatened taxon"),
        ("dataGeneralizations", "Location in New South Wales generalised to 10km"),
        ("dataGeneralizations", "Coordinates rounded to 0.1 degrees"),
    ],
)
def test_how_exact_places_are_is_found_by_other_names_and_in_words(tmp_path: Path, name: str, cell: str) -> None:
    rows = (f'Parus major,48.2,16.3,"{cell}"', "Parus major,48.3,16.4,")
    path = text_table(tmp_path / "t.csv", f"species,lat,lon,{name}", *rows)
    kept = read_occurrences(path, max_uncertainty_km=1)
    if cell == "10 000 m":  # not a number that has one reading: taken as not told
        assert len(kept) == 2
        return
    assert kept.lon_lat.tolist() == [[16.4, 48.3]] and kept.dropped == {"place uncertain by more than 1 km": 1}


@pytest.mark.parametrize(
    "words", ["Field notes withheld", "10 km walk", "Recorder name generalised", "12 m tall tree", "none"]
)
def test_words_that_hide_something_else_say_nothing_of_the_place(words: str) -> None:
    metres = coordinates.place_uncertainty_m(withheld=words)
    assert metres != metres or words == "10 km walk"


SIDES = ("79.9,W,33.4,S", "16.3,E,48.2,N", "-70.1,W,-10.5,S", "20,e,30,n", "5,west,6,south")


def test_columns_of_sides_make_numbers_negative(tmp_path: Path) -> None:
    rows = [f"Parus major,{row}" for row in (*SIDES, "-9,E,1,N", "9,O,1,N", "7,,8,")]
    found = read_occurrences(text_table(tmp_path / "t.csv", "species,longitude,EW,latitude,NS", *rows))
    assert sorted(found.lon_lat.tolist()) == sorted(
        [[-79.9, -33.4], [16.3, 48.2], [-70.1, -10.5], [20, 30], [-5, -6], [7, 8]]
    )
    assert found.dropped == {coordinates.SIDES: 2} and accounted(found)


def test_a_column_called_as_sides_are_that_holds_others_is_passed_over(tmp_path: Path) -> None:
    path = text_table(
        tmp_path / "t.csv", "species,longitude,latitude,ns", "Parus major,16,48,12", "Parus major,17,48,13"
    )
    assert len(read_occurrences(path)) == 2


@pytest.mark.parametrize(
    ("lon", "lat", "place"),
    [
        *(("−70.2", "–33.5", [-70.2, -33.5]), ("79.982 W", "40.446 N", [-79.982, 40.446])),
        *(("W79.982", "S 40.446", [-79.982, -40.446]), ("79.982° W", "40.446°n", [-79.982, 40.446])),
        *(("16.3E", "48.2N", [16.3, 48.2]), (" +16.30", "\u00a048.2", [16.3, 48.2])),
    ],
)
def test_decimal_degrees_with_letters_and_other_minus_signs_are_read(
    tmp_path: Path, lon: str, lat: str, place: list[float]
) -> None:
    found = read_occurrences(text_table(tmp_path / "t.csv", "species,lon,lat", f"Parus major,{lon},{lat}"))
    assert found.lon_lat.tolist() == [place]


@pytest.mark.parametrize(("lon", "lat"), [("16.3N", "48.2N"), ("16.3 O", "48.2 N"), ("-16.3 W", "48.2 N"), ("9E", "4")])
def test_letters_with_two_readings_are_not_read(lon: str, lat: str) -> None:
    assert coordinates.read_place(lon, lat).dropped == coordinates.NOT_NUMBERS


@pytest.mark.parametrize(
    ("column", "parts", "read"),
    [
        ("lon", ([10, 200, 210, 220], [230, 20]), ([10, -160, -150, -140], [-130, 20])),  # few of them in a part
        ("lon", ([200, 210, 220], [-20, 230]), ([-160, -150, -140], [-20, -130])),
        ("lon", ([-20, 10], [200, 210, 220]), ([-20, 10], [])),
        ("Longitude W", ([20, 30], [-20, 30]), ([-20, -30], [-20, -30])),
        ("Longitude W", ([20, -30], [20, 30]), ([20, -30], [20, 30])),
    ],
)
def test_what_a_column_means_is_the_same_in_all_parts_of_a_table(
    column: str, parts: tuple[list[float], ...], read: tuple[list[float], ...]
) -> None:
    tally = coordinates.PlaceTally(column, "lat")
    for numbers, wanted in zip(parts, read, strict=True):
        cells = {"lon": pa.array(numbers, pa.float64()), "lat": pa.array([1.0] * len(numbers))}
        found = read_places(cells, Sorting(len(numbers)), tally)[:, 0]
        assert found[np.isfinite(found)].tolist() == wanted


def test_longitudes_of_0_to_360_are_read_where_no_other_is_negative(tmp_path: Path) -> None:
    rows = [f"Parus major,{lon},40" for lon in (170, 190, 200, 359.5)]
    found = read_occurrences(text_table(tmp_path / "t.csv", "species,lon,lat", *rows))
    assert sorted(found.lon_lat[:, 0].tolist()) == [-170, -160, -0.5, 170]
    assert found.noted == {coordinates.BEYOND_180: 3}
    found = read_occurrences(text_table(tmp_path / "t.csv", "species,lon,lat", *rows, "Parus major,-5,40"))
    assert found.dropped == {coordinates.NOT_ON_EARTH: 3} and accounted(found)


def test_the_place_0_0_is_none_and_that_is_said(tmp_path: Path) -> None:
    rows = ("Parus major,0,0", "Parus major,0.000,-0.0", "Parus major,0,48", "Parus major,16,0")
    found = read_occurrences(text_table(tmp_path / "t.csv", "species,lon,lat", *rows))
    assert sorted(found.lon_lat.tolist()) == [[0, 48], [16, 0]]
    assert found.dropped == {coordinates.AT_ZERO: 2} and accounted(found)
    birds = [row for row in read_table(tmp_path / "t.csv") if not isinstance(row, Remark)]
    assert len(birds) == 4 and [bird.place for bird in birds[:2]] == [None, None]  # a photo is one without its place


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        *(
            ("geometry", "POINT (16.3 48.2)"),
            ("the_geom", "SRID=4326;POINT(16.3 48.2)"),
            ("WKT", "point z(16.3 48.2 9)"),
        ),
        *(("footprintWKT", "POINT (16.3 48.2)"), ("geom", '{"type":"Point","coordinates":[16.3, 48.2]}')),
        ("geom", "0101000020E6100000CDCCCCCCCC4C30409A99999999194840"),
        ("location", "0101000000CDCCCCCCCC4C30409A99999999194840"),
    ],
)
def test_points_in_a_column_of_text_are_places(tmp_path: Path, name: str, cell: str) -> None:
    quoted = cell.replace('"', '""')
    rows = (f'Parus major,"{quoted}"', f'Apus apus,"{quoted}"', "Apus apus,POLYGON EMPTY")
    found = read_occurrences(text_table(tmp_path / "t.csv", f"species,{name}", *rows))
    assert found.lon_lat.tolist() == [[16.3, 48.2]] * 2
    assert found.dropped == {coordinates.NOT_NUMBERS: 1} and accounted(found)


@pytest.mark.parametrize("cell", ["48 12.5", "N48 12.5", "48:12:30", "48d12m30s", "48 deg 12", "-48 12 30", "48°12'"])
def test_angles_in_more_forms_are_called_so(cell: str) -> None:
    assert coordinates.read_place("1.5", cell).dropped == coordinates.ANGLES


def test_decimal_degrees_that_are_called_so_go_before_others(tmp_path: Path) -> None:
    head = "species,latitude,longitude,decimalLatitude,decimalLongitude"
    path = text_table(tmp_path / "t.csv", head, "Parus major,48°12'N,16°18'E,48.2,16.3")
    assert read_occurrences(path).lon_lat.tolist() == [[16.3, 48.2]]


@pytest.mark.parametrize("header", ["x,y", "easting,northing", "Point_X,Point_Y"])
def test_x_and_y_without_a_crs_are_degrees_which_is_said(tmp_path: Path, header: str) -> None:
    path = text_table(tmp_path / "t.csv", f"species,{header}", "Parus major,16,48", "Parus major,17,48")
    found = read_occurrences(path)
    assert len(found) == 2 and found.noted == {coordinates.NO_CRS: 2}
    assert read_occurrences(path, crs="EPSG:4326").noted == {}


def test_it_is_said_of_rows_whose_own_crs_is_blank_or_not_known(tmp_path: Path) -> None:
    rows = (f"Parus major,1{number},48,{datum}" for number, datum in enumerate(("", "WGS84", "not recorded")))
    path = text_table(tmp_path / "t.csv", "species,x,y,geodeticDatum", *rows)
    assert read_occurrences(path).noted == {coordinates.NO_CRS: 2}
