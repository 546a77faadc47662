"""birdsat records: tables as people have them to one clean table, with what became of every row."""

import csv
import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from recorded import RecordedProgress

import birdsat
from birdsat.cli.main import main
from birdsat.errors import ConfigError, InputError, UnknownTaxonError
from birdsat.observations.occurrences import read_occurrences
from birdsat.workflows.clean_records import DROPPED_HEAD, SCHEMA, clean_records
from birdsat.workflows.requests.records import RecordsRequest

HEAD = "gbifID,scientificName,decimalLongitude,decimalLatitude,eventDate,coordinateUncertaintyInMeters,individualCount"
ROWS = (
    '1,"Parus major Linnaeus, 1758",9.5,47.5,2019-05-12T07:15,30,2',
    "2,Parus major,9.5,47.5,2019-05-12,,",
    "3,Larus sp.,9.5,47.5,2019-05-12,,",
    "4,Apus apus,,,2019-05-12,,",
    "5,Apus apus,-9.25,-47.5,2019-05,25000,0",
    "6,Junco hyemalis oreganus,-90,40,,2500,1.5",
    "7,short",
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("\n".join((HEAD, *ROWS)) + "\n")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_written_or_listed_with_its_reason(table: Path, tmp_path: Path) -> None:
    out, dropped = tmp_path / "clean.csv", tmp_path / "dropped.csv"
    result = clean_records(RecordsRequest(tables=table, out=out, dropped=dropped))
    assert result.rows == 7 and result.records == 3
    assert result.taxa == {"Junco hyemalis": 1, "Parus major": 2}
    assert result.dropped == {
        "not one species: a genus or higher": 1,
        "no place": 1,
        "count of 0": 1,
        "wrong number of cells": 1,
    }
    assert result.noted == {"subspecies counted with its species": 1}
    source = str(table)
    assert [tuple(row.values()) for row in rows_of(out)] == [
        ("1", "Parus major", "9.5", "47.5", "2019-05-12", "0.03", "2", source, "1"),
        ("2", "Parus major", "9.5", "47.5", "2019-05-12", "", "", source, "2"),
        ("6", "Junco hyemalis", "-90", "40", "", "2.5", "1.5", source, "6"),
    ]
    listed = rows_of(dropped)
    assert list(listed[0]) == list(DROPPED_HEAD)
    assert [(row["row"], row["id"], row["reason"]) for row in listed] == [
        ("3", "3", "not one species: a genus or higher"),
        ("4", "4", "no place"),
        ("5", "5", "count of 0"),
        ("7", "row 7", "wrong number of cells"),
    ]
    assert result.files == (out, dropped)


def test_parquet_has_types_and_the_same_rows(table: Path, tmp_path: Path) -> None:
    clean_records(RecordsRequest(tables=table, out=tmp_path / "clean.parquet"))
    read = pq.read_table(tmp_path / "clean.parquet")
    assert read.schema == SCHEMA
    assert read["date"].to_pylist() == [datetime.date(2019, 5, 12)] * 2 + [None]
    assert read["count"].to_pylist() == [2.0, None, 1.5] and read["uncertainty_km"].to_pylist() == [0.03, None, 2.5]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_written_reads_as_the_records_that_a_map_would_take(table: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"clean{suffix}"
    clean_records(RecordsRequest(tables=table, out=out))
    before, after = read_occurrences(table), read_occurrences(out)
    assert after.taxa == before.taxa and after.dropped == {}
    assert after.lon_lat.tolist() == before.lon_lat.tolist() and after.day.tolist() == before.day.tolist()
    near = read_occurrences(out, max_uncertainty_km=1)
    assert near.dropped == {"place uncertain by more than 1 km": 1}


def test_the_options_of_a_map_choose_among_the_rows(table: Path, tmp_path: Path) -> None:
    result = clean_records(
        RecordsRequest(
            tables=table, out=tmp_path / "a.csv", taxa=["parus major (Linnaeus, 1758)"], max_uncertainty_km=1
        )
    )
    assert result.taxa == {"Parus major": 2}
    assert result.dropped["taxon not asked for"] == 1 and result.dropped["place uncertain by more than 1 km"] == 1
    assert result.rows == result.records + sum(result.dropped.values())
    other = tmp_path / "other.csv"
    other.write_text("bird,x,y\nParus major,1,2\n")
    columns = ("taxon=bird", "lon=x", "lat=y")
    assert clean_records(RecordsRequest(tables=other, out=tmp_path / "b.csv", columns=columns)).records == 1


def test_several_tables_are_one_and_each_row_says_where_it_is_from(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tsv"
    other.write_text("species\tlon\tlat\nApus apus\t1\t2\n")
    clean_records(RecordsRequest(tables=(table, other), out=tmp_path / "a.csv"))
    assert [(row["source"], row["row"], row["id"]) for row in rows_of(tmp_path / "a.csv")][-1] == (
        str(other),
        "1",
        "row 1",
    )


def test_a_taxon_that_no_row_records_is_refused_and_nothing_is_written(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownTaxonError, match="nearest: 'Parus major'"):
        clean_records(RecordsRequest(tables=table, out=tmp_path / "a.csv", taxa=["Parus mayor"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


def test_where_no_record_is_left_the_list_of_dropped_rows_is_there_and_nothing_else(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("species,lon,lat\nParus major,,\nLarus sp.,1,2\n")
    with pytest.raises(InputError, match=r"no place \(1\), not one species: a genus or higher \(1\)"):
        clean_records(RecordsRequest(tables=table, out=tmp_path / "a.csv", dropped=tmp_path / "d.csv"))
    assert [row["reason"] for row in rows_of(tmp_path / "d.csv")] == ["no place", "not one species: a genus or higher"]
    assert not (tmp_path / "a.csv").exists()


def test_a_table_that_ends_badly_leaves_no_file(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(b"species,lon,lat\n" + b"Parus major,1,2\n" * 200_000 + b"x" * 5_000_000)
    with pytest.raises(InputError, match="after row 200,000"):
        clean_records(RecordsRequest(tables=table, out=tmp_path / "a.csv", dropped=tmp_path / "d.csv"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


def test_files_that_are_there_are_replaced_only_where_asked(table: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        clean_records(RecordsRequest(tables=table, out=tmp_path / "a.csv"))
    clean_records(RecordsRequest(tables=table, out=tmp_path / "a.csv", overwrite=True))
    assert len(rows_of(tmp_path / "a.csv")) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"out": "a.xlsx"}, r"ends in \.csv or \.parquet"),
        ({"out": "a.csv", "dropped": "d.parquet"}, r"ends in \.csv"),
        ({"out": "a.csv", "dropped": "a.csv"}, "name two files"),
        ({"out": "a.csv", "tables": ()}, "no table"),
        ({"out": "a.csv", "max_uncertainty_km": -1.0}, "above 0"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RecordsRequest(**({"tables": "t.csv"} | given))


def test_names_that_a_spreadsheet_would_run_are_written_harmless(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text('id,species,lon,lat\n"=HYPERLINK(1)",Parus major,-1,-2\n-7,Parus major,1,2\n@a,"=1",,\n')
    clean_records(RecordsRequest(tables=table, out=tmp_path / "a.csv", dropped=tmp_path / "d.csv"))
    assert [(row["id"], row["lon"]) for row in rows_of(tmp_path / "a.csv")] == [("'=HYPERLINK(1)", "-1"), ("-7", "1")]
    assert all(row["id"] == "'@a" for row in rows_of(tmp_path / "d.csv"))


def test_the_command_line_and_python_do_the_same(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["records", str(table), "--out", str(tmp_path / "a.csv"), "--dropped", str(tmp_path / "d.csv")])
    printed = capsys.readouterr().out
    for said in ("3 records of 2 taxa", "dropped: count of 0", "kept: subspecies counted", str(tmp_path / "a.csv")):
        assert said in printed
    progress = RecordedProgress()
    result = birdsat.records(tables=table, out=tmp_path / "b.csv")
    clean_records(RecordsRequest(tables=table, out=tmp_path / "c.csv"), progress)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert progress.bars[0].done == 6 and result.to_dict()["records"] == 3


def test_records_in_metres_are_written_in_degrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "clean.csv"
    table.write_text("species,Easting,Northing\nApus apus,691000,5334000\nApus apus,691000,1e9\nApus apus,691000,5e6\n")
    words = ["records", str(table), "--out", str(out)]
    with pytest.raises(SystemExit):
        main(words)
    assert "say which CRS they are in" in (said := capsys.readouterr().err)
    assert said.strip().endswith("(--crs, --columns)")
    main([*words, "--crs", "EPSG:32632", "--dropped", str(tmp_path / "dropped.csv")])
    assert [(round(float(row["lon"]), 3), round(float(row["lat"]), 3)) for row in rows_of(out)] == [
        (11.567, 48.131),
        (11.429, 45.128),
    ]
    assert [tuple(row.values())[-2:] for row in rows_of(tmp_path / "dropped.csv")] == [
        ("coordinates that are not on Earth in their CRS", "x 691000, y 1000000000"),
    ]
