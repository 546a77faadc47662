"""Tables of named photos: the same in every format."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_photos import ABOUT, answer, row, rows_of, unreadable

from birdsat.workflows.identify_outputs.rows import PhotoRow
from birdsat.workflows.identify_outputs.tables import write_csv, write_json_lines, write_parquet


def test_a_row_an_answer_begins_with_where_when_and_what_and_a_bad_photo_has_one(tmp_path: Path) -> None:
    write_csv(tmp_path / "n.csv", [row(), unreadable()], ABOUT)
    first, second, bad = rows_of(tmp_path / "n.csv")
    assert list(first)[:10] == [
        "photo", "lon", "lat", "date", "place_from", "date_from", "verdict", "rolled_up_rank", "rolled_up",
        "rolled_up_score",
    ]  # fmt: skip
    assert (first["lon"], first["lat"], first["date"], first["place_from"]) == ("-122.3", "47.65", "2024-05-01", "EXIF")
    assert (first["rank"], first["taxon"], first["common_name"]) == ("1", "Corvus corax", "Common Raven")
    assert (first["score"], first["place_date_score"], first["in_set"]) == ("0.9", "", "true")
    assert (second["rank"], second["taxon"], second["photo"]) == ("2", "Pica pica", "trip/a.jpg")
    assert (bad["verdict"], bad["rank"], bad["remark"]) == ("unreadable", "", "an empty file")


def test_wide_has_a_row_a_photo(tmp_path: Path) -> None:
    about = replace(ABOUT, wide=True, top=3)
    for write, name in ((write_csv, "n.csv"), (write_parquet, "n.parquet")):
        write(tmp_path / name, [row(), unreadable()], about)
    first, bad = rows_of(tmp_path / "n.csv")
    assert (first["taxon_1"], first["score_2"], first["taxon_3"]) == ("Corvus corax", "0.0625", "")
    assert bad["taxon_1"] == "" and bad["remark"] == "an empty file"
    assert pq.read_table(tmp_path / "n.parquet")["taxon_2"].to_pylist() == ["Pica pica", None]


def test_parquet_and_json_lines_say_the_same_with_types(tmp_path: Path) -> None:
    some = [row(), unreadable(), row("b.jpg", date=None, taken=None)]
    write_parquet(tmp_path / "n.parquet", some, ABOUT)
    table = pq.read_table(tmp_path / "n.parquet")
    assert table["date"].to_pylist() == [datetime.date(2024, 5, 1)] * 2 + [None] * 3
    assert table["in_set"].to_pylist() == [True, False, None, True, False]
    write_json_lines(tmp_path / "n.jsonl", some, ABOUT)
    lines = (tmp_path / "n.jsonl").read_text().splitlines()
    assert [PhotoRow.from_dict(json.loads(line)) for line in lines] == some


def test_cells_that_a_spreadsheet_would_run_are_harmless(tmp_path: Path) -> None:
    odd = row("=cmd|calc.jpg", answers=(answer(1, "Falco peregrinus", 0.9),), rolled_up="@x", remarks=("+1+1",))
    write_csv(tmp_path / "n.csv", [odd], ABOUT)
    (found,) = rows_of(tmp_path / "n.csv")
    assert found["photo"] == "'=cmd|calc.jpg" and found["common_name"].startswith("'=Peregrine")
    assert found["rolled_up"] == "'@x" and found["remark"] == "'+1+1" and found["lon"] == "-122.3"


@pytest.mark.parametrize(("write", "name"), [(write_csv, "n.csv"), (write_parquet, "n.parquet")])
def test_nothing_half_written_is_left(tmp_path: Path, write: object, name: str) -> None:
    def broken() -> object:
        yield row()
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        write(tmp_path / name, broken(), ABOUT)  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []
