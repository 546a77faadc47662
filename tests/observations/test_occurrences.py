import datetime
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from birdsat.earth.date import year_fraction
from birdsat.errors import ConfigError, InputError, UnknownTaxonError
from birdsat.observations.coordinates import SWAPPED
from birdsat.observations.distinct_records import DistinctRecords
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.scientific_names import ABOVE_SPECIES

GBIF_HEAD = (
    "gbifID\tdatasetKey\tspecies\tscientificName\toccurrenceStatus\tindividualCount\tdecimalLatitude\t"
    "decimalLongitude\tcoordinateUncertaintyInMeters\teventDate\tday\tmonth\tyear\tbasisOfRecord\tlicense"
)


def gbif_row(
    id,
    species="Parus major",
    status="PRESENT",
    count="",
    lat="47.5",
    lon="9.5",
    metres="",
    date="2019-05-12",
    day="12",
    month="5",
    year="2019",
    basis="HUMAN_OBSERVATION",
):
    name = f"{species} Linnaeus, 1758"
    return "\t".join(
        (str(id), "k", species, name, status, count, lat, lon, metres, date, day, month, year, basis, "CC0_1_0")
    )


def gbif(path, *rows):
    path.write_text("\n".join((GBIF_HEAD, *rows)) + "\n")
    return path


def table(path, *rows, head="species,lon,lat,date"):
    path.write_text("\n".join((head, *rows)) + "\n")
    return path


def test_a_gbif_download_is_cleaned_and_every_row_accounted_for(tmp_path):
    found = read_occurrences(
        gbif(
            tmp_path / "0001-2026.csv",
            gbif_row(1),
            gbif_row(2),  # another observer, the same day and place
            gbif_row(3, date="2019-05-12T07:15:00/2019-05-12T09:00:00"),
            gbif_row(4, status="ABSENT"),
            gbif_row(5, count="0"),
            gbif_row(6, species=""),  # only the genus was told
            gbif_row(7, metres="25000"),
            gbif_row(8, metres="900", lat="47.6"),
            gbif_row(9, basis="FOSSIL_SPECIMEN"),
            gbif_row(10, basis="LIVING_SPECIMEN"),
            gbif_row(11, lat="", lon=""),
            gbif_row(12, species="Apus apus", date="", day="", month="7", year="2020"),
            gbif_row(13, lat="95"),
        ),
        max_uncertainty_km=10,
    )
    assert found.taxa == ("Apus apus", "Parus major")
    assert found.label.tolist() == [0, 1, 1]
    assert found.lon_lat.tolist() == [[9.5, 47.5], [9.5, 47.5], [9.5, 47.6]]
    assert found.date.tolist() == [datetime.date(2020, 7, 15), datetime.date(2019, 5, 12), datetime.date(2019, 5, 12)]
    assert found.dropped == {
        "recorded as absent": 1,
        "count of 0": 1,
        "no taxon": 1,
        "place uncertain by more than 10 km": 1,
        "fossil": 1,
        "kept in a zoo or garden": 1,
        "no place": 1,
        SWAPPED: 1,
    }
    assert found.noted == {
        "no day in date: middle of the month taken": 1,
    }
    assert (found.rows, sum(found.repeats.values())) == (13, 2)
    assert found.rows == len(found) + 2 + sum(found.dropped.values())


def test_the_zip_of_a_gbif_download_reads_as_what_is_in_it(tmp_path):
    plain = gbif(tmp_path / "plain.csv", gbif_row(1), gbif_row(2, lat="48"))
    with zipfile.ZipFile(tmp_path / "0001.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.write(plain, "0001-2026.csv")
    zipped = read_occurrences(tmp_path / "0001.zip")
    assert zipped.lon_lat.tolist() == read_occurrences(plain).lon_lat.tolist() == [[9.5, 47.5], [9.5, 48.0]]


def test_scientific_names_lose_their_authors_and_subspecies_are_counted_with_their_species(tmp_path):
    path = table(
        tmp_path / "t.csv",
        '"Junco hyemalis (Linnaeus, 1758)",-90,40,2020-01-01',
        "Junco hyemalis oreganus,-91,40,2020-01-01",
        "Junco hyemalis oreganus,-92,40,2020-01-01",
        "Junco sp.,-93,40,2020-01-01",
        head="scientificName,decimalLongitude,decimalLatitude,eventDate",
    )
    found = read_occurrences(path)
    assert (found.taxa, len(found)) == (("Junco hyemalis",), 3)
    assert found.noted == {"subspecies counted with its species": 2}
    assert found.dropped == {"not one species: a genus or higher": 1}
    assert found.lon_lat[:, 0].tolist() == [-92, -91, -90]


def test_an_inaturalist_export_is_read_and_captive_birds_are_dropped(tmp_path):
    found = read_occurrences(
        table(
            tmp_path / "observations-1.csv",
            "1,2021-04-03,false,47,9,50,,Turdus merula,Turdus merula",
            "2,2021-04-03,true,48,9,50,,Turdus merula,Turdus merula",
            "3,2021-04-03,false,49,9,50,28000,Turdus merula,Turdus merula",  # its true place is hidden
            "4,2021-04-03,false,46,9,50,,Turdus,",
            head="id,observed_on,captive_cultivated,latitude,longitude,positional_accuracy,public_positional_accuracy,"
            "scientific_name,taxon_species_name",
        ),
        max_uncertainty_km=5,
    )
    assert found.lon_lat.tolist() == [[9, 47]]
    assert found.month.tolist() == [4]
    assert found.dropped == {"captive or domestic": 1, "place uncertain by more than 5 km": 1, ABOVE_SPECIES: 1}


def test_domestic_birds_of_ebird_are_dropped(tmp_path):
    path = table(
        tmp_path / "ebd.txt",
        "OBS1\tAnas platyrhynchos\t3\t47\t9\t2020-01-02",
        "OBS2\tAnas platyrhynchos (Domestic type)\tX\t48\t9\t2020-01-02",
        head="GLOBAL UNIQUE IDENTIFIER\tSCIENTIFIC NAME\tOBSERVATION COUNT\tLATITUDE\tLONGITUDE\tOBSERVATION DATE",
    )
    found = read_occurrences(path)
    assert (len(found), found.dropped) == (1, {"captive or domestic": 1})


def test_a_table_without_places_is_refused_with_the_reasons(tmp_path):
    path = table(tmp_path / "t.csv", "Parus major,,,", "Apus apus,9,95,", "Apus sp.,1,1,")
    with pytest.raises(
        InputError, match=r"latitude beyond 90.*\(1\), no place \(1\), not one species: a genus or higher \(1\)"
    ):
        read_occurrences(path)


def test_several_tables_are_one(tmp_path):
    one = table(tmp_path / "a.csv", "Parus major,9,47,2020-01-01")
    two = table(tmp_path / "b.csv", "Apus apus,9,47,2020-01-01", "Parus major,9,47,2020-01-01")
    found = read_occurrences([one, two])
    assert (found.taxa, found.counts.tolist(), found.rows, found.repeats) == (
        ("Apus apus", "Parus major"),
        [1, 1],
        3,
        {"Parus major": 1},
    )
    assert found.taxon_rows == {"Apus apus": 1, "Parus major": 2}
    assert found.of("Apus apus").repeats == {}


def test_named_columns_are_used(tmp_path):
    path = table(tmp_path / "t.csv", "Parus major,47,9,2019,May", head="bird,a,b,y,m")
    found = read_occurrences(path, columns=TableColumns(taxon="bird", lat="a", lon="b"))
    assert found.lon_lat.tolist() == [[9, 47]]
    with pytest.raises(InputError, match="nothing for year"):
        read_occurrences(path, columns=TableColumns(taxon="bird", lat="a", lon="b", month="m"))


def test_year_and_month_and_day_make_a_date_where_there_is_no_other(tmp_path):
    path = table(
        tmp_path / "t.csv",
        "Parus major,1,1,,2019,5,4",
        "Parus major,2,1,2020-02-03,2019,5,4",
        "Parus major,3,1,NA,2019.0,5.0,",
        "Parus major,4,1,,2019,,",
        "Parus major,5,1,,2019,May,4",
        "Parus major,6,1,,2019,2,30",
        head="species,lon,lat,date,year,month,day",
    )
    found = read_occurrences(path)
    dates = dict(zip(found.lon_lat[:, 0].astype(int).tolist(), found.date.tolist(), strict=True))
    day = datetime.date
    assert dates == {1: day(2019, 5, 4), 2: day(2020, 2, 3), 3: day(2019, 5, 15), 4: None, 5: day(2019, 5, 4), 6: None}
    assert found.noted == {
        "no day in date: middle of the month taken": 1,
        "no month in date: left out": 1,
        "year, month and day unreadable: left out": 1,
    }


def test_a_year_alone_is_not_a_date_and_nothing_is_said_of_it(tmp_path):
    path = tmp_path / "bbs.parquet"
    rows = {"species": ["Parus major"] * 2, "lon": [1.0, 1.0], "lat": [2.0, 2.0], "year": [2001, 2002], "count": [1, 2]}
    pq.write_table(pa.table(rows), path)
    found = read_occurrences(path)
    assert (len(found), found.repeats, found.noted) == (1, {"Parus major": 1}, {})
    assert np.isnan(found.year_fraction).all() and found.month.tolist() == [0] and found.year.tolist() == [0]


def test_dates_as_arrays_say_what_the_calendar_says():
    days = [datetime.date(y, m, d) for y in (1900, 1999, 2000, 2024) for m in range(1, 13) for d in (1, 28)]
    n = len(days)
    found = Occurrences(
        taxa=("a",),
        label=np.zeros(n, np.int32),
        lon_lat=np.zeros((n, 2)),
        day=np.array([day.toordinal() for day in days], np.int32),
    )
    assert found.date.tolist() == days
    assert found.month.tolist() == [day.month for day in days]
    assert found.year.tolist() == [day.year for day in days]
    np.testing.assert_allclose(found.year_fraction, [year_fraction(day) for day in days], atol=1e-15)


def test_an_uncertainty_that_cannot_be_is_refused(tmp_path):
    path = table(tmp_path / "t.csv", "Parus major,9,47,")
    for most in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="largest uncertainty"):
            read_occurrences(path, max_uncertainty_km=most)


def test_the_part_of_some_taxa_has_labels_of_its_own_and_counts_the_rest(tmp_path):
    found = read_occurrences(table(tmp_path / "t.csv", "C c,3,1,", "A a,1,1,", "B b,2,1,", "C c,4,1,"))
    part = found.only_taxa(("C c", "A a"), reason="not wanted")
    assert (part.taxa, part.label.tolist(), part.lon_lat[:, 0].tolist()) == (("A a", "C c"), [0, 1, 1], [1, 3, 4])
    assert part.dropped == {"not wanted": 1}
    assert found.of("B b").lon_lat.tolist() == [[2, 1]]
    with pytest.raises(UnknownTaxonError, match="nearest"):
        found.of("B c")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": np.array([1], np.int32)}, "labels outside"),
        ({"lon_lat": np.array([[0.0, 91.0]])}, "not on Earth"),
        ({"lon_lat": np.array([[np.nan, 1.0]])}, "not on Earth"),
        ({"day": np.zeros(2, np.int32)}, "must be"),
        ({"taxa": ("b", "a")}, "sorted"),
    ],
)
def test_impossible_occurrences_are_refused(change, said):
    whole = {"taxa": ("a",), "label": np.zeros(1, np.int32), "lon_lat": np.zeros((1, 2)), "day": np.zeros(1, np.int32)}
    with pytest.raises(InputError, match=said):
        Occurrences(**whole | change)


def test_distinct_records_are_those_of_a_set_however_they_come():
    random = np.random.default_rng(0)
    rows = list(zip(*(random.integers(0, 9, 200_000).tolist() for _ in range(4)), strict=True))
    records = DistinctRecords()
    for some in np.array_split(np.array(rows), 70):
        records.add(some[:, 0], some[:, 1], some[:, 2:].astype(np.float64))
    again = records.repeats()
    label, day, lon_lat = records.arrays()
    assert list(zip(label.tolist(), day.tolist(), *lon_lat.T.tolist(), strict=True)) == sorted(set(rows))
    labels = [[row[0] for row in some] for some in (rows, set(rows))]
    assert again.tolist() == (np.bincount(labels[0]) - np.bincount(labels[1])).tolist()


def test_the_table_for_the_console_and_the_dictionary_say_what_became_of_the_rows(tmp_path):
    found = read_occurrences(
        table(tmp_path / "t.csv", "Apus apus,1,1,2020-01", "Apus apus,1,1,2020-01-15", "Apus apus,,,", "Apus apus,2,2,")
    )
    console = Console(width=80)
    with console.capture() as captured:
        console.print(found.table())
    text = captured.get()
    for said in ("2 records of Apus apus", "dropped: no place", "kept: no day in date", "place and date again"):
        assert said in text
    assert found.to_dict() == {
        "rows": 4,
        "repeats": 1,
        "dropped": {"no place": 1},
        "noted": {"no day in date: middle of the month taken": 1},
        "records": 2,
        "without_date": 1,
        "taxa": {"Apus apus": 2},
    }


def test_real_tables_read(shared_data):
    ebird = read_occurrences(shared_data / "formats" / "ebird" / "ebd-sample.txt")
    assert (ebird.rows, len(ebird), ebird.dropped, len(ebird.taxa)) == (500, 486, {}, 4)
    with pytest.raises(InputError, match="eBird's sampling file lists checklists"):
        read_occurrences(shared_data / "formats" / "ebird" / "zerofill-ex_sampling.txt")
    world = read_occurrences(shared_data / "geo-birds" / "occurrences.parquet")
    assert (world.rows, len(world.taxa)) == (48130, 1272)
    assert 0 < np.count_nonzero(world.day) < len(world)
