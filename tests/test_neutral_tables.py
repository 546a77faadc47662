import csv
import io

import pytest

from birdsat.tables import CsvWriter, Table, harmless


def test_a_table_as_markdown_stands_words_left_and_figures_right_and_escapes_bars() -> None:
    table = Table(title="t", columns=["taxon", "rows"])
    table.add_row("a | b", "1")
    table.add_section()
    table.add_row("mean")
    assert table.markdown() == "| taxon | rows |\n| --- | ---: |\n| a \\| b | 1 |\n| mean |  |"
    assert table.sections == [[("a | b", "1")], [("mean", "")]]


def test_a_table_as_a_frame_has_numbers_where_figures_are_numbers() -> None:
    table = Table(columns=["taxon", "rows", "recall", "chance"])
    table.add_row("Corvus corax", "1,200", "0.500", "0.5 (0.1)")
    table.add_row("mean", "", "0.250", "0.25 (0.1)")
    frame = table.to_frame()
    assert frame["rows"].iloc[0] == 1200 and frame["rows"].isna().tolist() == [False, True]
    assert frame["recall"].tolist() == [0.5, 0.25] and frame["chance"].tolist() == ["0.5 (0.1)", "0.25 (0.1)"]
    assert frame["taxon"].tolist() == ["Corvus corax", "mean"]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1", "-", "+", "-inf"]
)
def test_text_that_a_spreadsheet_would_run_is_made_harmless(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-1.5", "+3", "-1e-05", "-.5", -1.5, None, "", "Parus major", "a=b", " =1"])
def test_numbers_and_other_text_stay_as_they_are(cell: object) -> None:
    assert harmless(cell) == cell


def test_every_cell_and_head_of_a_csv_is_harmless() -> None:
    text = io.StringIO()
    CsvWriter(text, ("=head", "n")).write([("@a", -1), ('x, "y"', "-2")])
    assert list(csv.reader(io.StringIO(text.getvalue()))) == [["'=head", "n"], ["'@a", "-1"], ['x, "y"', "-2"]]
