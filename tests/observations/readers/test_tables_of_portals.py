"""Tables as portals, apps and spreadsheets write them: which columns are found, what is said of rows and of files."""

from pathlib import Path

import pytest
from text_tables import accounted, text_table

from birdsat.errors import InputError
from birdsat.observations import dates
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.row_rules import CAPTIVE, NOT_ACCEPTED, NOT_EXACT, NOT_TOLD, OUTLIER
from birdsat.observations.scientific_names import ABOVE_SPECIES, DOUBTFUL, HYBRID, NO_TAXON


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        ("species,geohash", "Parus major,u2edk8", "'geohash', are not read: add columns of degrees"),
        ("species,grid_reference", "Parus major,TQ301803", "are not read"),
        ("species,coordinates", 'Parus major,"48.2, 16.3"', "must be split into two columns"),
        ("species,location", "Parus major,Vienna", "columns lon=COLUMN"),
        ("Species,Count,Details", "Parus major,3,", "no columns of longitude and latitude; its columns are Species"),
        (
            "Parus major,48.2,16.3,2020-05-01",
            "Parus major,48.3,16.4,2020-05-02",
            "no row of column names: its first row",
        ),
        ("species lat lon", "Parus_major 1 2", "cells are taken apart at commas"),
        ("species,lat,lon,lat", "Parus major,1,2,3", "2 columns called 'lat'"),
        ('[{"species":"Parus major"', '"lat":1}]', "is JSON in place of a table"),
    ],
)
def test_tables_that_say_no_place_that_can_be_read_are_refused_with_what_to_do(
    tmp_path: Path, head: str, row: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_occurrences(text_table(tmp_path / "t.csv", head, row))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        *(("a.xlsx", "save its sheet as CSV"), ("a.ods", "workbook"), ("a.gpkg", "ogr2ogr"), ("a.shp", "GeoParquet")),
        *(
            ("a.geojson", "GeoParquet"),
            ("a.jsonl", "is JSON"),
            ("a.rds", "write.csv"),
            ("a.feather", "save it as Parquet"),
        ),
        *(
            ("a.csv.bz2", "unpack it"),
            ("a.tar.gz", "unpack it"),
            ("a.db", "database"),
            ("a.dat", "end its name in .csv"),
        ),
    ],
)
def test_files_of_other_formats_are_refused_with_what_to_do(tmp_path: Path, name: str, remedy: str) -> None:
    with pytest.raises(InputError, match=f"unknown format; allowed: .*{remedy}"):
        read_occurrences(text_table(tmp_path / name, "species,lat,lon", "Parus major,1,2"))


@pytest.mark.parametrize(
    "text",
    [
        *('"species",lat,"lon\n(east)"\nParus major,1,2\n', "#,species,lat,lon\n1,Parus major,1,2\n"),
        *("# a comment\n# 2020, and so on\nspecies,lat,lon\nParus major,1,2\n", "#species,lat,lon\nParus major,1,2\n"),
        *(
            "My survey\n\nspecies,lat,lon\nParus major,1,2\n",
            "My survey 2020,,\n,,\nspecies,lat,lon\nParus major,1,2\n",
        ),
        *(
            "species,lat,lon\nParus major,1,2,\n",
            "species\tlat\tlon\nParus major\t1\t2\t\n",
            "sep=;\nspecies;lat;lon\nParus major;1;2",
        ),
    ],
)
def test_titles_comments_and_delimiters_at_the_end_are_passed_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    found = read_occurrences(path)
    assert (found.taxa, found.lon_lat.tolist(), found.rows) == (("Parus major",), [[2, 1]], 1)


@pytest.mark.parametrize(
    ("name", "cell", "reason"),
    [
        *(("establishmentMeans", "MANAGED", CAPTIVE), ("establishmentMeans", "Captive", CAPTIVE)),
        *(
            ("degreeOfEstablishment", "captive", CAPTIVE),
            ("captive", "captive", CAPTIVE),
            ("captive", "cultivated", CAPTIVE),
        ),
        *(("is escape", "yes", CAPTIVE), ("EXOTIC CODE", "X", CAPTIVE), ("APPROVED", "0", NOT_ACCEPTED)),
        *(("certain", "no", DOUBTFUL), ("occurrenceStatus", "Not detected", "recorded as absent")),
        ("occurrenceStatus", "N", "recorded as absent"),
        *(("Identification verification status", "Rejected - incorrect", NOT_ACCEPTED),),
    ],
)
def test_rows_that_say_of_themselves_that_they_are_no_records_are_dropped(
    tmp_path: Path, name: str, cell: str, reason: str
) -> None:
    fine = {
        "captive": "wild",
        "APPROVED": "1",
        "certain": "yes",
        "EXOTIC CODE": "N",
        "Identification verification status": "Unconfirmed",
        "occurrenceStatus": "PRESENT",
    }
    rows = (f"Parus major,1,2,{cell}", f"Parus major,3,4,{fine.get(name, 'introduced')}", "Parus major,5,6,")
    found = read_occurrences(text_table(tmp_path / "t.csv", f"species,lat,lon,{name}", *rows))
    assert (len(found), found.dropped) == (2, {reason: 1}) and accounted(found)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        *(("Gallus gallus domesticus", 0), ("Anser anser f. domestica", 0), ("Anas platyrhynchos var. domestica", 0)),
        *(("Gallus gallus f. dom.", 0), ("Columba livia domestica", 1), ("Passer domesticus domesticus", 1)),
        *(("Passer domesticus", 1), ("Columba livia (Feral Pigeon)", 1), ("Cairina moschata (Domestic type)", 0)),
    ],
)
def test_domestic_forms_are_no_wild_birds(tmp_path: Path, name: str, kept: int) -> None:
    path = text_table(tmp_path / "t.csv", "species,lat,lon", f"{name},1,2", "Parus major,3,4")
    assert len(read_occurrences(path)) == 1 + kept


def test_movebanks_outliers_are_dropped_and_its_columns_found(tmp_path: Path) -> None:
    head = "event-id,visible,timestamp,location-long,location-lat,individual-taxon-canonical-name"
    rows = (
        "1,true,2020-05-01 10:00:00.000,16.3,48.2,Ciconia ciconia",
        "2,false,2020-05-01 11:00:00.000,17.3,48.2,Ciconia ciconia",
        "3,true,2020-05-02 11:00:00.000,,,Ciconia ciconia",
    )
    found = read_occurrences(text_table(tmp_path / "t.csv", head, *rows))
    assert [str(day) for day in found.date] == ["2020-05-01"]
    assert found.dropped == {OUTLIER: 1, "no place": 1} and accounted(found)


def test_names_in_parts_as_xeno_canto_has_them(tmp_path: Path) -> None:
    rows = ("1,Parus,major,newtoni,Great Tit,48,16", "2,Parus,sp.,,tit,48,16", "3,Mystery,mystery,,Mystery,48,16")
    found = read_occurrences(text_table(tmp_path / "t.csv", "id,gen,sp,ssp,en,lat,lng", *rows))
    assert found.taxa == ("Parus major",) and found.dropped == {ABOVE_SPECIES: 1, NO_TAXON: 1}


@pytest.mark.parametrize(
    ("column", "whole", "dropped", "taxa"),
    [
        ("species", "Parus major × Cyanistes caeruleus", HYBRID, ()),
        ("species", "Parus Linnaeus, 1758", ABOVE_SPECIES, ()),
        ("species", "Larus cachinnans Pallas, 1811", None, ("Larus cachinnans",)),
        ("taxon_species_name", "Empidonax difficilis", ABOVE_SPECIES, ()),  # a complex
        ("taxon_species_name", "", NO_TAXON, ()),
    ],
)
def test_where_the_column_of_the_species_is_blank_the_whole_name_says_why(
    tmp_path: Path, column: str, whole: str, dropped: str | None, taxa: tuple[str, ...]
) -> None:
    rows = (f'"{whole}",,1,2', "Apus apus,Apus apus,3,4", "Apus apus,Apus apus,3,5")
    found = read_occurrences(text_table(tmp_path / "t.csv", f"scientificName,{column},lat,lon", *rows))
    assert found.taxa == ("Apus apus", *taxa) and found.dropped == ({dropped: 1} if dropped else {})


def test_the_last_day_of_an_interval_in_its_own_column_is_read(tmp_path: Path) -> None:
    head = "Scientific name,Start date,Start date day,Start date month,Start date year,End date,lat,lon"
    rows = (
        "Parus major,13/05/2020,13,5,2020,15/05/2020,1,1",
        "Parus major,01/01/1990,1,1,1990,31/12/1999,2,2",
        "Parus major,02/05/2020,2,5,2020,,3,3",
        "Parus major,13/05/2020,13,5,2020,13/05/2020,4,4",
    )
    found = read_occurrences(text_table(tmp_path / "t.csv", head, *rows))
    days = dict(zip(found.lon_lat[:, 0].tolist(), map(str, found.date), strict=True))
    assert days == {1: "2020-05-14", 2: "NaT", 3: "2020-05-02", 4: "2020-05-13"}
    assert found.noted[dates.TOO_LONG] == 1


def test_datum_is_a_date_where_it_holds_dates_and_else_that_of_places(tmp_path: Path) -> None:
    german = read_occurrences(text_table(tmp_path / "t.csv", "species;lat;lon;Datum", "Parus major;1;2;13.05.2020"))
    assert str(german.date[0]) == "2020-05-13"
    english = read_occurrences(text_table(tmp_path / "t.csv", "species,lat,lon,datum", "Parus major,48,16,WGS84"))
    assert english.noted == {} and english.lon_lat.tolist() == [[16, 48]]


@pytest.mark.parametrize(
    "head",
    [
        *("dwc:scientificName,dwc:decimalLatitude,dwc:decimalLongitude", "name,latitude,longitude", "sciName,lat,lng"),
        *("http://rs.tdwg.org/dwc/terms/scientificName,dwc:decimalLatitude,dwc:decimalLongitude", "latin name,lat,lon"),
    ],
)
def test_columns_with_their_vocabulary_and_of_r_packages_are_found(tmp_path: Path, head: str) -> None:
    assert read_occurrences(text_table(tmp_path / "t.csv", head, "Parus major,48.2,16.3")).lon_lat.tolist() == [
        [16.3, 48.2]
    ]


def test_a_column_called_name_is_of_taxa_only_where_it_holds_scientific_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column for the taxon"):
        read_occurrences(text_table(tmp_path / "t.csv", "name,lat,lon,visits", "Vienna woods,48.2,16.3,2"))
    wide = text_table(tmp_path / "t.csv", "name,lat,lon,Parus major", "Pica pica,48.2,16.3,2")
    assert read_occurrences(wide).taxa == ("Parus major",)


@pytest.mark.parametrize("cell", ["NA", "", "-", "?", "null"])
def test_a_presence_that_is_not_told_is_none(tmp_path: Path, cell: str) -> None:
    rows = (f"Parus major,1,2,{cell}", "Parus major,3,4,1", "Parus major,5,6,a", "Parus major,7,8,P")
    found = read_occurrences(text_table(tmp_path / "t.csv", "species,lat,lon,presence", *rows))
    assert (len(found), found.dropped) == (2, {NOT_TOLD: 1, "recorded as absent": 1}) and accounted(found)
    darwin_core = read_occurrences(text_table(tmp_path / "t.csv", "species,lat,lon,occurrenceStatus", *rows))
    assert len(darwin_core) == 3 and accounted(darwin_core)  # there, what is not told is a presence


@pytest.mark.parametrize(("cell", "kept"), [("0", 0), ("0.0", 0), ("absent", 0), ("X", 1), ("~20", 1), ("none", 1)])
def test_counts_of_none_in_words_are_none(tmp_path: Path, cell: str, kept: int) -> None:
    path = text_table(tmp_path / "t.csv", "species,lat,lon,count", f"Parus major,1,2,{cell}", "Parus major,3,4,1")
    assert len(read_occurrences(path)) == 1 + kept


@pytest.mark.parametrize(
    ("rows", "options", "remedy"),
    [
        (("Parus major,100,40,", "Parus major,101,41,"), {}, "Say which column is which"),
        (("Parus major,48,16,5000",), {"max_uncertainty_km": 1.0}, "Allow for less exact places"),
        (("Parus sp.,48,16,", "Paridae,48,16,"), {}, "records of wild birds, named to the species"),
        (("Parus major,,,", "Parus major,NA,NA,"), {}, "Give a table with coordinates"),
    ],
)
def test_where_no_row_is_left_what_to_do_goes_by_the_reason(
    tmp_path: Path, rows: tuple[str, ...], options: dict[str, float], remedy: str
) -> None:
    path = text_table(tmp_path / "t.csv", "species,lat,lon,coordinateUncertaintyInMeters", *rows)
    with pytest.raises(InputError, match=remedy):
        read_occurrences(path, max_uncertainty_km=options.get("max_uncertainty_km"))


@pytest.mark.parametrize(
    ("head", "day"),
    [
        ("Timestamp,Date of sighting", "2020-05-01"),
        ("Timestamp,When was it (date)", "NaT"),  # neither is guessed
        ("timestamp,place", "2021-01-31"),
        ("created,Sampling date", "2020-05-01"),
    ],
)
def test_when_a_form_was_sent_is_not_when_the_bird_was_seen(tmp_path: Path, head: str, day: str) -> None:
    path = text_table(tmp_path / "t.csv", f"species,lat,lon,{head}", "Parus major,1,2,2021-01-31 10:00,2020-05-01")
    assert [str(one) for one in read_occurrences(path).date] == [day]


def test_a_table_that_tells_nothing_of_exactness_says_so_where_it_is_asked_for(tmp_path: Path) -> None:
    path = text_table(tmp_path / "t.csv", "species,lat,lon", "Parus major,1,2", "Parus major,3,4")
    assert read_occurrences(path, max_uncertainty_km=1).noted == {NOT_EXACT: 2}
    assert read_occurrences(path).noted == {}


@pytest.mark.parametrize("cell", ["TRUE", "WAHR", "VRAI", "VERDADERO", "WAAR", "1", "1.0", "yes"])
def test_spreadsheets_of_other_languages_say_yes_too(tmp_path: Path, cell: str) -> None:
    path = text_table(
        tmp_path / "t.csv", "species,lat,lon,captive_cultivated", f"Parus major,1,2,{cell}", "Apus apus,3,4,FALSCH"
    )
    assert read_occurrences(path).dropped == {CAPTIVE: 1}
    path = text_table(
        tmp_path / "t.csv", "species,lat,lon,coordinates_obscured", f"Parus major,1,2,{cell}", "Apus apus,3,4,FAUX"
    )
    assert read_occurrences(path, max_uncertainty_km=1).taxa == ("Apus apus",)


@pytest.mark.parametrize(
    ("name", "is_said"),
    [
        ("Date seen", True),
        ("my_date", True),
        ("lastEditedDate", False),
        ("dateIdentified", False),
        ("candidate", False),
    ],
)
def test_a_column_that_may_be_the_date_and_is_not_read_is_said(tmp_path: Path, name: str, is_said: bool) -> None:
    path = text_table(
        tmp_path / "t.csv", f"species,lat,lon,{name}", "Parus major,1,2,2020-05-01", "Parus sp.,1,2,2020-05-01"
    )
    found = read_occurrences(path)
    assert found.noted == ({dates.UNREAD: 1} if is_said else {}) and accounted(found)
    named = read_occurrences(path, columns=TableColumns(date=name))
    assert str(named.date[0]) == "2020-05-01" and named.noted == {}


def test_first_and_last_days_of_nordic_portals_are_read(tmp_path: Path) -> None:
    head = "Vetenskapligt namn;Antal;Nord;Ost;Noggrannhet;Startdatum;Slutdatum"
    path = text_table(tmp_path / "t.csv", head, "Parus major;2;6580000;675000;25;2020-05-13;2020-05-15")
    found = read_occurrences(path, crs="EPSG:3006", max_uncertainty_km=1)
    assert found.lon_lat.round(1).tolist() == [[18.1, 59.3]] and str(found.date[0]) == "2020-05-14"
