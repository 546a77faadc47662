import datetime
import gzip
import math
import pkgutil
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from birdsat.earth.place import Place
from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.registry import READERS
from birdsat.observations.readers.tables import read_table, read_taxonomy

HEAD = "id,photo,species,lon,lat,date,split"


def write(path, *lines):
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path


def sorted_out(path):
    """The observations, the reasons for dropped rows, and the remarks on rows kept."""
    rows = list(read_table(path))
    remarks = [row for row in rows if isinstance(row, Remark)]
    return (
        [row for row in rows if isinstance(row, Observation)],
        [remark.reason for remark in remarks if not remark.kept],
        [remark.reason for remark in remarks if remark.kept],
    )


def only(path, **settings):
    (row,) = read_table(path, **settings)
    return row


def test_a_whole_row_becomes_an_observation(tmp_path):
    table = write(tmp_path / "t.csv", "7,a/b.jpg,Apus apus,9.5,47.2,2010-07-14 20:19:00+00:00,validation")
    assert only(table) == Observation(
        id="7",
        taxon="Apus apus",
        photo="a/b.jpg",
        place=Place(9.5, 47.2),
        date=datetime.date(2010, 7, 14),
        split="val",
    )


def test_missing_place_and_date_and_split_are_legal(tmp_path):
    row = only(write(tmp_path / "t.csv", "7,a.jpg,Apus apus,,,,"))
    assert (row.place, row.date, row.split) == (None, None, None)


def test_gzip_and_tabs_and_gbif_names_are_understood(tmp_path):
    table = tmp_path / "gbif.csv.gz"
    text = "gbifID\tscientificName\tdecimalLatitude\tdecimalLongitude\teventDate\tlicense\n5\tApus apus\t47\t9\t\tCC0\n"
    table.write_bytes(gzip.compress(text.encode()))
    assert only(table) == Observation(id="5", taxon="Apus apus", place=Place(9, 47), licence="CC0")


def test_parquet_reads_like_csv(tmp_path):
    table = tmp_path / "t.parquet"
    rows = {
        "id": [7],
        "species": ["Apus apus"],
        "lon": [9.5],
        "lat": [47.2],
        "date": [datetime.datetime(2010, 7, 14, 5)],
        "is_training_image": [1.0],
    }
    pq.write_table(pa.table(rows), table)
    assert only(table) == Observation(
        id="7", taxon="Apus apus", place=Place(9.5, 47.2), date=datetime.date(2010, 7, 14), split="train"
    )


def test_is_training_image_tells_train_from_test(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("photo,species,is_training_image\na.jpg,Apus apus,1.0\nb.jpg,Apus apus,0\n")
    assert [(row.id, row.split) for row in read_table(table)] == [("a.jpg", "train"), ("b.jpg", "test")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("7,a.jpg,Apus apus,inf,47,,", "coordinates not on Earth"),
        ("7,a.jpg,Apus apus,9,195,,", "coordinates not on Earth"),
        ("7,a.jpg,Apus apus,9,95,,", "latitude beyond 90 that is in range as a longitude"),
        ("7,a.jpg,Apus apus,181,47,,", "coordinates not on Earth"),
        ("7,a.jpg,Apus apus,9E,47,,", "coordinates unreadable"),
        ("7,a.jpg,,9,47,,", "no taxon"),
        (",a.jpg,Apus apus,9,47,,", "no id"),
        ("7,a.jpg,Apus apus,9,47,,dev", "split unknown"),
        ("7,a.jpg,Apus apus", "wrong number of cells"),
    ],
)
def test_an_unusable_row_is_dropped_with_a_named_reason(tmp_path, line, reason):
    table = write(tmp_path / "t.csv", line, "8,b.jpg,Apus apus,9,47,,")
    rows = list(read_table(table))
    (remark,) = [row for row in rows if isinstance(row, Remark)]
    assert remark.reason == reason
    assert not remark.kept
    assert [row.id for row in rows if isinstance(row, Observation)] == ["8"]


def test_nan_and_null_coordinates_in_parquet_are_missing(tmp_path):
    table = tmp_path / "t.parquet"
    coordinates = pa.array([math.nan, None], pa.float64())
    pq.write_table(
        pa.table({"id": ["a", "b"], "species": ["Apus apus"] * 2, "lon": coordinates, "lat": coordinates}), table
    )
    observations, dropped, _ = sorted_out(table)
    assert [(row.id, row.place) for row in observations] == [("a", None), ("b", None)]
    assert not dropped


def test_half_a_place_is_left_out_and_counted(tmp_path):
    (row,), dropped, remarked = sorted_out(write(tmp_path / "t.csv", "7,a.jpg,Apus apus,9,,,"))
    assert row.place is None
    assert remarked == ["one coordinate missing: place left out"]
    assert not dropped


@pytest.mark.parametrize(
    ("text", "date", "remark"),
    [
        ("2010-06", datetime.date(2010, 6, 15), "no day in date: middle of the month taken"),
        ("2010", None, "no month in date: left out"),
        ("2019-05-01/2019-05-03", datetime.date(2019, 5, 2), "several days, 31 at most: the middle taken"),
        ("2019-05-01/03", datetime.date(2019, 5, 2), "several days, 31 at most: the middle taken"),
        ("2019-05-30/2019-06-02", datetime.date(2019, 5, 31), "several days, 31 at most: the middle taken"),
        ("2019/2020", None, "date of more than 31 days: left out"),
        ("14 July", None, "date unreadable: left out"),
        ("2010-13", None, "date not in the calendar: left out"),
        ("05/03/2010", None, "day and month of the date cannot be told apart: left out"),
        ("2010-05-03/2010-05-01", None, "date ends before it begins: left out"),
    ],
)
def test_a_date_that_is_not_one_day_keeps_the_row_with_a_remark(tmp_path, text, date, remark):
    (row,), dropped, remarked = sorted_out(write(tmp_path / "t.csv", f"7,a.jpg,Apus apus,,,{text},"))
    assert row.date == date
    assert (dropped, remarked) == ([], [remark])


@pytest.mark.parametrize("word", ["NA", "NaN", "nan", "null", "NULL"])
def test_words_for_a_missing_value_are_missing_places_and_dates(tmp_path, word):
    row = only(write(tmp_path / "t.csv", f"7,a.jpg,Apus apus,{word},{word},{word},"))
    assert (row.place, row.date) == (None, None)


def test_a_quote_at_the_start_of_a_cell_between_tabs_swallows_no_rows(tmp_path):
    table = tmp_path / "t.tsv"
    table.write_text('id\tspecies\tremarks\n1\tApus apus\t"seen\n2\tApus apus\t\n3\t"Apus" apus\t"x"\n')
    assert [(row.id, row.taxon) for row in read_table(table)] == [
        ("1", "Apus apus"),
        ("2", "Apus apus"),
        ("3", '"Apus" apus'),
    ]


def test_cells_between_tabs_are_unquoted_where_the_head_is_quoted(tmp_path):
    table = tmp_path / "t.tsv"
    table.write_text('"id"\t"species"\n"1"\t"Apus\tapus"\n')
    assert only(table) == Observation(id="1", taxon="Apus apus")


def test_semicolons_between_cells_are_understood(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text('id;species;lon;lat;rights_holder\n1;Apus apus;9.5;47;"A; B, C"\n')
    assert only(table) == Observation(id="1", taxon="Apus apus", place=Place(9.5, 47), attribution="A; B, C")


def test_row_numbers_stay_right_after_a_malformed_line(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("species,lon,lat\nApus apus,1,2\nshort\n\nApus apus,9E,2\nApus apus,1,2\nlong,1,2,3\n")
    rows = list(read_table(table))
    assert [row.row if isinstance(row, Remark) else row.id for row in rows] == [
        "row 1",
        "row 2",
        "row 3",
        "row 4",
        "row 5",
    ]
    assert [row.reason for row in rows if isinstance(row, Remark)] == [
        "wrong number of cells",
        "coordinates unreadable",
        "wrong number of cells",
    ]


def test_a_list_of_numbers_is_not_a_coordinate_and_drops_the_row(tmp_path):
    table = tmp_path / "t.parquet"
    pq.write_table(pa.table({"species": ["Apus apus"], "lon": [[1.0, 2.0]], "lat": [3.0]}), table)
    assert sorted_out(table)[1] == ["coordinates unreadable"]


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_times_with_nanoseconds_are_dates_as_written(tmp_path, zone):
    table = tmp_path / "t.parquet"
    times = pa.array([1563135540123456789], pa.timestamp("ns", zone))
    pq.write_table(pa.table({"species": ["Apus apus"], "date": times}), table)
    assert only(table).date == datetime.date(2019, 7, 14)


def test_a_date_beyond_the_calendar_is_left_out(tmp_path):
    table = tmp_path / "t.parquet"
    pq.write_table(pa.table({"species": ["Apus apus"], "date": pa.array([10**7], pa.date32())}), table)
    (row,), dropped, remarked = sorted_out(table)
    assert (row.date, dropped, remarked) == (None, [], ["date unreadable: left out"])


def test_named_columns_win_over_usual_ones(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("species,sci\nswift,Apus apus\n")
    assert only(table, columns=TableColumns(taxon="sci")).taxon == "Apus apus"


def test_a_photo_box_needs_four_numbers(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("id,species,box_x,box_y,box_width,box_height\n1,Apus apus,1,2,30,40\n2,Apus apus,1,2,,\n")
    good, bad = read_table(table)
    assert good.photo_box == (1, 2, 30, 40)
    assert bad.reason == "photo box unreadable"


def test_a_column_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    table = write(tmp_path / "t.csv", "7,a.jpg,Apus apus,,,,")
    with pytest.raises(InputError, match=r"'specis'.*nearest: 'species'.*id, photo, species"):
        read_table(table, TableColumns(taxon="specis"))


def test_a_table_without_taxon_or_with_half_the_coordinates_is_refused(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("id,lon,lat\n1,2,3\n")
    with pytest.raises(InputError, match="no column for the taxon"):
        read_table(table)
    table.write_text("id,species,lon\n1,Apus apus,3\n")
    with pytest.raises(InputError, match="nothing for lat"):
        read_table(table)


@pytest.mark.parametrize("text", ["", HEAD + "\n"])
def test_an_empty_table_is_refused(tmp_path, text):
    table = tmp_path / "t.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=r"empty|no rows"):
        list(read_table(table))


def test_absent_files_and_other_formats_and_damaged_parquet_are_refused(tmp_path):
    with pytest.raises(InputError, match="absent"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"unknown format; allowed: \.csv"):
        read_table(tmp_path / "t.xlsx")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match="damaged"):
        read_table(tmp_path / "t.parquet")


def test_taxonomy_is_read_from_the_distinct_taxa_of_a_table(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("species,family,common_name\nApus apus,Apodidae,Swift\nApus apus,Apodidae,Swift\nCorvus corax,,\n")
    taxonomy = read_taxonomy(table)
    assert taxonomy.names == ("Apus apus", "Corvus corax")
    assert (taxonomy["Apus apus"].family, taxonomy["Apus apus"].common_name) == ("Apodidae", "Swift")


def test_the_real_pair_table_reads_whole(shared_data):
    rows, dropped, _ = sorted_out(shared_data / "geo-birds" / "pairs_cub50.csv.gz")
    assert len(rows) == 2477
    assert len({row.taxon for row in rows}) == 42
    assert all(row.place is not None for row in rows)
    assert not dropped


def test_counts_of_individuals_are_read_and_what_is_not_a_number_is_not_counted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("species,lon,lat,individualCount\nApus apus,1,2,7\nApus apus,1,2,X\nApus apus,1,2,\n")
    assert [row.count for row in read_table(path)] == [7.0, None, None]


def test_columns_are_named_by_words_and_an_unknown_name_is_refused():
    assert TableColumns.parse(["taxon=Art", "lon=x"]) == TableColumns(taxon="Art", lon="x")
    with pytest.raises(InputError, match=r"colour.*NAME one of photo, taxon"):
        TableColumns.parse(["colour=red"])


def test_a_gzipped_table_within_a_zip_file_is_read_through_both(tmp_path):
    text = b"species,lon,lat\nParus major,1,2\n"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("birds.csv.gz", gzip.compress(text))
    assert [(row.taxon, row.place) for row in read_table(tmp_path / "a.zip")] == [("Parus major", Place(1, 2))]


def test_an_unknown_format_is_refused_with_those_of_every_reader(tmp_path):
    (tmp_path / "birds.xlsx").touch()
    with pytest.raises(InputError, match=r"unknown format; allowed: \.csv") as refused:
        read_table(tmp_path / "birds.xlsx")
    for reader in READERS:
        assert pkgutil.resolve_name(reader).name in str(refused.value)


def test_of_several_tables_in_a_zip_file_that_of_taxa_and_places_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "ebd.zip", "w") as file:
        file.writestr("ebd_CA.txt", "SCIENTIFIC NAME\tLATITUDE\tLONGITUDE\nParus major\t2\t1\n")
        file.writestr("ebd_CA_sampling.txt", "SAMPLING EVENT IDENTIFIER\tLATITUDE\tLONGITUDE\nS1\t2\t1\n")
        file.writestr("BCRCodes.txt", "BCR CODE\tBCR NAME\n1\tAleutian\n")
        file.writestr("terms_of_use.txt", "Please cite us.")
        file.writestr("empty.txt", "")
        file.writestr("__MACOSX/ebd_CA.txt", "notes")
    assert only(tmp_path / "ebd.zip").place == Place(1, 2)
    with zipfile.ZipFile(tmp_path / "ebd.zip", "a") as file:
        file.writestr("other.txt", "species\tlat\tlon\nParus major\t2\t1\n")
    with pytest.raises(InputError, match=r"holds 6 tables .*, of which 2 have columns of taxa and places"):
        read_table(tmp_path / "ebd.zip")
