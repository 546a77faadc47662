"""Names, dates and places as tables from the field have them: what is read of each row, and what is said."""

import datetime
import math
from collections import Counter

import pytest

from birdsat.errors import InputError
from birdsat.observations import coordinates, dates
from birdsat.observations import scientific_names as names
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.tables import read_table, read_taxonomy


def observations(path):
    """The observations of a table by id."""
    return {row.id: row for row in read_table(path) if isinstance(row, Observation)}


def remarks(path):
    """Reason by the row's id, of rows dropped and of rows kept."""
    said = [row for row in read_table(path) if isinstance(row, Remark)]
    return {row.row: row.reason for row in said if not row.kept}, {row.row: row.reason for row in said if row.kept}


def test_intervals_of_gbif_are_their_middle_or_undated_and_no_row_is_lost(shared_cases):
    found = observations(shared_cases / "02-date-ranges" / "gbif.csv")
    assert {int(id): row.date and row.date.isoformat() for id, row in found.items()} == {
        1: "2023-08-14",
        2: "2018-05-26",
        3: "1923-06-26",
        4: "2019-08-25",
        5: "1930-01-15",
        6: None,
        7: "2021-05-31",
        8: "1979-01-22",
        9: "2020-12-31",
        10: None,
        11: None,
        12: "2010-06-05",
        13: "2010-06-06",
        14: "2012-07-04",
        15: "2012-07-16",
        16: "2012-07-15",
        17: "2014-03-10",
        18: "2022-02-05",
    }
    assert len(read_occurrences(shared_cases / "02-date-ranges" / "gbif.csv")) == 18


def test_places_that_inaturalist_hides_are_uncertain(shared_cases):
    for name in ("full.csv", "without_public_accuracy.csv"):
        path = shared_cases / "05-inat-obscured" / name
        found = read_occurrences(path, max_uncertainty_km=1)
        assert found.lon_lat[:, 0].tolist() == [7.2]
        assert found.dropped["place uncertain by more than 1 km"] >= 2
        assert len(read_occurrences(path, max_uncertainty_km=50)) == 3  # the fourth is captive, the fifth has no place


def test_dates_as_spreadsheets_write_them_are_read_or_kept_undated(shared_cases):
    path = shared_cases / "06-inat-times" / "excel.csv"
    found, (dropped, kept) = observations(path), remarks(path)
    assert {int(id): row.date and row.date.isoformat() for id, row in found.items()} == {
        1: None,
        2: "2010-03-17",
        3: "2015-04-21",
        4: "2010-04-21",
        5: "2015-04-21",
        6: "2010-04-05",
        7: "2010-03-07",
        8: "2010-04-05",
        9: "2010-04-05",
        10: "2010-04-05",
        11: "2010-04-05",
        12: None,
        13: None,
        14: None,
        15: None,
        16: None,
    }
    assert (dropped, kept) == ({}, {"1": dates.AMBIGUOUS, "7": dates.SERIAL, "12": dates.NOT_IN_CALENDAR})


@pytest.mark.parametrize("column", ["observed_on", "time_observed_at"])
def test_times_with_a_zone_are_the_day_that_is_written(shared_cases, tmp_path, column):
    text = (shared_cases / "06-inat-times" / "utc.csv").read_text()
    path = tmp_path / "t.csv"
    other = {"observed_on": "time_observed_at", "time_observed_at": "observed_on"}[column]
    path.write_text(text.replace(other, "notes"))
    days = [row.date for row in observations(path).values()]
    whole = [datetime.date(2010, 3, day) for day in range(7, 13)]
    assert days == (whole if column == "observed_on" else [*whole[:5], None])


def test_an_unreadable_date_gives_way_to_good_year_month_and_day(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,species,date,year,month,day\n1,Apus apus,2010-04-31,2010,4,30\n2,Apus apus,3/7/2010,2010,3,7\n")
    assert [row.date for row in observations(path).values()] == [datetime.date(2010, 4, 30), datetime.date(2010, 3, 7)]
    assert remarks(path) == ({}, {"1": dates.FROM_PARTS, "2": dates.FROM_PARTS})


NOT_ONE = (*range(3), *range(5, 17), 31, 33, 34, *range(36, 41))


def test_names_of_every_kind_are_a_species_or_dropped_by_reason(shared_cases):
    path = shared_cases / "11-names" / "n.csv"
    found = {int(id[4:]) - 1: row.taxon for id, row in observations(path).items()}
    fuscus = dict.fromkeys((*range(17, 30), 41, 42), "Larus fuscus")
    others = {30: "Charadrius o'connori", 32: "Parus major", 35: "Setophaga coronata"}
    within = {3: "Aegithalos caudatus", 4: "Anas platyrhynchos"}
    assert found == fuscus | others | within
    dropped, kept = remarks(path)
    assert sorted(int(row[4:]) - 1 for row in dropped) == list(NOT_ONE)
    assert set(dropped.values()) <= set(names.DROPPED)
    assert Counter(dropped.values())[names.HYBRID] == 5
    assert Counter(kept.values()) == {names.SUBSPECIES: 2, names.WITHIN_SPECIES: 2, names.AGGREGATE: 4}


def test_genus_and_epithet_in_two_columns_are_one_name(shared_cases):
    folder = shared_cases / "15-genus-epithet"
    found = read_occurrences(folder / "bbs_like.csv")
    assert found.taxa == (
        "Aythya marila",
        "Charadrius minor",
        "Dendrocopos major",
        "Dendrocopos minor",
        "Parus major",
    )
    assert read_occurrences(folder / "dwc_parts.csv").taxa == ("Dendrocopos major", "Parus major")


def test_scientific_names_win_over_the_english_ones_beside_them(shared_cases, tmp_path):
    path = shared_cases / "15-genus-epithet" / "english_beside_latin.csv"
    assert read_occurrences(path).taxa == ("Parus major", "Periparus ater")
    (tmp_path / "t.csv").write_text("Species,Genus,specific epithet,lon,lat\nGreat Tit,Parus,major,1,2\n")
    assert read_occurrences(tmp_path / "t.csv").taxa == ("Parus major",)


def test_photos_and_records_of_one_table_have_the_same_taxa(shared_cases):
    path = shared_cases / "29-author-names" / "t.csv"
    taxa = ("Passerina cyanea", "Setophaga coronata")
    assert read_occurrences(path).taxa == taxa == read_taxonomy(path).names
    photos = [row for row in read_table(path) if isinstance(row, Observation)]
    assert {row.taxon for row in photos} == set(taxa) and len(photos) == 8
    assert sorted(remarks(path)[0].values()) == [names.ABOVE_SPECIES, names.HYBRID]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "utm_metres.csv",
            r"metres of a map projection.*columns x and y, such as '-9.106866e\+06'"
            r".*say which CRS they are in, crs EPSG:CODE, or transform the places",
        ),
        (
            "decimal_comma.csv",
            r"commas in place of decimal points.*such as '-81,80799865722656'.*save the table with points",
        ),
    ],
)
def test_coordinates_of_another_kind_are_refused_with_a_cell_and_what_to_do(shared_cases, name, said):
    with pytest.raises(InputError, match=said):
        read_occurrences(shared_cases / "maps" / name)


def test_english_names_are_said_to_be_none_when_a_scientific_one_is_asked_for(shared_cases):
    found = read_occurrences(shared_cases / "maps" / "common_name.csv")
    assert found.noted == {names.NOT_SCIENTIFIC: found.rows}
    with pytest.raises(InputError, match=r"'Cardinalis cardinalis'.*names such as 'Northern Cardinal'.*taxon=COLUMN"):
        found.of("Cardinalis cardinalis")
    assert found.of("northern cardinal").taxa == ("Northern Cardinal",)


def test_no_english_name_is_taken_for_a_genus_where_most_are_english(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "species,lon,lat\n" + "".join(f"{name},1,2\n" for name in ("Anhinga", "Great Tit", "Mallard", "Jabiru"))
    )
    assert read_occurrences(path).taxa == ("Anhinga", "Great Tit", "Jabiru", "Mallard")
    path.write_text("species,lon,lat\nAnhinga,1,2\nParus major,1,2\n")
    assert read_occurrences(path).dropped == {names.ABOVE_SPECIES: 1}


def test_names_with_authors_are_found_by_the_species_alone(shared_cases):
    found = read_occurrences(shared_cases / "maps" / "cardinal_dwca.zip")
    for asked in ("Cardinalis cardinalis", "cardinalis cardinalis", "Cardinalis cardinalis (Linnaeus, 1758)"):
        assert len(found.of(asked)) > 100


def test_a_row_is_never_lost_for_its_date_and_each_remark_is_counted(tmp_path):
    written = ("soon", "2010-02-30", "3/7/2010", "3/17/10", "2010/2009", "2010-05-05/2010-05-01", "2011", "unknown")
    path = tmp_path / "t.csv"
    path.write_text("species,lon,lat,date\n" + "".join(f"Apus apus,{i},1,{text}\n" for i, text in enumerate(written)))
    found = read_occurrences(path)
    assert (len(found), found.dropped, sum(found.noted.values())) == (len(written), {}, len(written) - 1)


def test_metres_are_read_where_they_are_degrees_in_columns_called_x_and_y(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("species,x,y\nApus apus,9.5,47.5\n")
    assert read_occurrences(path).lon_lat.tolist() == [[9.5, 47.5]]
    path.write_text("photo,species,x,y,width,height\na.jpg,Apus apus,60,27,325,304\n")
    (row,) = read_table(path)
    assert row.place is None  # pixels of the photo


def test_a_table_whose_places_are_no_numbers_is_refused_with_one_of_them(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("species,lon,lat\nApus apus,TQ 123,TQ 456\nApus apus,TQ 124,TQ 457\nApus sp.,1,2\n")
    with pytest.raises(
        InputError, match=r"coordinates unreadable \(2\), .*such as longitude 'TQ 123' is not a number\."
    ):
        read_occurrences(path)


def test_few_rows_in_metres_are_dropped_and_counted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("species,lon,lat\nApus apus,9,47\nApus apus,10,47\nApus apus,691000,5334000\n")
    found = read_occurrences(path)
    assert (len(found), found.dropped) == (2, {coordinates.METRES: 1})


def test_the_uncertainty_of_a_place_is_read_in_its_unit(tmp_path):
    path = tmp_path / "t.csv"
    cells = ("30", "2 km", "0.9 km", "1500 m", "", "0", "nonsense")
    path.write_text(
        "species,lon,lat,coordinateUncertaintyInMeters\n"
        + "".join(f"Apus apus,{i},1,{text}\n" for i, text in enumerate(cells))
    )
    found = read_occurrences(path, max_uncertainty_km=1)
    assert found.lon_lat[:, 0].tolist() == [0, 2, 4, 5, 6]  # of which nothing is known are kept


def test_coordinates_rounded_to_a_tenth_of_a_degree_are_uncertain(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("species,lon,lat,coordinatePrecision\nApus apus,9.1,47.1,0.1\nApus apus,9.1,47.2,0.0001\n")
    assert read_occurrences(path, max_uncertainty_km=1).lon_lat[:, 1].tolist() == [47.2]
    assert not math.isnan(read_occurrences(path).lon_lat.sum())


def test_doubt_in_a_column_of_its_own_is_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "scientificName,identificationQualifier,lon,lat\nApus apus,,1,1\nApus apus,cf.,2,1\nApus apus,?,3,1\n"
        "Apus apus,agg.,4,1\n"
    )
    found = read_occurrences(path)
    assert found.lon_lat[:, 0].tolist() == [1, 4] and found.dropped == {names.DOUBTFUL: 2}


def test_ranks_above_the_species_are_dropped_where_a_column_says_so(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "scientificName,taxonRank,lon,lat\nApus apus,SPECIES,1,1\nNewgenus,GENUS,2,1\nApus apus apus,SUBSPECIES,3,1\n"
        "Apus apus,FAMILY,4,1\n"
    )
    found = read_occurrences(path)
    assert (found.taxa, found.lon_lat[:, 0].tolist()) == (("Apus apus",), [1, 3])
    assert found.dropped == {names.ABOVE_SPECIES: 2} and found.noted == {names.SUBSPECIES: 1}
