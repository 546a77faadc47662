"""What two coordinates mean, and how exact a place is."""

import math

import pytest

from birdsat.errors import InputError
from birdsat.observations import coordinates
from birdsat.observations.coordinates import PlaceTally, length_m, off_earth, place_uncertainty_m, read_place


def test_two_numbers_in_degrees_are_a_place():
    for lon, lat in (("9.5", "47.5"), (" 9.5 ", "+47.5"), ("9.5e0", "47.50")):
        found = read_place(lon, lat)
        assert (found.lon, found.lat, found.dropped, found.remark) == (9.5, 47.5, "", "")


@pytest.mark.parametrize("word", ["", " ", "NA", "NaN", "null", "None", "n/a", "\\N", "-"])
def test_words_for_not_known_are_no_place(word):
    assert read_place(word, word) == coordinates.PlaceReading()
    half = read_place("9.5", word)
    assert (half.lon, half.dropped, half.remark) == (None, "", coordinates.ONE_MISSING)


@pytest.mark.parametrize(
    ("lon", "lat", "reason"),
    [
        ("9E", "47", coordinates.NOT_NUMBERS),
        ("[1.0,2.0]", "3", coordinates.NOT_NUMBERS),
        ("west", "3", coordinates.NOT_NUMBERS),
        ("-81,808", "28,899", coordinates.COMMAS),
        ("-81.808", "28,899", coordinates.COMMAS),
        ("9°30'", "47°30'N", coordinates.ANGLES),
        ("9 30 15 E", "47 30 15 N", coordinates.ANGLES),
        ("9:30:15", "47:30:15", coordinates.ANGLES),
        ("9.5°", "47.5°", coordinates.ANGLES),
        ("-9.106866e+06", "3.195478e+06", coordinates.METRES),
        ("500000", "5262000", coordinates.METRES),
        ("9.5", "195", coordinates.NOT_ON_EARTH),
        ("181", "47", coordinates.NOT_ON_EARTH),
        ("inf", "47", coordinates.NOT_ON_EARTH),
        ("9.5", "95", coordinates.SWAPPED),
        ("47.5", "-120.5", coordinates.SWAPPED),
    ],
)
def test_what_is_no_place_says_why(lon, lat, reason):
    found = read_place(lon, lat)
    assert (found.lon, found.lat, found.dropped) == (None, None, reason) and found.detail


def test_numbers_off_the_earth_are_told_apart():
    assert off_earth(math.nan, 1) == off_earth(1, math.inf) == coordinates.NOT_ON_EARTH
    assert off_earth(691_000, 5_334_000) == coordinates.METRES and off_earth(9, 120) == coordinates.SWAPPED


@pytest.mark.parametrize(
    ("lon", "lat", "said"),
    [
        (
            "-9106866",
            "3195478",
            r"metres of a map projection .*columns x and y, such as '-9106866' and '3195478'.*EPSG:4326",
        ),
        (
            "-81,808",
            "28,899",
            r"commas in place of decimal points .*such as '-81,808' and '28,899'; save the table with",
        ),
        ("9°30'E", "47°30'N", r"degrees, minutes and seconds .*such as .*47°30'N.*convert them"),
    ],
)
def test_a_column_that_is_wrong_throughout_is_refused_with_an_example_and_what_to_do(lon, lat, said):
    tally = PlaceTally(lon_column="x", lat_column="y")
    for _ in range(3):
        tally.add(read_place(lon, lat), lon, lat)
    with pytest.raises(InputError, match=said) as refused:
        tally.check("t.csv")
    of_crs = ("crs",) if "projection" in said else ()
    assert refused.value.settings == (*of_crs, "columns") and "\n" not in str(refused.value)


def test_a_few_slips_do_not_refuse_a_table():
    tally = PlaceTally(lon_column="x", lat_column="y")
    tally.add(read_place("1", "2"), "1", "2", rows=5)
    tally.add(read_place("1,5", "2"), "1,5", "2", rows=4)
    tally.check("t.csv")
    tally.add(read_place("withheld", "withheld"), "withheld", "withheld", rows=100)
    tally.check("t.csv")
    tally.add(read_place("1,5", "2"), "1,5", "2", rows=200)
    with pytest.raises(InputError, match="commas"):
        tally.check("t.csv")


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        *(
            ("30", 30.0),
            ("30.5", 30.5),
            ("30 m", 30.0),
            ("30m", 30.0),
            ("30 metres", 30.0),
            ("1.5 km", 1500.0),
            ("2km", 2000.0),
        ),
        *(
            ("100 ft", 30.48),
            ("1 mile", 1609.344),
            ("1,000", 1000.0),
            ("12,345.6", 12345.6),
            ("1,5 km", 1500.0),
            ("1e3", 1000.0),
        ),
        *(("<100", 100.0), ("~50 m", 50.0), ("ca. 50 m", 50.0)),
    ],
)
def test_a_length_is_read_with_its_unit(text, metres):
    assert length_m(text) == pytest.approx(metres)


@pytest.mark.parametrize("text", ["", "NA", "x", "0", "-5", "inf", "10-20", "5 parsec", "true"])
def test_what_is_no_length_is_not_known(text):
    assert math.isnan(length_m(text))


HIDDEN = 28_000.0


@pytest.mark.parametrize(
    ("cells", "metres"),
    [
        ({"stated": "30"}, 30.0),
        ({"stated": "1.5 km"}, 1500.0),
        ({"accuracy": "5"}, 5.0),
        ({"accuracy": "5", "public": "28500", "obscured": "true"}, 28_500.0),
        ({"accuracy": "5", "public": "5", "obscured": "false"}, 5.0),
        ({"accuracy": "5", "public": "28500"}, 28_500.0),
        ({"accuracy": "5", "obscured": "true"}, HIDDEN),
        ({"accuracy": "5", "obscured": "TRUE"}, HIDDEN),
        ({"accuracy": "5", "geoprivacy": "obscured"}, HIDDEN),
        ({"accuracy": "5", "geoprivacy": "Private"}, HIDDEN),
        ({"accuracy": "5", "taxon_geoprivacy": "obscured"}, HIDDEN),
        ({"accuracy": "5", "geoprivacy": "open", "taxon_geoprivacy": "open", "obscured": "false"}, 5.0),
        ({"geoprivacy": "private", "obscured": "true"}, HIDDEN),
        ({"stated": "28000", "geoprivacy": "obscured"}, 28_000.0),
        ({"precision": "0.01"}, 0.01 * 111_320 / math.sqrt(2)),
        ({"stated": "30", "precision": "0.1"}, 30.0),
    ],
)
def test_how_exact_a_place_is_by_what_a_table_says_of_it(cells, metres):
    assert place_uncertainty_m(**cells) == pytest.approx(metres)


@pytest.mark.parametrize("cells", [{}, {"stated": "0"}, {"accuracy": ""}, {"geoprivacy": "open"}, {"precision": "100"}])
def test_nothing_said_is_not_known(cells):
    assert math.isnan(place_uncertainty_m(**cells))
